//! Interned Python strings of words: words recur, and a look-up is faster than an allocation.

use std::sync::{Mutex, PoisonError};

use newword_core::segmentation::Cut;
use newword_core::support::hash::HashMap;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

use crate::errors::invalid;

/// Strings by [`Cut::id`].
#[derive(Default)]
struct ById {
    /// Of the first ids: characters, and the words whose nodes were placed first, which are the short
    /// ones of frequent characters.
    first: Vec<Option<Py<PyString>>>,
    /// Of the others: a large lexicon has many more words than anyone's texts.
    others: HashMap<u32, Py<PyString>>,
}

/// So many ids have a place each: 4 MB.
const FIRST: usize = 1 << 19;

/// The strings of a segmenter, kept from call to call.
#[derive(Default)]
pub struct Strings(Mutex<ById>);

impl Strings {
    /// What makes lists of words with `ids` ids. It holds the strings itself and not the lock, so
    /// that a signal's handler may segment too; it then makes its own.
    pub fn lend<'py>(&self, py: Python<'py>, ids: usize) -> Lists<'py, '_> {
        let mut by_id = std::mem::take(&mut *self.lock());
        by_id.first.resize_with(ids.min(FIRST), || None);
        Lists { py, strings: self, by_id, nameless: HashMap::default(), made: 0 }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ById> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many words are made between two looks for Ctrl-C: about a thousandth of a second.
const PATIENCE: usize = 1 << 16;

/// Makes lists of words that share their strings.
pub struct Lists<'py, 's> {
    py: Python<'py>,
    strings: &'s Strings,
    by_id: ById,
    nameless: HashMap<&'s str, Bound<'py, PyString>>,
    /// Words so far.
    made: usize,
}

impl<'py, 's> Lists<'py, 's> {
    /// The words of `text` as a list.
    ///
    /// # Errors
    /// What a signal's handler raised.
    pub fn list(&mut self, text: &'s str, words: &[Cut]) -> PyResult<Bound<'py, PyList>> {
        let (py, mut start) = (self.py, 0);
        let strings = words.iter().map(|word| {
            let range = std::mem::replace(&mut start, word.end)..word.end;
            self.string(&text[range], word.id)
        });
        PyList::new(py, strings.map(Made))
    }

    #[inline]
    fn string(&mut self, word: &'s str, id: u32) -> PyResult<Bound<'py, PyString>> {
        self.made += 1;
        if self.made.is_multiple_of(PATIENCE) {
            self.py.check_signals()?;
        }
        let make = || PyString::new(self.py, word);
        Ok(match self.by_id.first.get_mut(id as usize) {
            Some(known) => known.get_or_insert_with(|| make().unbind()).bind(self.py).clone(),
            None if id != Cut::NAMELESS => {
                let known = self.by_id.others.entry(id).or_insert_with(|| make().unbind());
                known.bind(self.py).clone()
            }
            None => self.nameless.entry(word).or_insert_with(make).clone(),
        })
    }
}

impl Drop for Lists<'_, '_> {
    fn drop(&mut self) {
        *self.strings.lock() = std::mem::take(&mut self.by_id);
    }
}

/// A string, or why there is none.
struct Made<'py>(PyResult<Bound<'py, PyString>>);

impl<'py> IntoPyObject<'py> for Made<'py> {
    type Target = PyString;
    type Output = Bound<'py, PyString>;
    type Error = PyErr;

    #[inline]
    fn into_pyobject(self, _: Python<'py>) -> PyResult<Self::Output> {
        self.0
    }
}

/// Keeps the collector of reference cycles from running as long as it lives.
///
/// Before Python 3.12 the collector runs whenever some hundred lists have been made, and goes through
/// all their strings: a fifth of the time that cutting text into lists takes. Lists of strings are
/// in no cycle, and later versions do not collect in the midst of a call either.
pub struct NoCollection<'py>(Option<Bound<'py, PyModule>>);

impl<'py> NoCollection<'py> {
    /// # Errors
    /// Whatever the module `gc` raises.
    pub fn new(py: Python<'py>) -> PyResult<Self> {
        let gc = py.import("gc")?;
        let is_on = gc.call_method0("isenabled")?.is_truthy()?;
        if is_on {
            gc.call_method0("disable")?;
        }
        Ok(Self(is_on.then_some(gc)))
    }
}

impl Drop for NoCollection<'_> {
    fn drop(&mut self) {
        if let Some(gc) = &self.0 {
            // It takes no argument and sets a flag, so it does not fail.
            let _ = gc.call_method0("enable");
        }
    }
}

/// The text of a Python string; `place` names the argument, and the string among others.
///
/// # Errors
/// The string has a lone surrogate, which is no text.
pub fn utf8<'t>(
    text: &'t Bound<'_, PyString>,
    place: impl FnOnce() -> (&'static str, String),
) -> PyResult<&'t str> {
    text.to_str().map_err(|_| {
        let (argument, place) = place();
        invalid(argument, "must be valid Unicode", format!("a lone surrogate in {place}"))
    })
}
