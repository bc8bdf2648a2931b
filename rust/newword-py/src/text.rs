//! A part of a corpus in ids, which a task of a cluster counts, keeps and goes through again.

use std::path::PathBuf;

use newword_core::corpus::{EncodedCorpus, encode};
use newword_core::ngram::{CountMeta, write_buckets};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::door::{Job, enter};
use crate::errors::to_python;
use crate::options::AlphabetOptions;
use crate::result;
use crate::source::Source;

/// Options of counting in groups.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Groups {
    order: usize,
    buckets: u32,
}

/// A text in ids.
#[pyclass(frozen, module = "newword._newword")]
pub struct EncodedText(pub EncodedCorpus);

#[pymethods]
impl EncodedText {
    /// Reads and encodes a source.
    #[new]
    fn new(
        py: Python<'_>,
        source: Source<'_>,
        options: AlphabetOptions,
        job: Job,
    ) -> PyResult<Self> {
        let alphabet = options.alphabet().map_err(to_python)?;
        let (opened, items) = source.open(false)?;
        let corpus = enter(py, &job, items, |context, caller| {
            encode(opened.text(caller)?, &alphabet, context)
        })?;
        Ok(Self(corpus))
    }

    /// The text of `to_bytes`.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        enter(py, &Job::plain(Some(1)), None, |_, _| EncodedCorpus::from_bytes(data)).map(Self)
    }

    /// The text as bytes, for a process of the same version.
    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = enter(py, &Job::plain(Some(1)), None, |_, _| self.0.to_bytes())?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// Number of symbols.
    fn total(&self) -> u64 {
        self.0.total()
    }

    /// What reading met.
    fn report<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let read = PyDict::new(py);
        result::reading(&read, self.0.report())?;
        Ok(read)
    }

    /// The groups that have n-grams, each with its exact count file in `folder`.
    fn count_buckets(
        &self,
        py: Python<'_>,
        folder: PathBuf,
        options: &Bound<'_, PyDict>,
        job: Job,
    ) -> PyResult<Vec<(u32, PathBuf)>> {
        let Groups { order, buckets } = options.extract()?;
        let meta = CountMeta {
            alphabet: options.extract::<AlphabetOptions>()?.name(),
            sources: Vec::new(),
        };
        enter(py, &job, None, |context, _| {
            write_buckets(&self.0, order, buckets, &meta, &folder, context)
        })
    }
}
