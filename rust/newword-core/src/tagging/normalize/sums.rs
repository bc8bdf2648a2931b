//! The logarithms of all normalisers of many steps.
//!
//! The normalisers of a step are a product of the exponentials of its emissions with a matrix that does
//! not change. Sixteen steps side by side, whosever they are, in `f64`: an exponential, a logarithm and
//! a row of the product for each tag of each step and each direction. Where the scores of a step range
//! too widely for that, it is done again with logarithms throughout.

use super::super::exp::ln;
use super::super::forward_backward::{multiply, share};
use super::super::log_domain::{sum_from, sum_towards};
use super::super::pieces::turn;
use super::super::rows::Rows;
use super::super::scalar::{LANES, Lanes, Scalar};
use super::Block;
use crate::support::Result;
use crate::support::simd::{Kernel, widest};

/// The components of the scores of steps, each (steps, tags) or (steps,), padded to a multiple
/// of [`LANES`] steps.
pub(super) struct Sums {
    /// The emissions, start and end among them, as they are where a neighbouring tag is given.
    pub(super) given: Vec<f64>,
    /// The logarithm of the normaliser, given each tag at the step before.
    pub(super) ahead: Vec<f64>,
    /// The same given each tag at the step behind; empty for one direction.
    pub(super) behind: Vec<f64>,
    /// The largest emission of a step.
    pub(super) top: Vec<f64>,
    /// The sum of the exponentials of the emissions, each over the largest, where no tag is given.
    pub(super) total: Vec<f64>,
    /// Where products are right.
    sure: Vec<bool>,
}

impl Sums {
    /// The sums of all steps of a block and of their neighbours.
    #[inline(always)]
    pub(super) fn of<F: Scalar>(block: &Block<'_, '_, '_, F>) -> Result<Self> {
        let given = given(block)?;
        let size = given.len();
        let steps = size / block.problem.tags;
        let mut sums = Self {
            given,
            ahead: vec![0.0; size],
            behind: vec![0.0; if block.model.both { size } else { 0 }],
            top: vec![0.0; steps],
            total: vec![0.0; steps],
            sure: vec![false; steps],
        };
        sums.multiply(block);
        if sums.sure.contains(&false) {
            widest(Logarithms { block, sums: &mut sums })?;
        }
        Ok(sums)
    }

    /// All that products give.
    #[inline(always)]
    fn multiply<F: Scalar>(&mut self, block: &Block<'_, '_, '_, F>) {
        let tags = block.problem.tags;
        let mut tile = vec![[0.0; LANES]; tags];
        let mut shares = tile.clone();
        for step in (0..self.top.len()).step_by(LANES) {
            let here = step * tags..(step + LANES) * tags;
            let given = &self.given[here.clone()];
            let rows: Lanes<&[f64]> = std::array::from_fn(|lane| &given[lane * tags..][..tags]);
            turn(&rows, 0, &mut tile);
            let (top, spread) = share(&tile, &mut shares);
            let total = total(&shares, block.model.halved);
            self.top[step..][..LANES].copy_from_slice(&top);
            self.total[step..][..LANES].copy_from_slice(&total);
            let Some(scaled) = block.scaled else { continue };
            for (sure, spread) in self.sure[step..][..LANES].iter_mut().zip(spread) {
                // NaN, where no tag is allowed, is not within the range.
                *sure = spread <= scaled.range();
            }
            let top = top.map(|top| top + scaled.top());
            log_products(scaled.from(), &shares, &top, &mut tile);
            turn_back(&tile, &mut self.ahead[here.clone()]);
            if block.model.both {
                log_products(scaled.towards(), &shares, &top, &mut tile);
                turn_back(&tile, &mut self.behind[here]);
            }
        }
    }
}

/// The emissions of a block as they are where a neighbouring tag is given.
#[inline(always)]
fn given<F: Scalar>(block: &Block<'_, '_, '_, F>) -> Result<Vec<f64>> {
    let (problem, tags) = (block.problem, block.problem.tags);
    let ranges = || block.stretches.iter().map(|stretch| stretch.with_neighbours(problem));
    let steps = ranges().map(|steps| steps.len()).sum::<usize>();
    let mut given = Vec::with_capacity(steps.next_multiple_of(LANES) * tags);
    for (stretch, steps) in block.stretches.iter().zip(ranges()) {
        let scores = &problem.row(stretch.row)[steps.start * tags..steps.end * tags];
        if scores.iter().fold(false, |odd, score| odd | !score.is_score()) {
            problem.check(stretch.row)?;
        }
        let at = given.len();
        given.extend(scores.iter().map(|&score| score.into()));
        if steps.start == 0 {
            add(&mut given[at..], &problem.start);
        }
        if steps.end == problem.lengths[stretch.row] {
            let last = given.len() - tags;
            add(&mut given[last..], &problem.end);
        }
    }
    if block.model.halved {
        for score in &mut given {
            *score *= block.model.scale();
        }
    }
    given.resize(steps.next_multiple_of(LANES) * tags, 0.0);
    Ok(given)
}

fn add<F: Scalar>(scores: &mut [f64], more: &[F]) {
    for (score, &more) in scores.iter_mut().zip(more) {
        *score += more.into();
    }
}

/// The sum over tags of the shares, or of their squares.
#[inline(always)]
fn total(shares: &[Lanes<f64>], squared: bool) -> Lanes<f64> {
    let mut total = [0.0; LANES];
    for share in shares {
        for (total, &share) in total.iter_mut().zip(share) {
            *total += if squared { share * share } else { share };
        }
    }
    total
}

/// `out[i]`: the logarithm of the sum of `shares[j] * matrix[i, j]`, plus `top`.
#[inline(always)]
fn log_products(matrix: &[f64], shares: &[Lanes<f64>], top: &Lanes<f64>, out: &mut [Lanes<f64>]) {
    multiply(matrix, shares, out);
    for out in out {
        for (out, top) in out.iter_mut().zip(top) {
            // ln(0) is negative infinity: nothing is allowed.
            *out = ln(*out) + top;
        }
    }
}

/// Turns lanes into rows.
#[inline(always)]
fn turn_back(tile: &[Lanes<f64>], rows: &mut [f64]) {
    for (lane, row) in rows.chunks_exact_mut(tile.len()).enumerate().take(LANES) {
        for (out, lanes) in row.iter_mut().zip(tile) {
            *out = lanes[lane];
        }
    }
}

/// What products cannot give: the sums of the steps that are not sure.
struct Logarithms<'s, 'p, 'a, 'o, F: Scalar> {
    block: &'s Block<'p, 'a, 'o, F>,
    sums: &'s mut Sums,
}

impl<F: Scalar> Kernel for Logarithms<'_, '_, '_, '_, F> {
    type Output = Result<()>;

    #[inline(always)]
    fn run(self) -> Result<()> {
        let Self { block: Block { problem, stretches, workers, .. }, sums } = self;
        let tags = problem.tags;
        let mut at = 0;
        for stretch in stretches {
            let mut rows = Rows::of(problem, stretch.row);
            for step in stretch.with_neighbours(problem) {
                let here = at * tags..(at + 1) * tags;
                at += 1;
                if sums.sure[at - 1] {
                    continue;
                }
                workers.check()?;
                if step > stretch.first {
                    sum_from(&mut rows, &sums.given[here.clone()], &mut sums.ahead[here.clone()]);
                }
                if !sums.behind.is_empty() && step + 1 < stretch.end(problem) {
                    sum_towards(&mut rows, &sums.given[here.clone()], &mut sums.behind[here]);
                }
            }
        }
        Ok(())
    }
}
