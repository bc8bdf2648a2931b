//! Discovery in a text that lies elsewhere: what the driver of a cluster does, and what its tasks do.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use newword_core::discovery::{self, discover_elsewhere, needed_of};
use newword_core::ngram;
use newword_core::support::Error;
use numpy::{IntoPyArray, PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};

use crate::discovery::Scoring;
use crate::door::{Job, Services, enter, enter_served};
use crate::errors::to_python;
use crate::result;
use crate::text::EncodedText;

/// Bits of the lower half of a sum. Halves of many sums can be added up in 64 bits.
const LOW_BITS: u32 = 40;

type Column<'py, T> = Bound<'py, PyArray1<T>>;

/// The lower and the upper halves of sums, int64.
type Halves<'py> = (Column<'py, i64>, Column<'py, i64>);

fn halves<'py>(py: Python<'py>, sums: &[u128]) -> Halves<'py> {
    let part = |sum: u128| i64::try_from(sum).unwrap_or(i64::MAX);
    let low: Vec<i64> = sums.iter().map(|sum| part(sum & ((1 << LOW_BITS) - 1))).collect();
    let high: Vec<i64> = sums.iter().map(|sum| part(sum >> LOW_BITS)).collect();
    (low.into_pyarray(py), high.into_pyarray(py))
}

fn whole(low: i64, high: i64) -> u128 {
    let part = |half: i64| u128::try_from(half).unwrap_or(0);
    part(low) + (part(high) << LOW_BITS)
}

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

type RightSums<'py> =
    (Column<'py, i32>, Column<'py, u8>, Column<'py, i64>, Column<'py, i64>, Column<'py, i64>);

/// N-grams of a count file that are kept: offsets, text, counts, and the halves of their right sums.
#[pyfunction]
pub fn right_sums(
    py: Python<'_>,
    path: PathBuf,
    order: usize,
    min_count: u64,
    numbers_from: u8,
) -> PyResult<RightSums<'_>> {
    let found = enter(py, &Job::plain(Some(1)), None, |context, _| {
        ngram::right_sums(&path, order, min_count, numbers_from, context)
    })?;
    let (low, high) = halves(py, &found.sums);
    let ngram::RightSums { offsets, text, counts, .. } = found;
    Ok((offsets.into_pyarray(py), text.into_pyarray(py), counts.into_pyarray(py), low, high))
}

/// The shares of a count file in the sums of a request's n-grams: numbers of the sums, and halves.
#[pyfunction]
pub fn shares<'py>(
    py: Python<'py>,
    path: PathBuf,
    request: &Bound<'py, PyBytes>,
) -> PyResult<(Column<'py, i64>, Column<'py, i64>, Column<'py, i64>)> {
    let bytes = request.as_bytes();
    let found =
        enter(py, &Job::plain(Some(1)), None, |context, _| ngram::shares(&path, bytes, context))?;
    let (numbers, sums): (Vec<u64>, Vec<u128>) = found.into_iter().unzip();
    let numbers = numbers.into_iter().map(|number| i64::try_from(number).unwrap_or(-1));
    let numbers: Vec<i64> = numbers.collect();
    let (low, high) = halves(py, &sums);
    Ok((numbers.into_pyarray(py), low, high))
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
    /// The n-grams as `right_sums` gives them, each once; `needed` is from `needed_counts`.
    #[new]
    fn new(
        py: Python<'_>,
        ends: PyReadonlyArray1<'_, i64>,
        text: &Bound<'_, PyBytes>,
        counts: PyReadonlyArray1<'_, i64>,
        halves: (PyReadonlyArray1<'_, i64>, PyReadonlyArray1<'_, i64>),
        needed: (usize, u64, u8),
    ) -> PyResult<Self> {
        let (order, min_count, numbers_from) = needed;
        let text = std::str::from_utf8(text.as_bytes());
        let wrong = || Error::Corpus("counts: the n-grams are no UTF-8".into());
        let text = text.map_err(|_| to_python(wrong()))?;
        let [ends, counts, low, high] =
            [&ends, &counts, &halves.0, &halves.1].map(|column| column.to_vec());
        let (ends, counts, low, high) = (ends?, counts?, low?, high?);
        let built = enter(py, &Job::plain(Some(1)), None, |_, _| {
            let (mut start, mut rows) = (0, Vec::with_capacity(ends.len()));
            for (row, end) in ends.iter().enumerate() {
                let end = usize::try_from(*end).unwrap_or(usize::MAX);
                let gram = text.get(start..end).ok_or_else(wrong)?;
                let count = u64::try_from(counts[row]).unwrap_or(0);
                rows.push((gram, count, whole(low[row], high[row])));
                start = end;
            }
            ngram::RemoteCounts::new(rows.into_iter(), order, min_count, numbers_from)
        })?;
        Ok(Self(Mutex::new(built)))
    }

    /// What `shares` is asked with.
    fn request<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.lock().request())
    }

    /// Adds shares.
    fn add(
        &self,
        numbers: PyReadonlyArray1<'_, i64>,
        low: PyReadonlyArray1<'_, i64>,
        high: PyReadonlyArray1<'_, i64>,
    ) -> PyResult<()> {
        let mut counts = self.lock();
        let halves = low.as_array().into_iter().zip(high.as_array());
        for (number, (low, high)) in numbers.as_array().iter().zip(halves) {
            let number = u64::try_from(*number).unwrap_or(u64::MAX);
            counts.add(number, whole(*low, *high)).map_err(to_python)?;
        }
        Ok(())
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

type Answer<'py> = (Column<'py, i64>, Bound<'py, PyBytes>, Column<'py, i64>);

/// A pass over a text, part by part.
#[pyclass(frozen, module = "newword._newword")]
pub struct Pass(discovery::Pass);

#[pymethods]
impl Pass {
    #[new]
    fn new(request: &[u8]) -> PyResult<Self> {
        discovery::Pass::new(request).map(Self).map_err(to_python)
    }

    /// Goes through a part of the text: where the keys end, the keys, and the counts.
    fn run<'py>(&self, py: Python<'py>, text: &EncodedText, job: Job) -> PyResult<Answer<'py>> {
        let rows = enter(py, &job, None, |context, _| self.0.run(&text.0, context))?;
        let (mut keys, mut ends, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        for (key, count) in rows {
            keys.extend(key);
            ends.push(i64::try_from(keys.len()).unwrap_or(i64::MAX));
            counts.push(i64::try_from(count).unwrap_or(i64::MAX));
        }
        Ok((ends.into_pyarray(py), PyBytes::new(py, &keys), counts.into_pyarray(py)))
    }
}
