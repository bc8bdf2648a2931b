//! Options of searches: constraints, ranking, tries of allowed sequences.

use std::sync::Arc;

use newword_core::beam::{self, Constraints, LengthPenalty};
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;

use crate::errors::{invalid, to_python};

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
    pub n_best: usize,
    length_penalty: String,
    alpha: f64,
    pub count_end: bool,
    pub early_stopping: bool,
}

impl Ranking {
    pub fn penalty(&self) -> PyResult<LengthPenalty> {
        Ok(match self.length_penalty.as_str() {
            "none" => LengthPenalty::None,
            "average" => LengthPenalty::Average(self.alpha),
            "gnmt" => LengthPenalty::Gnmt(self.alpha),
            other => return Err(invalid("length_penalty", "must be known", other)),
        })
    }
}
