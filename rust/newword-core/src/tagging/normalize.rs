//! Locally normalised models as sums of scores, so that every decoder serves them too.
//!
//! In a maximum-entropy Markov model the normaliser of a step depends on the tag before it alone. Its
//! logarithm can therefore be taken off that tag's own emission, and the score of a path is its
//! log-probability.

use std::borrow::Cow;

use super::forward_backward::Scaled;
use super::log_domain::{sum_from, sum_towards, with_boundaries};
use super::problem::Problem;
use super::rows::Rows;
use super::scalar::Scalar;
use super::simd::{Kernel, widest};
use crate::support::{Result, Workers};

/// How the probability of a path is normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normalization {
    /// Not at all, or over all paths, which comes to the same best path: CRF.
    Global,
    /// At each step, given the tag before: MEMM.
    Local,
    /// The mean of the log-probabilities of both directions: bidirectional MEMM.
    Bidirectional,
}

impl<F: Scalar> Problem<'_, F> {
    /// The problem whose path scores are log-probabilities under a locally normalised model of these
    /// scores, start and end taken for parts of the first and last emission.
    ///
    /// O(batch steps tags²); an exponential and a logarithm for each emission, or for each pair of tags where
    /// scores range widely or there is no matrix that all sequences share.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::support::Error::InvalidArgument) for an emission that is NaN or
    /// positive infinity.
    pub fn normalized(self, by: Normalization, workers: &Workers<'_>) -> Result<Self> {
        if by == Normalization::Global {
            return Ok(self);
        }
        let scaled = Scaled::of(&self);
        let scaled = scaled.as_ref();
        let rows = (0..self.batch).collect();
        let normalized = workers.map(rows, |row| {
            self.check(row)?;
            if self.lengths[row] == 0 {
                return Ok(vec![]);
            }
            widest(Local { problem: &self, scaled, row, by, workers })
        })?;
        let mut emissions = vec![F::default(); self.batch * self.steps * self.tags];
        for (out, scores) in emissions.chunks_exact_mut(self.steps * self.tags).zip(normalized) {
            for (out, score) in out.iter_mut().zip(scores) {
                *out = F::nearest(score);
            }
        }
        Ok(Self {
            emissions: Cow::Owned(emissions),
            start: Cow::default(),
            end: Cow::default(),
            ..self
        })
    }
}

struct Local<'p, 'a, F: Scalar> {
    problem: &'p Problem<'a, F>,
    scaled: Option<&'p Scaled>,
    row: usize,
    by: Normalization,
    workers: &'p Workers<'p>,
}

impl<F: Scalar> Kernel for Local<'_, '_, F> {
    type Output = Result<Vec<f64>>;

    #[inline(always)]
    fn run(self) -> Result<Vec<f64>> {
        let (tags, steps) = (self.problem.tags, self.problem.lengths[self.row]);
        let mut rows = Rows::of(self.problem, self.row);
        let emissions = with_boundaries(self.problem, self.row);
        let mut scores = emissions.clone();
        let share = if self.by == Normalization::Local { 1.0 } else { 0.5 };
        let mut sums = vec![0.0; tags];
        let mut shares = vec![0.0; tags];
        for step in 1..steps {
            self.workers.check()?;
            let here = &emissions[step * tags..][..tags];
            let quick = |s: &Scaled| s.log_sums(here, false, &mut shares, &mut sums);
            if !self.scaled.is_some_and(quick) {
                sum_from(&mut rows, here, &mut sums);
            }
            take_off(&mut scores[(step - 1) * tags..][..tags], &sums, share);
        }
        alone(&emissions[..tags], &mut scores[..tags], share);
        if self.by == Normalization::Bidirectional {
            for step in 0..steps - 1 {
                self.workers.check()?;
                let here = &emissions[step * tags..][..tags];
                let quick = |s: &Scaled| s.log_sums(here, true, &mut shares, &mut sums);
                if !self.scaled.is_some_and(quick) {
                    sum_towards(&mut rows, here, &mut sums);
                }
                take_off(&mut scores[(step + 1) * tags..][..tags], &sums, share);
            }
            let last = (steps - 1) * tags;
            alone(&emissions[last..], &mut scores[last..], share);
        }
        Ok(scores)
    }
}

/// Takes each tag's normaliser off its score. A tag that nothing may follow is forbidden.
#[inline(always)]
fn take_off(scores: &mut [f64], sums: &[f64], share: f64) {
    for (score, &sum) in scores.iter_mut().zip(sums) {
        *score = if sum > f64::NEG_INFINITY { *score - share * sum } else { sum };
    }
}

/// Takes off the normaliser of the step that has no neighbour in this direction.
#[inline(always)]
fn alone(emissions: &[f64], scores: &mut [f64], share: f64) {
    let sum = super::exp::log_sum_exp(emissions, &vec![0.0; emissions.len()]);
    if sum > f64::NEG_INFINITY {
        for score in scores {
            *score -= share * sum;
        }
    }
}
