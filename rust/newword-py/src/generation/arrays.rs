//! Scores, rows and hypotheses as `NumPy` arrays.

use half::slice::HalfBitsSliceExt;
use newword_core::beam::{Element, Hypothesis, Step, bf16, f16};
use numpy::{PyArray1, PyReadonlyArray1, PyReadonlyArray2};
use pyo3::prelude::*;

/// A type of scores and the type of its arrays: the 16-bit types arrive as their bits.
pub trait Score: Element {
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
pub struct Matrix<'py, E: Score>(PyReadonlyArray2<'py, E::Stored>);

impl<'py, E: Score> Matrix<'py, E> {
    pub fn new(array: &Bound<'py, PyAny>) -> PyResult<Self> {
        Ok(Self(array.extract()?))
    }

    pub fn shape(&self) -> [usize; 2] {
        let shape = self.0.as_array().raw_dim();
        [shape[0], shape[1]]
    }

    pub fn size(&self) -> usize {
        let [rows, columns] = self.shape();
        rows.saturating_mul(columns)
    }

    pub fn values(&self) -> PyResult<&[E]> {
        Ok(E::cast(self.0.as_slice()?))
    }
}

/// Runs `body` with `kind` as the type of scores of that name.
macro_rules! typed {
    ($name:expr, $kind:ident => $body:expr) => {
        match $name {
            "float32" => typed!(@ f32, $kind, $body),
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

pub(super) use typed;

/// Parents and tokens.
pub type Rows<'py> = (Bound<'py, PyArray1<i32>>, Bound<'py, PyArray1<i32>>);

pub fn rows(py: Python<'_>, step: Step) -> Rows<'_> {
    (PyArray1::from_vec(py, step.parents), PyArray1::from_vec(py, step.tokens))
}

/// Tokens of rows; `None` for rows without a hypothesis.
pub type Tokens<'py> = Vec<Option<Bound<'py, PyArray1<i32>>>>;

pub fn tokens(py: Python<'_>, rows: Vec<Option<Vec<i32>>>) -> Tokens<'_> {
    rows.into_iter().map(|row| row.map(|tokens| PyArray1::from_vec(py, tokens))).collect()
}

/// Tokens, score, log-probability, log-probabilities of tokens, finished, group, reversed.
pub type Fields<'py> =
    (Bound<'py, PyArray1<i32>>, f64, f64, Bound<'py, PyArray1<f64>>, bool, usize, bool);

pub fn fields(py: Python<'_>, sources: Vec<Vec<Hypothesis>>) -> Vec<Vec<Fields<'_>>> {
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
pub type Listed<'py> = Option<Vec<Option<PyReadonlyArray1<'py, i32>>>>;

pub fn listed(allowed: Listed<'_>) -> PyResult<Vec<Option<Vec<i32>>>> {
    let row = |row: PyReadonlyArray1<'_, i32>| Ok(row.as_slice()?.to_vec());
    allowed.unwrap_or_default().into_iter().map(|tokens| tokens.map(row).transpose()).collect()
}
