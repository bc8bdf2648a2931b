//! Count files.

use std::path::{Path, PathBuf};

use newword_core::lexicon::score_file;
use newword_core::ngram::{CountFile, CountHeader, merge};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::discovery::Scoring;
use crate::door::{Job, enter};
use crate::errors::to_python;
use crate::result;

/// The sum of count files, written to `output`; what it holds.
#[pyfunction]
pub fn merge_counts<'py>(
    py: Python<'py>,
    paths: Vec<PathBuf>,
    output: PathBuf,
    job: Job,
) -> PyResult<Bound<'py, PyDict>> {
    enter(py, &job, None, |context, _| merge(&paths, &output, context))?;
    summary(py, &output)
}

/// The words of a count file, as `discover` returns them.
#[pyfunction]
pub fn score_counts<'py>(
    py: Python<'py>,
    path: PathBuf,
    options: Scoring,
    job: Job,
) -> PyResult<Bound<'py, PyDict>> {
    let asked = options.options(None)?;
    let found = enter(py, &job, None, |context, _| score_file(&path, &asked, context))?;
    result::discovery(py, &found, None, options.reasons)
}

/// What a count file says of itself.
fn summary<'py>(py: Python<'py>, path: &Path) -> PyResult<Bound<'py, PyDict>> {
    let file = CountFile::open(path).map_err(to_python)?;
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
