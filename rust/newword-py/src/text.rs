//! A part of a corpus in ids, which a task of a cluster counts, keeps and goes through again.

use std::sync::{Arc, Mutex, PoisonError};

use newword_core::corpus::{EncodedCorpus, encode};
use newword_core::ngram::{self, CountMeta};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::door::{Job, enter, enter_briefly};
use crate::errors::to_python;
use crate::options::AlphabetOptions;
use crate::result;
use crate::source::Source;

/// Options of counting in groups.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Groups {
    order: usize,
    groups: u32,
}

/// A text in ids.
#[pyclass(frozen, module = "newword._newword")]
pub struct EncodedText(pub Arc<EncodedCorpus>);

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
        Ok(Self(Arc::new(corpus)))
    }

    /// The text of `to_bytes`.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &[u8]) -> PyResult<Self> {
        let corpus = enter(py, &Job::plain(Some(1)), None, |_, _| EncodedCorpus::from_bytes(data))?;
        Ok(Self(Arc::new(corpus)))
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

    /// The exact count files of groups of the n-grams.
    fn count_groups(
        &self,
        py: Python<'_>,
        options: &Bound<'_, PyDict>,
        job: Job,
    ) -> PyResult<GroupFiles> {
        let Groups { order, groups } = options.extract()?;
        let meta = CountMeta {
            alphabet: options.extract::<AlphabetOptions>()?.name(),
            sources: Vec::new(),
        };
        let files = enter(py, &job, None, |context, _| {
            ngram::count_groups(Arc::clone(&self.0), order, groups, &meta, context)
        })?;
        Ok(GroupFiles(Mutex::new(files)))
    }
}

/// The count files of groups of n-grams, one after the other.
#[pyclass(frozen, module = "newword._newword")]
pub struct GroupFiles(Mutex<ngram::GroupFiles<Arc<EncodedCorpus>>>);

#[pymethods]
impl GroupFiles {
    /// The number of the next group that has n-grams, and its file; None at the end.
    fn next<'py>(&self, py: Python<'py>) -> PyResult<Option<(u32, Bound<'py, PyBytes>)>> {
        let files = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Most files are small where there are many, and `enter` takes longer than they do.
        let size = files().next_size();
        let next = enter_briefly(py, Some(1), size, |_| files().next().transpose())?;
        Ok(next.map(|(group, bytes)| (group, PyBytes::new(py, &bytes))))
    }
}
