//! The core's tables as dictionaries of columns.

use newword_core::corpus::ReadReport;
use newword_core::discovery::{Discovery, Rejected, Summary, Word};
use numpy::IntoPyArray;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// `{"columns": ..., "summary": ..., "rejected": ... or None}`.
pub fn discovery<'py>(
    py: Python<'py>,
    found: &Discovery,
    read: Option<&ReadReport>,
    with_rejected: bool,
) -> PyResult<Bound<'py, PyDict>> {
    let result = PyDict::new(py);
    result.set_item("columns", words(py, &found.words)?)?;
    let about = summary(py, &found.summary)?;
    if let Some(report) = read {
        reading(&about, report)?;
    }
    result.set_item("summary", about)?;
    let rejected_rows = with_rejected.then(|| rejected(py, &found.rejected)).transpose()?;
    result.set_item("rejected", rejected_rows)?;
    Ok(result)
}

/// A column of numbers, one per row.
fn column<R, T: numpy::Element>(
    columns: &Bound<'_, PyDict>,
    name: &str,
    rows: &[R],
    value: impl Fn(&R) -> T,
) -> PyResult<()> {
    let values: Vec<T> = rows.iter().map(value).collect();
    columns.set_item(name, values.into_pyarray(columns.py()))
}

fn words<'py>(py: Python<'py>, rows: &[Word]) -> PyResult<Bound<'py, PyDict>> {
    let columns = PyDict::new(py);
    columns.set_item("word", PyList::new(py, rows.iter().map(|row| row.text.as_str()))?)?;
    column(&columns, "count", rows, |row| row.count)?;
    column(&columns, "length", rows, |row| i32::try_from(row.length).unwrap_or(i32::MAX))?;
    column(&columns, "pmi", rows, |row| row.pmi)?;
    column(&columns, "left_entropy", rows, |row| row.left_entropy)?;
    column(&columns, "right_entropy", rows, |row| row.right_entropy)?;
    column(&columns, "score", rows, |row| row.score)?;
    column(&columns, "known", rows, |row| row.known)?;
    columns.set_item("kind", PyList::new(py, rows.iter().map(|row| row.kind.name()))?)?;
    Ok(columns)
}

fn rejected<'py>(py: Python<'py>, rows: &[Rejected]) -> PyResult<Bound<'py, PyDict>> {
    let columns = PyDict::new(py);
    columns.set_item("word", PyList::new(py, rows.iter().map(|row| row.text.as_str()))?)?;
    column(&columns, "count", rows, |row| row.count)?;
    let length = |row: &Rejected| i32::try_from(row.text.chars().count()).unwrap_or(i32::MAX);
    column(&columns, "length", rows, length)?;
    column(&columns, "pmi", rows, |row| row.pmi)?;
    column(&columns, "left_entropy", rows, |row| row.left_entropy)?;
    column(&columns, "right_entropy", rows, |row| row.right_entropy)?;
    columns.set_item("reason", PyList::new(py, rows.iter().map(|row| row.reason.to_string()))?)?;
    Ok(columns)
}

fn summary<'py>(py: Python<'py>, about: &Summary) -> PyResult<Bound<'py, PyDict>> {
    let result = PyDict::new(py);
    result.set_item("total", about.total)?;
    result.set_item("symbols", about.symbols)?;
    result.set_item("order", about.order)?;
    result.set_item("min_count", about.min_count)?;
    // In Python thresholds begin at length 1, as published; the first is unused.
    let from_one: Vec<f64> = std::iter::once(0.0).chain(about.min_pmi.iter().copied()).collect();
    result.set_item("min_pmi", from_one)?;
    result.set_item("min_entropy", about.min_entropy)?;
    result.set_item("ngrams", about.ngrams.clone())?;
    result.set_item("strong", about.strong.clone())?;
    result.set_item("segments", about.segments)?;
    result.set_item("false_segments", about.false_segments)?;
    result.set_item("overlong", about.overlong)?;
    result.set_item("candidates", about.candidates)?;
    result.set_item("words", about.words)?;
    Ok(result)
}

/// Adds what reading met to a summary.
pub fn reading(summary: &Bound<'_, PyDict>, report: &ReadReport) -> PyResult<()> {
    summary.set_item("files", report.files)?;
    summary.set_item("bytes", report.bytes)?;
    summary.set_item("documents", report.documents)?;
    summary.set_item("replaced", report.replaced)?;
    summary.set_item("skipped", report.skipped)?;
    summary.set_item("missing", report.missing)?;
    summary.set_item("markup", report.markup)?;
    summary.set_item("ignored", report.ignored)?;
    summary.set_item("duplicates", report.duplicates)
}
