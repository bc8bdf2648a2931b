//! `Words`: words end to end, and reading them from dictionaries.

use newword_core::lexicon;
use newword_core::support::Workers;
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::exceptions::{PyUnicodeDecodeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};

use crate::door::{Job, enter};
use crate::errors::{invalid, to_python};

/// Words in one buffer, without a Python string for each.
#[pyclass(frozen, module = "newword._newword")]
pub struct Words(lexicon::Words);

impl Words {
    pub fn core(&self) -> &lexicon::Words {
        &self.0
    }
}

#[pymethods]
impl Words {
    /// The words of `text`, which follow each other; `lengths`, int64 (words,), has their characters.
    #[new]
    fn new(text: String, lengths: PyReadonlyArray1<'_, i64>) -> PyResult<Self> {
        let lengths = lengths.as_array();
        let wrong = |length: &i64| usize::try_from(*length).is_err();
        if let Some(length) = lengths.iter().find(|length| wrong(length)) {
            return Err(invalid("lengths", "must be at least 0", length));
        }
        let lengths = lengths.iter().map(|length| usize::try_from(*length).unwrap_or(0));
        lexicon::Words::of_joined(text, lengths).map(Self).map_err(to_python)
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// The words as Python strings.
    fn strings<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, self.0.iter().map(|word| PyString::new(py, word)))
    }
}

type Columns<'py> = (Words, Bound<'py, PyArray1<u64>>, Bound<'py, PyArray1<i32>>);

/// The words of a jieba dictionary or a word list, their counts and their lengths. A line that is no
/// entry raises `ValueError` with its number, the rule and what was there.
#[pyfunction]
pub fn read_dictionary<'py>(py: Python<'py>, data: &Bound<'py, PyBytes>) -> PyResult<Columns<'py>> {
    let bytes = data.as_bytes();
    let read = enter(py, &Job::plain(Some(1)), None, |context, _| {
        let workers = Workers::kept(None)?.stopped_by(context);
        match std::str::from_utf8(bytes) {
            Ok(text) => lexicon::read_dictionary(text, &workers).map(Ok),
            Err(error) => Ok(Err(error)),
        }
    })?;
    let found = match read {
        Ok(found) => found,
        Err(error) => {
            return Err(PyErr::from_value(
                PyUnicodeDecodeError::new_utf8(py, bytes, error)?.into_any(),
            ));
        }
    };
    match found {
        Ok(lexicon::Dictionary { words, counts, lengths }) => {
            Ok((Words(words), counts.into_pyarray(py), lengths.into_pyarray(py)))
        }
        Err(lexicon::LineError { line, rule, got }) => {
            Err(PyValueError::new_err((line, rule, got)))
        }
    }
}
