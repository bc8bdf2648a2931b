//! The caller's iterable of texts, read in batches.

use newword_core::corpus::TextBatch;
use newword_core::support::{Error, Result};
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyString};

use crate::errors::invalid;
use crate::strings::utf8;

/// Text is taken from an iterable until a batch holds this much.
const BATCH_BYTES: usize = 1 << 20;

/// An iterable of `str`, pulled under the interpreter in batches.
pub struct Items {
    iterator: Py<PyIterator>,
    taken: u64,
}

impl Items {
    /// The items of `iterable`.
    pub fn new(iterable: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(Self { iterator: iterable.try_iter()?.unbind(), taken: 0 })
    }

    /// The next items, about a megabyte of them; `None` at the end.
    pub fn next_batch(&mut self, py: Python<'_>) -> Result<Option<TextBatch>> {
        self.pull(py).map_err(|error| Error::External(Box::new(error)))
    }

    fn pull(&mut self, py: Python<'_>) -> PyResult<Option<TextBatch>> {
        let mut batch = TextBatch::new();
        let mut iterator = self.iterator.bind(py).clone();
        for item in iterator.by_ref() {
            let item = item?;
            if item.is_none() {
                self.taken += 1;
                batch.push_missing();
                continue;
            }
            let Ok(text) = item.cast::<PyString>() else {
                let kind = item.get_type().name()?;
                return Err(invalid(
                    "corpus",
                    "every item must be a str or None",
                    format!("{kind} at item {}", self.taken),
                ));
            };
            let text = utf8(text, || ("corpus", format!("item {}", self.taken)))?;
            self.taken += 1;
            batch.push(text);
            if batch.bytes() >= BATCH_BYTES {
                break;
            }
        }
        let ended = batch.is_empty() && batch.missing() == 0;
        Ok((!ended).then_some(batch))
    }
}
