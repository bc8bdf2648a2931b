//! Resuming a count file with new sources.

use std::fmt::Display;
use std::path::Path;

use super::{CountFile, CountHeader, CountSource, SourceState};
use crate::corpus::Input;
use crate::support::{Context, Error, Result};

/// The sources still to be counted, with their entries for the file's list of sources.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Remaining {
    /// The inputs that are still to be read.
    pub inputs: Vec<Input>,
    /// One entry for each of them.
    pub sources: Vec<CountSource>,
}

/// Checks that the count file at `path` was counted as `wanted`: of another order or alphabet, or
/// pruned at another count, it cannot be counted on.
///
/// # Errors
/// [`Error::Format`] naming what differs; what opening the file meets.
pub fn check_settings(path: &Path, wanted: &CountHeader) -> Result<()> {
    let file = CountFile::open(path)?;
    let found = file.header();
    let different = |what: &str, found: &dyn Display, wanted: &dyn Display| {
        let message =
            format!("was counted with {what} {found}, not {wanted}: count anew without resume");
        Err(Error::format(path, message))
    };
    if found.order != wanted.order {
        return different("order", &found.order, &wanted.order);
    }
    if found.min_count != wanted.min_count {
        return different("min_count", &found.min_count, &wanted.min_count);
    }
    if found.meta.alphabet != wanted.meta.alphabet {
        return different("the alphabet", &found.meta.alphabet, &wanted.meta.alphabet);
    }
    Ok(())
}

/// Lists `inputs` as sources, without those whose very bytes the count file `existing` holds already.
/// Every file is read through for its digest; the standard input cannot be, and always counts as new.
///
/// # Errors
/// [`Error::Format`] if `existing` is no count file, or holds an earlier state of one of the files;
/// [`Error::Io`]; [`Error::Cancelled`].
pub fn remaining(
    existing: Option<&Path>,
    inputs: Vec<Input>,
    context: &Context,
) -> Result<Remaining> {
    let file = existing.map(CountFile::open).transpose()?;
    let mut remaining = Remaining::default();
    for input in inputs {
        let source = match &input {
            Input::File(path) if path.is_file() => CountSource::of_file(path, context)?,
            Input::File(_) | Input::Stdin => {
                CountSource { name: input.place().display().to_string(), bytes: 0, digest: None }
            }
        };
        match file.as_ref().map_or(SourceState::New, |file| file.header().state_of(&source)) {
            SourceState::Included => {}
            SourceState::New => {
                remaining.inputs.push(input);
                remaining.sources.push(source);
            }
            SourceState::Changed => {
                let path = file.as_ref().map_or(Path::new(""), CountFile::path);
                let message = format!(
                    "holds the counts of {} as it was before it changed; count anew without resume",
                    source.name
                );
                return Err(Error::format(path, message));
            }
        }
    }
    Ok(remaining)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{Alphabet, EncodedCorpus};
    use crate::ngram::{CountMeta, write_counts};
    use crate::support::MemoryBudget;

    #[test]
    fn counted_files_are_left_out_and_changed_ones_refused() {
        let context = Context::new(Some(1), MemoryBudget::share_of_available(), None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["a", "b"] {
            std::fs::write(path(name), name.repeat(3)).unwrap();
        }
        let inputs = |names: &[&str]| names.iter().map(|name| Input::File(path(name))).collect();
        let first = remaining(None, inputs(&["a"]), &context).unwrap();
        let meta = CountMeta { alphabet: String::new(), sources: first.sources };
        let corpus = EncodedCorpus::from_texts(["aaa"], &Alphabet::default()).unwrap();
        write_counts(&corpus, 2, 1, &meta, &path("counts"), &context).unwrap();

        let counts = path("counts");
        let left = remaining(Some(&counts), inputs(&["a", "b"]), &context).unwrap();
        assert_eq!(left.inputs, [Input::File(path("b"))]);
        assert!(left.sources[0].name.ends_with('b') && left.sources[0].digest.is_some());
        std::fs::write(path("a"), "changed").unwrap();
        let message = remaining(Some(&counts), inputs(&["a"]), &context).unwrap_err().to_string();
        assert!(message.contains("before it changed"), "{message}");
    }
}
