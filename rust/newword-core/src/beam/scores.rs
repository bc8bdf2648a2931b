//! The scores of one step: their rows, and a single pass that finds the tokens above a threshold.

use super::element::{BLOCK, Element, LANES, Wide, exceeds};
use crate::support::simd::{Kernel, widest};
use crate::support::{Error, Result};

/// Rounding may leave a log-probability up to this far above 0; it then counts as 0.
pub(super) const ROUNDING: f64 = 1e-3;

/// The scores of the hypotheses of one beam. A hypothesis has one row of the size of the vocabulary, or
/// several whose probabilities are averaged.
#[derive(Debug)]
pub(super) struct Scores<'a, E> {
    /// The name of the argument, for errors.
    pub(super) argument: &'static str,
    pub(super) values: &'a [E],
    pub(super) vocabulary: usize,
    /// The first row of the first hypothesis.
    pub(super) base: usize,
    /// The number of rows from one hypothesis to the next.
    pub(super) stride: usize,
    /// The number of rows averaged for each hypothesis.
    pub(super) averaged: usize,
    /// The upper limit of scores: 0 for log-probabilities.
    pub(super) cap: f64,
}

impl<E> Clone for Scores<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Scores<'_, E> {}

impl<'a, E: Element> Scores<'a, E> {
    fn row_index(&self, slot: usize, number: usize) -> usize {
        self.base + slot * self.stride + number
    }

    #[inline(always)]
    pub(super) fn row(&self, slot: usize, number: usize) -> &'a [E] {
        let row = self.row_index(slot, number);
        &self.values[row * self.vocabulary..][..self.vocabulary]
    }

    /// The score of a token: the logarithm of the mean of its probabilities.
    #[inline]
    pub(super) fn value(&self, slot: usize, token: usize) -> f64 {
        let of = |number| -> f64 { self.row(slot, number)[token].wide().into() };
        if self.averaged == 1 {
            return of(0).min(self.cap);
        }
        let top = (0..self.averaged).map(of).fold(f64::NEG_INFINITY, f64::max);
        if top == f64::NEG_INFINITY {
            return top;
        }
        let sum: f64 = (0..self.averaged).map(|number| (of(number) - top).exp()).sum();
        (top + (sum / self.averaged as f64).ln()).min(self.cap)
    }

    /// The error for an invalid score.
    fn check(&self, slot: usize, number: usize, token: usize) -> Result<()> {
        let value: f64 = self.row(slot, number)[token].wide().into();
        let rule = if value.is_nan() || value == f64::INFINITY {
            "must contain neither NaN nor positive infinity"
        } else if value > self.cap + ROUNDING {
            "must be log-probabilities, at most 0, if early_stopping is True"
        } else {
            return Ok(());
        };
        let row = self.row_index(slot, number);
        Err(Error::invalid(self.argument, rule, format!("{value} in row {row}, token {token}")))
    }

    /// Passes once over the rows of a hypothesis, checks every score, and calls `offer` with the tokens
    /// whose score may be above the threshold, in ascending order. `offer` returns the next threshold.
    pub(super) fn scan(
        self,
        slot: usize,
        threshold: f64,
        offer: impl FnMut(usize, f64) -> f64,
    ) -> Result<()> {
        widest(Scan { scores: self, slot, threshold, offer })
    }

    /// Checks every score of a hypothesis.
    pub(super) fn check_rows(self, slot: usize) -> Result<()> {
        self.scan(slot, f64::INFINITY, |_, _| f64::INFINITY)
    }
}

struct Scan<'a, E, F> {
    scores: Scores<'a, E>,
    slot: usize,
    threshold: f64,
    offer: F,
}

impl<E: Element, F: FnMut(usize, f64) -> f64> Kernel for Scan<'_, E, F> {
    type Output = Result<()>;

    #[inline(always)]
    fn run(mut self) -> Result<()> {
        let scores = self.scores;
        let mut limit = self.limit();
        let mut buffer = [E::Wide::default(); BLOCK];
        let mut start = 0;
        while start < scores.vocabulary {
            let end = (start + BLOCK).min(scores.vocabulary);
            let mut found = false;
            for number in 0..scores.averaged {
                let block = &scores.row(self.slot, number)[start..end];
                // A mean is at most its largest term: no token of another block is missed.
                found |= exceeds(E::widen(block, &mut buffer), limit);
            }
            if found {
                self.visit(start..end)?;
                limit = self.limit();
            }
            start = end;
        }
        Ok(())
    }
}

impl<E: Element, F: FnMut(usize, f64) -> f64> Scan<'_, E, F> {
    /// Scores up to this are valid and of no interest.
    fn limit(&self) -> E::Wide {
        let valid = (self.scores.cap + ROUNDING).min(f64::from(f32::MAX));
        E::Wide::below(self.threshold.min(valid))
    }

    /// Checks and offers the tokens of a block that are above the limit.
    #[inline(never)]
    fn visit(&mut self, block: std::ops::Range<usize>) -> Result<()> {
        let (scores, slot) = (self.scores, self.slot);
        let mut buffer = [E::Wide::default(); BLOCK];
        for start in block.clone().step_by(LANES) {
            let end = (start + LANES).min(block.end);
            let limit = self.limit();
            let mut above = [false; LANES];
            for number in 0..scores.averaged {
                let values = E::widen(&scores.row(slot, number)[start..end], &mut buffer);
                for (above, value) in above.iter_mut().zip(values) {
                    *above |= exceeds(std::slice::from_ref(value), limit);
                }
            }
            for token in (start..end).filter(|token| above[token - start]) {
                for number in 0..scores.averaged {
                    scores.check(slot, number, token)?;
                }
                self.threshold = (self.offer)(token, scores.value(slot, token));
            }
        }
        Ok(())
    }
}
