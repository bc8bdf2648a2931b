//! The scores of one step: their rows, and a single pass that finds the tokens above a threshold.

use std::ops::Range;

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
    #[inline(always)]
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
        let size = self.scores.vocabulary;
        let mut buffer = [E::Wide::default(); BLOCK];
        for start in (0..size).step_by(BLOCK) {
            let block = start..(start + BLOCK).min(size);
            if self.exceeds(block.clone(), &mut buffer) {
                self.visit(block, &mut buffer)?;
            }
        }
        Ok(())
    }
}

impl<E: Element, F: FnMut(usize, f64) -> f64> Scan<'_, E, F> {
    /// Scores up to this are valid and of no interest.
    #[inline(always)]
    fn limit(&self) -> E::Wide {
        let valid = (self.scores.cap + ROUNDING).min(f64::from(f32::MAX));
        E::Wide::below(self.threshold.min(valid))
    }

    /// Whether a score is above the limit. A mean is at most its largest term, so no token is missed.
    #[inline(always)]
    fn exceeds(&self, tokens: Range<usize>, buffer: &mut [E::Wide; BLOCK]) -> bool {
        let limit = self.limit();
        let mut found = false;
        for number in 0..self.scores.averaged {
            let block = &self.scores.row(self.slot, number)[tokens.clone()];
            found |= exceeds(E::widen(block, buffer), limit);
        }
        found
    }

    /// Checks and offers the tokens of a block that are above the limit.
    #[inline(never)]
    fn visit(&mut self, block: Range<usize>, buffer: &mut [E::Wide; BLOCK]) -> Result<()> {
        for start in block.clone().step_by(LANES) {
            let lanes = start..(start + LANES).min(block.end);
            if self.exceeds(lanes.clone(), buffer) {
                for token in lanes {
                    if self.exceeds(token..token + 1, buffer) {
                        self.offer(token)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn offer(&mut self, token: usize) -> Result<()> {
        for number in 0..self.scores.averaged {
            self.scores.check(self.slot, number, token)?;
        }
        self.threshold = (self.offer)(token, self.scores.value(self.slot, token));
        Ok(())
    }
}
