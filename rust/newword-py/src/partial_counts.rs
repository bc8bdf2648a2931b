//! Counts of a part of a corpus, as files that add up and as columns: what a task of a cluster does.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use newword_core::ngram::{
    self, CountFile, CountHeader, CountMeta, GramColumns, Grams, write_columns as write,
};
use newword_core::support::{Error, MemoryBudget};
use numpy::{IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::door::{Job, enter};
use crate::errors::to_python;
use crate::options::AlphabetOptions;

/// The alphabet as count files name it.
#[pyfunction]
pub fn alphabet_name(options: AlphabetOptions) -> String {
    options.name()
}

/// A size such as "2GB" in bytes.
#[pyfunction]
pub fn memory_bytes(memory: &str) -> PyResult<u64> {
    memory.parse().map(MemoryBudget::bytes).map_err(to_python)
}

/// The free memory of the machine, or of the container, in bytes.
#[pyfunction]
pub fn available_memory() -> u64 {
    MemoryBudget::available()
}

/// Merges the count files of a group into `output`, without what adds nothing to sums over neighbours.
#[pyfunction]
pub fn merge_for_sums(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    output: PathBuf,
    job: Job,
) -> PyResult<()> {
    enter(py, &job, None, |context, _| ngram::merge_for_sums(&paths, &output, context))
}

/// Offsets, int32 (rows + 1,), the text, uint8, numbers of symbols, int8 (rows,), counts, int64 (rows,).
type Columns<'py> = (
    Bound<'py, PyArray1<i32>>,
    Bound<'py, PyArray1<u8>>,
    Bound<'py, PyArray1<i8>>,
    Bound<'py, PyArray1<i64>>,
);

/// The n-grams of a count file as columns, batch by batch.
#[pyclass(frozen, module = "newword._newword")]
pub struct CountRows(Mutex<Grams<CountFile>>);

#[pymethods]
impl CountRows {
    /// Opens the file `path`.
    #[new]
    fn new(path: PathBuf) -> PyResult<Self> {
        let grams = CountFile::open(&path).and_then(CountFile::into_grams).map_err(to_python)?;
        Ok(Self(Mutex::new(grams)))
    }

    /// The next rows, `rows` at most; None at the end.
    fn next<'py>(&self, py: Python<'py>, rows: usize) -> PyResult<Option<Columns<'py>>> {
        let next = enter(py, &Job::plain(Some(1)), None, |_, _| {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).next_columns(rows)
        })?;
        Ok(next.map(|GramColumns { offsets, text, lengths, counts }| {
            (
                offsets.into_pyarray(py),
                text.into_pyarray(py),
                lengths.into_pyarray(py),
                counts.into_pyarray(py),
            )
        }))
    }
}

/// Writes the exact count file `path` of sorted n-grams, which are columns as `CountRows` has them.
#[pyfunction]
pub fn write_columns(
    py: Python<'_>,
    offsets: PyReadonlyArray1<'_, i32>,
    text: &Bound<'_, PyBytes>,
    counts: PyReadonlyArray1<'_, i64>,
    order: usize,
    alphabet: String,
    path: PathBuf,
) -> PyResult<()> {
    let (offsets, counts) = (offsets.to_vec()?, counts.to_vec()?);
    let text = text.as_bytes();
    let meta = CountMeta { alphabet, sources: Vec::new() };
    let header = CountHeader { order, min_count: 1, total: 0, meta };
    enter(py, &Job::plain(Some(1)), None, |_, _| {
        let mut texts = Vec::with_capacity(counts.len());
        for ends in offsets.windows(2) {
            let range = usize::try_from(ends[0]).ok().zip(usize::try_from(ends[1]).ok());
            let text = range.and_then(|(start, end)| text.get(start..end));
            let text = text.and_then(|text| std::str::from_utf8(text).ok());
            let wrong =
                || Error::invalid("offsets", "must cut text into UTF-8", format!("{ends:?}"));
            texts.push(text.ok_or_else(wrong)?);
        }
        write(texts.into_iter().zip(counts), &header, &path)
    })
}
