//! The answer to a step: how the rows of the model's batch continue.

use super::candidates::{Candidate, id};

/// The continuation of each row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The row of the model's batch that each row continues, (rows,).
    pub parents: Vec<i32>,
    /// The token that each row continues with, (rows,).
    pub tokens: Vec<i32>,
}

impl Step {
    /// A step of no rows, with room for `rows`.
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self { parents: Vec::with_capacity(rows), tokens: Vec::with_capacity(rows) }
    }

    /// Adds the rows of one beam: those of `next`, then rows of `fill`, `width` in all. `parent` gives the row of
    /// a slot.
    pub(super) fn push(
        &mut self,
        next: &[Candidate],
        width: usize,
        parent: impl Fn(usize) -> usize,
        fill: impl Fn(usize) -> (usize, i32),
    ) {
        for slot in 0..width {
            let (from, token) = match next.get(slot) {
                Some(next) => (parent(next.slot), next.token),
                None => fill(slot),
            };
            self.parents.push(id(from));
            self.tokens.push(token);
        }
    }

    /// Replaces the rows from `start` on by `width` rows without a hypothesis.
    pub(super) fn finish(
        &mut self,
        start: usize,
        width: usize,
        row: impl Fn(usize) -> usize,
        pad: i32,
    ) {
        self.parents.truncate(start);
        self.tokens.truncate(start);
        self.push(&[], width, &row, |slot| (row(slot), pad));
    }

    /// The number of rows so far.
    pub(super) fn len(&self) -> usize {
        self.tokens.len()
    }
}
