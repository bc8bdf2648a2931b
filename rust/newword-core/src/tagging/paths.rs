//! The results of decoders, and the division of a batch among threads.

use super::problem::{Problem, unsound};
use super::scalar::Scalar;
use crate::support::{Error, Result, Workers};

/// A path for each sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct Paths<F> {
    /// Tags, (batch, steps) as in the caller's emissions; -1 at masked steps.
    pub tags: Vec<i32>,
    /// The score of each path, (batch,); 0 for a sequence without steps.
    pub scores: Vec<F>,
}

/// A tag as it stands in a path.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "`Problem::new` refuses more tags than fit"
)]
pub(super) fn label(tag: usize) -> i32 {
    tag as i32
}

/// Decodes each sequence that has steps, by itself: `decode` gives its tags and their score.
pub(super) fn each_sequence<F: Scalar>(
    problem: &Problem<'_, F>,
    workers: &Workers<'_>,
    decode: impl Fn(usize) -> Result<(Vec<i32>, F)> + Sync,
) -> Result<Paths<F>> {
    let mut tags = vec![-1; problem.batch * problem.caller_steps()];
    let rows = tags.chunks_exact_mut(problem.caller_steps()).enumerate().collect();
    let scores = workers.map(rows, |(row, out): (usize, &mut [i32])| {
        if problem.lengths[row] == 0 {
            return Ok(F::default());
        }
        let (path, score) = decode(row)?;
        problem.place(row, path, out);
        Ok(score)
    })?;
    Ok(Paths { tags, scores })
}

impl<F: Scalar> Problem<'_, F> {
    /// Looks for emissions of a sequence that are no scores.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] names the first.
    pub(super) fn check(&self, row: usize) -> Result<()> {
        let scores = &self.row(row)[..self.lengths[row] * self.tags];
        match scores.iter().position(|score| !score.is_score()) {
            None => Ok(()),
            Some(place) => {
                let score = scores[place];
                let step = self.caller_step(row, place / self.tags);
                let place = (row * self.caller_steps() + step) * self.tags + place % self.tags;
                let shape = [self.batch, self.caller_steps(), self.tags];
                let rule = "must hold neither NaN nor positive infinity";
                Err(unsound("emissions", rule, score, place, &shape))
            }
        }
    }

    /// The score of the best path is a number, or an error says why there is none.
    pub(super) fn reached(&self, row: usize, score: F) -> Result<F> {
        if score.is_finite() {
            return Ok(score);
        }
        self.check(row)?;
        let nothing = |step: &usize| self.emission(row, *step).iter().all(|&e| e == F::FORBIDDEN);
        Err(if score != F::FORBIDDEN {
            let rule = "must be so small that the sum of a sequence stays finite";
            Error::invalid("emissions", rule, format!("{score} for sequence {row}"))
        } else if let Some(step) = (0..self.lengths[row]).find(nothing) {
            let rule = "must leave at least one tag at each step";
            let step = self.caller_step(row, step);
            Error::invalid("emissions", rule, format!("none at step {step} of sequence {row}"))
        } else {
            let rule = "must leave each sequence at least one allowed path";
            Error::invalid("transitions", rule, format!("none for sequence {row}"))
        })
    }
}
