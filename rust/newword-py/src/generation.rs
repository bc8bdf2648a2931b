//! Beam search, sampling and bidirectional search, on `NumPy` arrays.

use std::sync::Arc;

use half::slice::HalfBitsSliceExt;
use newword_core::beam::{
    self, BeamOptions, BidirectionalOptions, Constraints, Element, Hypothesis, LengthPenalty,
    Pairing, SamplerOptions, Step, bf16, f16,
};
use numpy::{PyArray1, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

use crate::door::enter_briefly;
use crate::errors::{invalid, to_python};

/// The number of scores that a scan passes in one unit of work.
const SCORES_OF_A_UNIT: usize = 4;

/// A compiled set of allowed sequences.
#[pyclass(frozen, module = "newword._newword")]
pub struct TokenTrie(Arc<beam::TokenTrie>);

#[pymethods]
impl TokenTrie {
    /// The trie of sequences that lie end to end in `tokens`, int32, with their `lengths`, int64.
    #[new]
    fn new(
        tokens: PyReadonlyArray1<'_, i32>,
        lengths: PyReadonlyArray1<'_, i64>,
    ) -> PyResult<Self> {
        let mut rest = tokens.as_slice()?;
        let mut sequences = Vec::with_capacity(lengths.as_array().len());
        for &length in lengths.as_slice()? {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let Some((sequence, behind)) = rest.split_at_checked(length) else {
                return Err(invalid("lengths", "must add up to the number of tokens", length));
            };
            sequences.push(sequence);
            rest = behind;
        }
        let trie = beam::TokenTrie::new(&sequences).map_err(to_python)?;
        Ok(Self(Arc::new(trie)))
    }

    /// The number of sequences.
    fn __len__(&self) -> usize {
        self.0.sequences()
    }

    /// The number of nodes.
    fn nodes(&self) -> usize {
        self.0.nodes()
    }
}

/// The constraints that all searches share.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Limits {
    end_tokens: Vec<i32>,
    pad_token: i32,
    max_length: Vec<usize>,
    min_length: Vec<usize>,
    force_end: bool,
    no_repeat_ngram: usize,
    forbidden: Vec<i32>,
    prefixes: Vec<Vec<i32>>,
    allowed: Vec<Option<Py<TokenTrie>>>,
}

impl From<Limits> for Constraints {
    fn from(limits: Limits) -> Self {
        let trie = |trie: Option<Py<TokenTrie>>| trie.map(|trie| Arc::clone(&trie.get().0));
        Self {
            end_tokens: limits.end_tokens,
            pad_token: limits.pad_token,
            max_length: limits.max_length,
            min_length: limits.min_length,
            force_end: limits.force_end,
            no_repeat: limits.no_repeat_ngram,
            forbidden: limits.forbidden,
            prefixes: limits.prefixes,
            allowed: limits.allowed.into_iter().map(trie).collect(),
        }
    }
}

/// How finished hypotheses are compared.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Ranking {
    n_best: usize,
    length_penalty: String,
    alpha: f64,
    count_end: bool,
    early_stopping: bool,
}

impl Ranking {
    fn penalty(&self) -> PyResult<LengthPenalty> {
        Ok(match self.length_penalty.as_str() {
            "none" => LengthPenalty::None,
            "average" => LengthPenalty::Average(self.alpha),
            "gnmt" => LengthPenalty::Gnmt(self.alpha),
            other => return Err(invalid("length_penalty", "must be known", other)),
        })
    }
}

/// A type of scores and the type of its arrays: the 16-bit types arrive as their bits.
trait Score: Element {
    type Stored: numpy::Element;
    fn cast(stored: &[Self::Stored]) -> &[Self];
}

macro_rules! score {
    ($($kind:ty, $stored:ty, $cast:expr;)*) => {$(
        impl Score for $kind {
            type Stored = $stored;

            fn cast(stored: &[$stored]) -> &[$kind] {
                ($cast)(stored)
            }
        }
    )*};
}

score! {
    f32, f32, std::convert::identity;
    f64, f64, std::convert::identity;
    f16, u16, HalfBitsSliceExt::reinterpret_cast;
    bf16, u16, HalfBitsSliceExt::reinterpret_cast;
}

/// Scores of shape (rows, vocabulary).
struct Matrix<'py, E: Score>(PyReadonlyArray2<'py, E::Stored>);

impl<'py, E: Score> Matrix<'py, E> {
    fn new(array: &Bound<'py, PyAny>) -> PyResult<Self> {
        Ok(Self(array.extract()?))
    }

    fn shape(&self) -> [usize; 2] {
        let shape = self.0.as_array().raw_dim();
        [shape[0], shape[1]]
    }

    fn size(&self) -> usize {
        let [rows, columns] = self.shape();
        rows.saturating_mul(columns)
    }

    fn values(&self) -> PyResult<&[E]> {
        Ok(E::cast(self.0.as_slice()?))
    }
}

/// Runs `body` with `kind` as the type of scores of that name.
macro_rules! typed {
    ($name:expr, $kind:ident => $body:expr) => {
        match $name {
            "float32" => typed!(@f32, $kind, $body),
            "float64" => typed!(@f64, $kind, $body),
            "float16" => typed!(@f16, $kind, $body),
            "bfloat16" => typed!(@bf16, $kind, $body),
            other => Err(invalid("dtype", "must be known", other)),
        }
    };
    (@$type:ty, $kind:ident, $body:expr) => {{
        type $kind = $type;
        $body
    }};
}

/// Parents and tokens.
type Rows<'py> = (Bound<'py, PyArray1<i32>>, Bound<'py, PyArray1<i32>>);

fn rows(py: Python<'_>, step: Step) -> Rows<'_> {
    (PyArray1::from_vec(py, step.parents), PyArray1::from_vec(py, step.tokens))
}

/// Tokens of rows; `None` for rows without a hypothesis.
type Tokens<'py> = Vec<Option<Bound<'py, PyArray1<i32>>>>;

fn tokens(py: Python<'_>, rows: Vec<Option<Vec<i32>>>) -> Tokens<'_> {
    rows.into_iter().map(|row| row.map(|tokens| PyArray1::from_vec(py, tokens))).collect()
}

/// Tokens, score, log-probability, log-probabilities of tokens, finished, group, reversed.
type Fields<'py> =
    (Bound<'py, PyArray1<i32>>, f64, f64, Bound<'py, PyArray1<f64>>, bool, usize, bool);

fn fields(py: Python<'_>, sources: Vec<Vec<Hypothesis>>) -> Vec<Vec<Fields<'_>>> {
    let one = |hypothesis: Hypothesis| {
        (
            PyArray1::from_vec(py, hypothesis.tokens),
            hypothesis.score,
            hypothesis.log_prob,
            PyArray1::from_vec(py, hypothesis.token_log_probs),
            hypothesis.finished,
            hypothesis.group,
            hypothesis.reversed,
        )
    };
    sources.into_iter().map(|source| source.into_iter().map(one).collect()).collect()
}

/// The tokens that a callback allows after each row, int32 and ascending, or none.
type Listed<'py> = Option<Vec<Option<PyReadonlyArray1<'py, i32>>>>;

fn listed(allowed: Listed<'_>) -> PyResult<Vec<Option<Vec<i32>>>> {
    let row = |row: PyReadonlyArray1<'_, i32>| Ok(row.as_slice()?.to_vec());
    allowed.unwrap_or_default().into_iter().map(|tokens| tokens.map(row).transpose()).collect()
}

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
