//! Beam search, sampling and bidirectional search.

mod arrays;
mod options;

use newword_core::beam::{
    self, BeamOptions, BidirectionalOptions, Pairing, SamplerOptions, bf16, f16,
};
use pyo3::prelude::*;

use self::arrays::{Fields, Listed, Matrix, Rows, Tokens, fields, listed, rows, tokens, typed};
pub use self::options::TokenTrie;
use self::options::{Limits, Ranking};
use crate::door::enter_briefly;
use crate::errors::{invalid, to_python};

/// The number of scores that a scan passes in one unit of work.
const SCORES_OF_A_UNIT: usize = 4;

/// A beam search in progress.
#[pyclass(module = "newword._newword")]
pub struct BeamSearch(beam::BeamSearch);

#[pymethods]
impl BeamSearch {
    #[new]
    fn new(
        batch: usize,
        beams: usize,
        groups: usize,
        diversity: f64,
        ranking: Ranking,
        limits: Limits,
    ) -> PyResult<Self> {
        let options = BeamOptions {
            batch,
            beams,
            groups,
            diversity,
            n_best: ranking.n_best,
            penalty: ranking.penalty()?,
            count_end: ranking.count_end,
            early_stopping: ranking.early_stopping,
            constraints: limits.into(),
        };
        beam::BeamSearch::new(options).map(Self).map_err(to_python)
    }

    /// Takes a step with scores of the type `kind`.
    fn step<'py>(
        &mut self,
        py: Python<'py>,
        scores: &Bound<'py, PyAny>,
        kind: &str,
        allowed: Listed<'py>,
        threads: Option<usize>,
    ) -> PyResult<Rows<'py>> {
        let allowed = listed(allowed)?;
        let step = typed!(kind, E => {
            let matrix = Matrix::<E>::new(scores)?;
            let (values, shape) = (matrix.values()?, matrix.shape());
            enter_briefly(py, threads, matrix.size() / SCORES_OF_A_UNIT, |workers| {
                self.0.step(values, shape, &allowed, workers)
            })
        })?;
        Ok(rows(py, step))
    }

    /// Whether each source is finished.
    fn finished(&self) -> Vec<bool> {
        self.0.finished()
    }

    /// The number of steps taken.
    fn steps(&self) -> usize {
        self.0.steps()
    }

    /// The tokens of the live hypothesis of each row.
    fn live<'py>(&self, py: Python<'py>) -> Tokens<'py> {
        tokens(py, self.0.live())
    }

    /// The results of each source.
    fn results<'py>(&self, py: Python<'py>) -> Vec<Vec<Fields<'py>>> {
        fields(py, self.0.results())
    }
}

/// Samples in progress.
#[pyclass(module = "newword._newword")]
pub struct Sampler(beam::Sampler);

#[pymethods]
impl Sampler {
    #[new]
    fn new(
        batch: usize,
        samples: usize,
        temperature: f64,
        top_k: usize,
        top_p: f64,
        seed: u64,
        limits: Limits,
    ) -> PyResult<Self> {
        let constraints = limits.into();
        let options =
            SamplerOptions { batch, samples, temperature, top_k, top_p, seed, constraints };
        beam::Sampler::new(options).map(Self).map_err(to_python)
    }

    /// Takes a step with logits of the type `kind`.
    fn step<'py>(
        &mut self,
        py: Python<'py>,
        logits: &Bound<'py, PyAny>,
        kind: &str,
        allowed: Listed<'py>,
        threads: Option<usize>,
    ) -> PyResult<Rows<'py>> {
        let allowed = listed(allowed)?;
        let step = typed!(kind, E => {
            let matrix = Matrix::<E>::new(logits)?;
            let (values, shape) = (matrix.values()?, matrix.shape());
            enter_briefly(py, threads, matrix.size(), |workers| {
                self.0.step(values, shape, &allowed, workers)
            })
        })?;
        Ok(rows(py, step))
    }

    /// Whether each source is finished.
    fn finished(&self) -> Vec<bool> {
        self.0.finished()
    }

    /// The number of steps taken.
    fn steps(&self) -> usize {
        self.0.steps()
    }

    /// The tokens of the sample of each row.
    fn live<'py>(&self, py: Python<'py>) -> Tokens<'py> {
        tokens(py, self.0.live())
    }

    /// The samples of each source.
    fn results<'py>(&self, py: Python<'py>) -> Vec<Vec<Fields<'py>>> {
        fields(py, self.0.results())
    }
}

/// A bidirectional search in progress.
#[pyclass(module = "newword._newword")]
pub struct BidirectionalBeamSearch(beam::BidirectionalBeamSearch);

#[pymethods]
impl BidirectionalBeamSearch {
    #[new]
    fn new(
        batch: usize,
        beams: usize,
        mode: &str,
        ranking: Ranking,
        forward: Limits,
        backward: Limits,
    ) -> PyResult<Self> {
        let options = BidirectionalOptions {
            batch,
            beams,
            n_best: ranking.n_best,
            pairing: match mode {
                "average" => Pairing::Average,
                "paired" => Pairing::Paired,
                other => return Err(invalid("mode", "must be known", other)),
            },
            penalty: ranking.penalty()?,
            count_end: ranking.count_end,
            early_stopping: ranking.early_stopping,
            constraints: [forward.into(), backward.into()],
        };
        beam::BidirectionalBeamSearch::new(options).map(Self).map_err(to_python)
    }

    /// Takes a step in both directions with scores of the type `kind`.
    fn step<'py>(
        &mut self,
        py: Python<'py>,
        forward: &Bound<'py, PyAny>,
        backward: &Bound<'py, PyAny>,
        kind: &str,
        threads: Option<usize>,
    ) -> PyResult<(Rows<'py>, Rows<'py>)> {
        let [ahead, back] = typed!(kind, E => {
            let (forward, backward) = (Matrix::<E>::new(forward)?, Matrix::<E>::new(backward)?);
            let values = [forward.values()?, backward.values()?];
            let shapes = [forward.shape(), backward.shape()];
            let work = (forward.size() + backward.size()) / SCORES_OF_A_UNIT;
            enter_briefly(py, threads, work, |workers| {
                self.0.step(values, shapes.map(|shape| shape[0]), shapes.map(|shape| shape[1]), workers)
            })
        })?;
        Ok((rows(py, ahead), rows(py, back)))
    }

    /// Whether each source is finished.
    fn finished(&self) -> Vec<bool> {
        self.0.finished()
    }

    /// The number of steps taken.
    fn steps(&self) -> usize {
        self.0.steps()
    }

    /// The results of each source.
    fn results<'py>(&self, py: Python<'py>) -> Vec<Vec<Fields<'py>>> {
        fields(py, self.0.results())
    }
}
