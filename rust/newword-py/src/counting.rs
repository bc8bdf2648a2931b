//! Count files.

use std::path::PathBuf;

use newword_core::corpus::encode;
use newword_core::discovery::score_file;
use newword_core::ngram::{
    CountFile, CountHeader, CountMeta, append, check_settings, merge, write_counts,
};
use newword_core::support::Error;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::discovery::Scoring;
use crate::door::{Job, enter};
use crate::errors::to_python;
use crate::options::AlphabetOptions;
use crate::result;
use crate::source::Source;

/// Options of counting.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Options {
    order: usize,
    min_count: u64,
    resume: bool,
    drop_duplicates: bool,
}

/// Counts all n-grams of a corpus into the file `output`, or adds them to it; returns its summary.
#[pyfunction]
pub fn count_ngrams<'py>(
    py: Python<'py>,
    source: Source<'py>,
    output: PathBuf,
    options: &Bound<'py, PyDict>,
    job: Job,
) -> PyResult<Bound<'py, PyDict>> {
    let asked: Options = options.extract()?;
    let alphabet = options.extract::<AlphabetOptions>()?;
    let read_with = alphabet.alphabet().map_err(to_python)?;
    let existing = (asked.resume && output.exists()).then_some(output.as_path());
    let (opened, items) = source.open(asked.drop_duplicates)?;
    enter(py, &job, items, |context, caller| {
        let meta = CountMeta { alphabet: alphabet.name(), sources: Vec::new() };
        let Options { order, min_count, .. } = asked;
        let wanted = CountHeader { order, min_count, total: 0, meta };
        existing.map_or(Ok(()), |path| check_settings(path, &wanted))?;
        let (text, sources) = opened.remaining(existing, caller, context)?;
        let Some(text) = text else { return Ok(()) };
        let corpus = encode(text, &read_with, context)?;
        if corpus.total() == 0 {
            return Err(Error::Corpus("the corpus holds no text: nothing to count".into()));
        }
        let meta = CountMeta { sources, ..wanted.meta };
        match existing {
            Some(path) => append(&corpus, &meta, path, context),
            None => write_counts(&corpus, order, min_count, &meta, &output, context),
        }
    })?;
    count_file_summary(py, output)
}

/// Merges count files into `output`; returns its summary.
#[pyfunction]
pub fn merge_counts(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    output: PathBuf,
    job: Job,
) -> PyResult<Bound<'_, PyDict>> {
    enter(py, &job, None, |context, _| merge(&paths, &output, context))?;
    count_file_summary(py, output)
}

/// The words of a count file, as `discover` returns them.
#[pyfunction]
pub fn score_counts(
    py: Python<'_>,
    path: PathBuf,
    options: Scoring,
    job: Job,
) -> PyResult<Bound<'_, PyDict>> {
    let asked = options.options(None)?;
    let found = enter(py, &job, None, |context, _| score_file(&path, &asked, context))?;
    result::discovery(py, &found, None, options.reasons)
}

/// The summary of a count file.
#[pyfunction]
pub fn count_file_summary(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyDict>> {
    let file = CountFile::open(&path).map_err(to_python)?;
    let CountHeader { order, min_count, total, meta } = file.header();
    let result = PyDict::new(py);
    result.set_item("order", order)?;
    result.set_item("min_count", min_count)?;
    result.set_item("total", total)?;
    result.set_item("alphabet", &meta.alphabet)?;
    let sources: Vec<(&str, u64)> =
        meta.sources.iter().map(|source| (source.name.as_str(), source.bytes)).collect();
    result.set_item("sources", sources)?;
    Ok(result)
}
