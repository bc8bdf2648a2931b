//! Sums over paths in the log domain: accurate for any scores, but with an exponential for each pair
//! of tags of each step.

use super::exp::{exp, log_sum_exp};
use super::problem::Problem;
use super::rows::Rows;
use super::scalar::Scalar;
use crate::support::simd::{Kernel, widest};
use crate::support::{Result, Workers};

/// `out[j]`: the logarithm of the sum over `i` of `exp(scores[i] + g(i, j))`.
#[inline(always)]
pub(super) fn sum_towards<F: Scalar>(rows: &mut Rows<'_, F>, scores: &[f64], out: &mut [f64]) {
    let mut tops = vec![f64::NEG_INFINITY; out.len()];
    for (tag, &score) in scores.iter().enumerate() {
        for (top, &weight) in tops.iter_mut().zip(rows.after(tag)) {
            let value = score + weight.into();
            *top = if value > *top { value } else { *top };
        }
    }
    out.fill(0.0);
    for (tag, &score) in scores.iter().enumerate() {
        for ((sum, &weight), &top) in out.iter_mut().zip(rows.after(tag)).zip(&tops) {
            let value = score + weight.into();
            // Forbidden less forbidden would be NaN.
            let share = if value > f64::NEG_INFINITY { value - top } else { value };
            *sum += exp(share);
        }
    }
    for (sum, &top) in out.iter_mut().zip(&tops) {
        *sum = if top > f64::NEG_INFINITY { top + sum.ln() } else { top };
    }
}

/// `out[i]`: the logarithm of the sum over `j` of `exp(g(i, j) + scores[j])`.
#[inline(always)]
pub(super) fn sum_from<F: Scalar>(rows: &mut Rows<'_, F>, scores: &[f64], out: &mut [f64]) {
    for (tag, sum) in out.iter_mut().enumerate() {
        *sum = log_sum_exp(scores, rows.after(tag));
    }
}

/// The emissions of a sequence as `f64`, with start and end in the first and last.
pub(super) fn with_boundaries<F: Scalar>(problem: &Problem<'_, F>, row: usize) -> Vec<f64> {
    let count = problem.lengths[row] * problem.tags;
    let mut scores: Vec<f64> =
        problem.row(row)[..count].iter().map(|&score| score.into()).collect();
    for (score, &start) in scores.iter_mut().zip(problem.start.iter()) {
        *score += start.into();
    }
    let last = count - problem.tags;
    for (score, &end) in scores[last..].iter_mut().zip(problem.end.iter()) {
        *score += end.into();
    }
    scores
}

/// For each step and tag, the logarithm of the sum over all beginnings of paths that end there, its own
/// emission included, (steps, tags).
pub(super) struct Forward<'p, 'a, F: Scalar> {
    pub(super) problem: &'p Problem<'a, F>,
    pub(super) row: usize,
    pub(super) workers: &'p Workers<'p>,
}

impl<F: Scalar> Kernel for Forward<'_, '_, F> {
    type Output = Result<Vec<f64>>;

    #[inline(always)]
    fn run(self) -> Result<Vec<f64>> {
        let tags = self.problem.tags;
        let mut rows = Rows::of(self.problem, self.row);
        let mut sums = with_boundaries(self.problem, self.row);
        let mut reached = vec![0.0; tags];
        for step in 1..self.problem.lengths[self.row] {
            self.workers.check()?;
            let (before, after) = sums.split_at_mut(step * tags);
            sum_towards(&mut rows, &before[(step - 1) * tags..], &mut reached);
            for (sum, &reached) in after.iter_mut().zip(&reached) {
                *sum += reached;
            }
        }
        Ok(sums)
    }
}

/// The probability of each tag at each step of a sequence, (steps, tags), from its forward sums.
pub(super) struct Marginals<'p, 'a, F: Scalar> {
    pub(super) problem: &'p Problem<'a, F>,
    pub(super) row: usize,
    pub(super) forward: Vec<f64>,
    pub(super) workers: &'p Workers<'p>,
}

impl<F: Scalar> Kernel for Marginals<'_, '_, F> {
    type Output = Result<Vec<f64>>;

    #[inline(always)]
    fn run(self) -> Result<Vec<f64>> {
        let tags = self.problem.tags;
        let mut rows = Rows::of(self.problem, self.row);
        let emissions = with_boundaries(self.problem, self.row);
        let mut marginals = self.forward;
        let mut behind = vec![0.0; tags];
        let mut ahead = vec![0.0; tags];
        for (step, marginals) in marginals.chunks_exact_mut(tags).enumerate().rev() {
            self.workers.check()?;
            let total = log_sum_exp(marginals, &behind);
            for (marginal, &behind) in marginals.iter_mut().zip(&behind) {
                *marginal = exp(*marginal + behind - total);
            }
            for ((ahead, &emission), &behind) in
                ahead.iter_mut().zip(&emissions[step * tags..]).zip(&behind)
            {
                *ahead = emission + behind;
            }
            if step > 0 {
                sum_from(&mut rows, &ahead, &mut behind);
            }
        }
        Ok(marginals)
    }
}

/// The logarithm of the sum over all paths, from the forward sums.
pub(super) fn total(forward: &[f64], tags: usize) -> f64 {
    log_sum_exp(&forward[forward.len() - tags..], &vec![0.0; tags])
}

/// The forward sums of a sequence, with the widest vectors.
pub(super) fn forward<F: Scalar>(
    problem: &Problem<'_, F>,
    row: usize,
    workers: &Workers<'_>,
) -> Result<Vec<f64>> {
    widest(Forward { problem, row, workers })
}
