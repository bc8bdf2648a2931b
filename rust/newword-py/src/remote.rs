//! Discovery in a text that lies elsewhere: what the driver of a cluster does, and what its tasks do.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use newword_core::corpus::Key;
use newword_core::discovery::{self, discover_elsewhere, needed_of};
use newword_core::ngram::{self, RightSums};
use newword_core::support::keyed::{KeyedSums, each, in_groups};
use newword_core::support::{Error, Result};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::discovery::Scoring;
use crate::door::{Job, Services, enter, enter_briefly, enter_served};
use crate::errors::to_python;
use crate::result;
use crate::text::EncodedText;

/// Order, smallest count, and from how many symbols on all numbers are one neighbour, for a text of `total` symbols.
#[pyfunction]
pub fn needed_counts(
    py: Python<'_>,
    options: &Bound<'_, PyDict>,
    total: u64,
) -> PyResult<(usize, u64, u8)> {
    let scoring: Scoring = options.extract()?;
    let order = options.as_any().get_item("order")?.extract()?;
    let asked = scoring.options(Some(order))?;
    enter(py, &Job::plain(Some(1)), None, |_, _| needed_of(&asked, total))
}

/// N-grams of a count file that are kept, with counts and right sums, for [`RemoteCounts`].
#[pyfunction]
pub fn right_sums(
    py: Python<'_>,
    path: PathBuf,
    order: usize,
    min_count: u64,
    numbers_from: u8,
) -> PyResult<Bound<'_, PyBytes>> {
    let found = enter(py, &Job::plain(Some(1)), None, |context, _| {
        Ok(ngram::right_sums(&path, order, min_count, numbers_from, context)?.to_bytes())
    })?;
    Ok(PyBytes::new(py, &found))
}

/// Groups of keys, and sums of some of their keys.
type Pieces<'py> = Vec<(u32, Bound<'py, PyBytes>)>;

fn pieces(py: Python<'_>, found: Vec<(u32, Vec<u8>)>) -> Pieces<'_> {
    found.into_iter().map(|(group, piece)| (group, PyBytes::new(py, &piece))).collect()
}

/// The shares of a count file in the sums of a request's n-grams, in `groups` groups.
#[pyfunction]
pub fn shares<'py>(
    py: Python<'py>,
    path: PathBuf,
    request: &Bound<'py, PyBytes>,
    groups: u32,
) -> PyResult<Pieces<'py>> {
    let bytes = request.as_bytes();
    let found = enter(py, &Job::plain(Some(1)), None, |context, _| {
        let shares = ngram::shares(&path, bytes, context)?.into_iter();
        Ok(in_groups(shares.map(|(number, share)| (number.to_be_bytes(), share)), groups))
    })?;
    Ok(pieces(py, found))
}

/// Sums of the same keys, which are added up.
#[pyclass(frozen, module = "newword._newword")]
#[derive(Default)]
pub struct Sums(Mutex<KeyedSums>);

#[pymethods]
impl Sums {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Adds pieces, one after the other.
    fn add(&self, py: Python<'_>, data: &[u8]) -> PyResult<()> {
        // Spark may hand over few bytes at a time, for which a thread of its own takes longer than adding them.
        enter_briefly(py, Some(1), data.len(), |_| {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).add(data)
        })
    }

    /// The sums in pieces, without those of words that occur fewer than `min_count` times.
    fn pieces<'py>(&self, py: Python<'py>, min_count: u64) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let found = enter(py, &Job::plain(Some(1)), None, |_, _| {
            let sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(sums.pieces(|key, sum| sum >= u128::from(min_count) || !Key::is_word(key)))
        })?;
        Ok(found.iter().map(|piece| PyBytes::new(py, piece)).collect())
    }
}

/// The counts of a text that lies elsewhere.
#[pyclass(frozen, module = "newword._newword")]
pub struct RemoteCounts(Mutex<ngram::RemoteCounts>);

impl RemoteCounts {
    fn lock(&self) -> MutexGuard<'_, ngram::RemoteCounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl RemoteCounts {
    /// The n-grams of all files as `right_sums` gives them, end to end; `needed` is from `needed_counts`.
    #[new]
    fn new(py: Python<'_>, found: &[u8], needed: (usize, u64, u8)) -> PyResult<Self> {
        let (order, min_count, numbers_from) = needed;
        let built = enter(py, &Job::plain(Some(1)), None, |_, _| {
            let files = RightSums::from_bytes(found)?;
            ngram::RemoteCounts::new(&files, order, min_count, numbers_from)
        })?;
        Ok(Self(Mutex::new(built)))
    }

    /// What `shares` is asked with.
    fn request<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.lock().request())
    }

    /// Adds shares, in pieces end to end.
    fn add(&self, py: Python<'_>, data: &[u8]) -> PyResult<()> {
        enter(py, &Job::plain(Some(1)), None, |_, _| {
            let mut counts = self.lock();
            each(data, |number, share| counts.add(number_of(number)?, share))
        })
    }

    /// The words; `passes` goes through the text.
    fn discover<'py>(
        &self,
        py: Python<'py>,
        options: &Bound<'py, PyDict>,
        job: Job,
        passes: Py<PyAny>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let scoring: Scoring = options.extract()?;
        let order = options.as_any().get_item("order")?.extract()?;
        let asked = scoring.options(Some(order))?;
        let services = Services { items: None, passes: Some(passes) };
        let found = enter_served(py, &job, services, |context, caller| {
            let mut counts = self.lock();
            let (table, of_symbols) = counts.table();
            discover_elsewhere(table, of_symbols, &caller, &asked, context)
        })?;
        result::discovery(py, &found, None, scoring.reasons)
    }
}

/// A pass over a text, part by part.
#[pyclass(frozen, module = "newword._newword")]
pub struct Pass(discovery::Pass);

#[pymethods]
impl Pass {
    #[new]
    fn new(request: &[u8]) -> PyResult<Self> {
        discovery::Pass::new(request).map(Self).map_err(to_python)
    }

    /// Goes through a part of the text: its sums, in `groups` groups.
    fn run<'py>(
        &self,
        py: Python<'py>,
        text: &EncodedText,
        groups: u32,
        job: Job,
    ) -> PyResult<Pieces<'py>> {
        let found = enter(py, &job, None, |context, _| self.0.run(&text.0, groups, context))?;
        Ok(pieces(py, found))
    }
}

/// The number of a sum whose key this is.
fn number_of(key: &[u8]) -> Result<u64> {
    let number = key.try_into().map(u64::from_be_bytes);
    number.map_err(|_| Error::Corpus("the shares that another process sent are damaged".into()))
}
