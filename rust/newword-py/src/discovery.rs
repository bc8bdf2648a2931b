//! Words from a corpus, and the trained segmenter.

use newword_core::corpus::encode;
use newword_core::discovery::kenlm::{KenlmCorpus, KenlmOptions, discover_kenlm};
use newword_core::discovery::{self, DiscoverOptions, Method};
use newword_core::segmentation::unsupervised::{self, UnsupervisedMethod, UnsupervisedOptions};
use newword_core::support::Result;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::door::{Job, enter};
use crate::errors::{invalid, to_python};
use crate::options::AlphabetOptions;
use crate::result;
use crate::segmenter::Segmenter;
use crate::source::Source;

/// What decides which candidates are words.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Scoring {
    min_count: Option<u64>,
    method: String,
    min_pmi: Option<Vec<f64>>,
    min_entropy: Option<f64>,
    max_length: Option<usize>,
    edge_stops: Vec<String>,
    /// Whether rejected candidates are returned with their reasons.
    pub reasons: bool,
}

impl Scoring {
    /// The core's options for n-grams of up to `order` symbols; `None` where a file knows it.
    pub fn options(&self, order: Option<usize>) -> PyResult<DiscoverOptions> {
        let method = match self.method.as_str() {
            "combined" => Method::Combined,
            "chain" => Method::Chain,
            "entropy" => Method::Entropy,
            "bigram" => Method::Bigram,
            "autonomy" => Method::Autonomy,
            other => return Err(invalid("method", "must be a known method", other)),
        };
        Ok(DiscoverOptions {
            method,
            order: order.filter(|_| method != Method::Bigram),
            min_count: self.min_count,
            min_pmi: self.thresholds(),
            min_entropy: self.min_entropy,
            max_length: self.max_length,
            edge_stops: self.edge_stops.iter().flat_map(|stop| stop.chars()).collect(),
            rejected: if self.reasons { usize::MAX } else { 0 },
            ..DiscoverOptions::default()
        })
    }

    /// In Python a list of thresholds begins at length 1, as published; the core's at 2.
    fn thresholds(&self) -> Option<Vec<f64>> {
        let given = self.min_pmi.as_ref()?;
        Some(if given.len() == 1 { given.clone() } else { given[1..].to_vec() })
    }
}

/// How a corpus is turned into words.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Options {
    order: usize,
    counts: String,
    drop_duplicates: bool,
}

/// The words of a corpus: columns, summary, and the rejected candidates or None.
#[pyfunction]
pub fn discover<'py>(
    py: Python<'py>,
    source: Source<'py>,
    options: &Bound<'py, PyDict>,
    job: Job,
) -> PyResult<Bound<'py, PyDict>> {
    let how: Options = options.extract()?;
    let scoring: Scoring = options.extract()?;
    if how.counts == "kenlm" {
        return discover_as_published(py, &source, &how, &scoring, &job);
    }
    let alphabet = options.extract::<AlphabetOptions>()?.alphabet().map_err(to_python)?;
    let asked = scoring.options(Some(how.order))?;
    let (opened, items) = source.open(how.drop_duplicates)?;
    let (found, report) = enter(py, &job, items, |context, caller| {
        let corpus = encode(opened.text(caller)?, &alphabet, context)?;
        let found = discovery::discover(&corpus, &asked, context)?;
        Ok((found, corpus.report().clone()))
    })?;
    result::discovery(py, &found, Some(&report), scoring.reasons)
}

fn discover_as_published<'py>(
    py: Python<'py>,
    source: &Source<'py>,
    how: &Options,
    scoring: &Scoring,
    job: &Job,
) -> PyResult<Bound<'py, PyDict>> {
    let published = KenlmOptions::default();
    let thresholds = match scoring.thresholds() {
        Some(given) if given.len() == 1 => vec![given[0]; how.order - 1],
        Some(given) => given,
        None => (1..how.order).map(|cuts| 2.0 * cuts as f64).collect(),
    };
    let options = KenlmOptions {
        order: how.order,
        min_count: scoring.min_count.unwrap_or(published.min_count),
        min_pmi: thresholds,
        ..published
    };
    let (opened, items) = source.open(how.drop_duplicates)?;
    let found = enter(py, job, items, |context, caller| {
        let corpus = KenlmCorpus::read(opened.text(caller)?, context)?;
        discover_kenlm(&corpus, &options, context)
    })?;
    result::discovery(py, &found, None, scoring.reasons)
}

/// Occurrences of each word, overlaps included, uint64 (words,), and the symbols of the corpus.
#[pyfunction]
pub fn count_words<'py>(
    py: Python<'py>,
    source: Source<'py>,
    words: Vec<String>,
    options: &Bound<'py, PyDict>,
    job: Job,
) -> PyResult<(Bound<'py, numpy::PyArray1<u64>>, u64)> {
    let alphabet = options.extract::<AlphabetOptions>()?.alphabet().map_err(to_python)?;
    let drop_duplicates = options.as_any().get_item("drop_duplicates")?.extract()?;
    let (opened, items) = source.open(drop_duplicates)?;
    let (counts, total) = enter(py, &job, items, |context, caller| -> Result<_> {
        let corpus = encode(opened.text(caller)?, &alphabet, context)?;
        let counts = discovery::count_words(&corpus, &words, &alphabet, context)?;
        Ok((counts, corpus.total()))
    })?;
    Ok((numpy::IntoPyArray::into_pyarray(counts, py), total))
}

/// A segmenter trained on the text of a corpus.
#[pyfunction]
pub fn train_segmenter<'py>(
    py: Python<'py>,
    source: Source<'py>,
    options: &Bound<'py, PyDict>,
    job: Job,
) -> PyResult<Segmenter> {
    let how: Training = options.extract()?;
    let method = match how.method.as_str() {
        "reestimated" => UnsupervisedMethod::Reestimated,
        "autonomy" => UnsupervisedMethod::Autonomy,
        other => return Err(invalid("method", "must be a known method", other)),
    };
    let (max_length, min_count) = (how.max_length, how.min_count);
    let asked = UnsupervisedOptions { max_length, min_count, method, ..Default::default() };
    let (opened, items) = source.open(how.drop_duplicates)?;
    let trained = enter(py, &job, items, |context, caller| {
        unsupervised::train(opened.text(caller)?, &asked, context)
    })?;
    Ok(trained.into_segmenter().into())
}

/// How a segmenter is trained.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct Training {
    method: String,
    max_length: usize,
    min_count: Option<u64>,
    drop_duplicates: bool,
}
