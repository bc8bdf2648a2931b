//! Expansion of the user's paths, folders and globs to files.

use std::fs;
use std::path::{Path, PathBuf};

use super::options::bare_extension;
use crate::support::{Error, Result};

/// Where to read text from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A file, a pipe or a device.
    File(PathBuf),
    /// The standard input of the process.
    Stdin,
}

impl Input {
    /// Its name in messages.
    pub fn place(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Stdin => Path::new("<stdin>"),
        }
    }

    /// Its size in bytes as stored, if known.
    pub fn size(&self) -> Option<u64> {
        match self {
            Self::File(path) => {
                fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|data| data.len())
            }
            Self::Stdin => None,
        }
    }
}

/// Expands `patterns` to files, in the given order.
///
/// Each is the path of a file; a folder, which stands for all files below it that end in `.txt`,
/// `.text`, `.jsonl`, `.ndjson`, `.csv` or `.tsv`, also with `.gz`, `.zst` or `.xz` after that, hidden ones left
/// out; a glob with `*`, `**`, `?` or `[...]`; or `-` for the standard input. What exists under the
/// very name is that, and no glob. Files of one folder or glob come by code point of their paths;
/// a file named twice is read twice.
///
/// # Errors
/// [`Error::InvalidArgument`] naming `paths` and the value where a glob cannot be read or nothing
/// fits; [`Error::Io`] if a file is missing or a folder cannot be listed.
pub fn expand<P: AsRef<str>>(patterns: impl IntoIterator<Item = P>) -> Result<Vec<Input>> {
    let mut inputs = Vec::new();
    for pattern in patterns {
        let pattern = pattern.as_ref();
        let path = Path::new(pattern);
        if pattern == "-" {
            inputs.push(Input::Stdin);
        } else if path.is_dir() {
            let mut found = Vec::new();
            list(path, &mut found)?;
            add_sorted(found, "a folder must hold text files", pattern, &mut inputs)?;
        } else if !is_glob(pattern) || fs::symlink_metadata(path).is_ok() {
            fs::metadata(path).map_err(|error| Error::io(path, "cannot open", error))?;
            inputs.push(Input::File(path.to_path_buf()));
        } else {
            let found = matches(pattern)?;
            add_sorted(found, "a glob must match files", pattern, &mut inputs)?;
        }
    }
    if inputs.is_empty() {
        return Err(Error::invalid("corpus", "must name at least one file", "none"));
    }
    Ok(inputs)
}

fn is_glob(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

fn add_sorted(
    mut found: Vec<PathBuf>,
    rule: &str,
    pattern: &str,
    inputs: &mut Vec<Input>,
) -> Result<()> {
    if found.is_empty() {
        return Err(Error::invalid("corpus", rule, format!("{pattern:?}")));
    }
    // As strings, so that the order does not depend on where separators are.
    found.sort_unstable_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
    inputs.extend(found.into_iter().map(Input::File));
    Ok(())
}

/// The files that a glob matches.
fn matches(pattern: &str) -> Result<Vec<PathBuf>> {
    let options = glob::MatchOptions { require_literal_leading_dot: true, ..Default::default() };
    let paths = glob::glob_with(pattern, options)
        .map_err(|error| Error::invalid("corpus", error.to_string(), format!("{pattern:?}")))?;
    let mut found = Vec::new();
    for path in paths {
        let path = path.map_err(|error| {
            let place = error.path().to_path_buf();
            Error::io(place, "cannot list", error.into())
        })?;
        if !path.is_dir() {
            found.push(path);
        }
    }
    Ok(found)
}

/// Adds the text files below `folder`. Links to folders are not followed, so that none is endless.
fn list(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let fail = |error| Error::io(folder, "cannot list", error);
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        if entry.file_type().map_err(fail)?.is_dir() {
            list(&path, found)?;
        } else if is_text(&name.to_string_lossy()) && path.is_file() {
            found.push(path);
        }
    }
    Ok(())
}

fn is_text(name: &str) -> bool {
    let extension = bare_extension(Path::new(name));
    matches!(extension.as_deref(), Some("txt" | "text" | "jsonl" | "ndjson" | "csv" | "tsv"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "b.txt",
            "a.TXT.gz",
            ".hidden.txt",
            "note.md",
            "sub/c.jsonl.zst",
            "sub-d.text",
            "[x].txt",
            "sub/.git/e.txt",
            "empty/f.png",
        ] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "天").unwrap();
        }
        folder
    }

    fn names(folder: &Path, patterns: &[&str]) -> Result<Vec<String>> {
        let root = format!("{}/", folder.display());
        let full: Vec<_> = patterns
            .iter()
            .map(
                |&pattern| if pattern == "-" { pattern.into() } else { format!("{root}{pattern}") },
            )
            .collect();
        let inputs = expand(&full)?;
        Ok(inputs.iter().map(|i| i.place().display().to_string().replace(&root, "")).collect())
    }

    #[test]
    fn folders_globs_and_files_in_their_order() {
        let folder = folder();
        let at = |patterns: &[&str]| names(folder.path(), patterns).unwrap();
        let all = ["[x].txt", "a.TXT.gz", "b.txt", "sub-d.text", "sub/c.jsonl.zst"];
        assert_eq!(at(&["."]).iter().map(|n| n.trim_start_matches("./")).collect::<Vec<_>>(), all);
        assert_eq!(at(&["note.md", "-", "b.txt"]), ["note.md", "<stdin>", "b.txt"]);
        assert_eq!(at(&["*.txt"]), ["[x].txt", "b.txt"]);
        assert_eq!(at(&["**/*.zst", "?.txt"]), ["sub/c.jsonl.zst", "b.txt"]);
        assert_eq!(at(&["[x].txt"]), ["[x].txt"]);
        assert_eq!(at(&["[ab].*"]), ["a.TXT.gz", "b.txt"]);
    }

    #[test]
    fn errors_name_missing_paths() {
        let folder = folder();
        for (pattern, what) in [
            ("no.txt", "no.txt: cannot open"),
            ("*.csv", "a glob must match files"),
            ("empty", "a folder must hold text files"),
            ("a**b", "corpus: "),
        ] {
            let message = names(folder.path(), &[pattern]).unwrap_err().to_string();
            assert!(message.contains(what) && message.contains(pattern), "{message}");
        }
        assert!(expand::<&str>([]).is_err());
    }
}
