//! Sums of probabilities with rescaling at each step.

use super::super::exp::exp;
use super::super::pieces::{Piece, keep_ended, rows_of, turn};
use super::super::problem::{Problem, Transitions};
use super::super::scalar::{LANES, Lanes, Scalar};
use crate::support::simd::Kernel;

/// Scores of one step, emissions and transitions together, may differ by this many nats: factors are
/// then at least 1e-148.
const RANGE: f64 = 340.0;
/// No sum may be below this share of the largest, so that no product is below 1e-298.
const LEAST: f64 = 1e-150;

/// Exponentials of the scores that all sequences share.
pub(in super::super) struct Scaled {
    /// exp(g - top): those towards tag 0 first, then those towards tag 1, and so on.
    towards: Vec<f64>,
    /// The same, those from tag 0 first.
    from: Vec<f64>,
    /// The largest transition.
    top: f64,
    /// `exp(end - end_top)`
    end: Vec<f64>,
    end_top: f64,
    /// By how much emissions of one step may differ.
    range: f64,
}

impl Scaled {
    /// None if scores range too widely, or if sequences do not share a matrix.
    pub(in super::super) fn of<F: Scalar>(problem: &Problem<'_, F>) -> Option<Self> {
        let Transitions::Shared(matrix) = &problem.transitions else { return None };
        let tags = problem.tags;
        let (from, top, spread) = exponentials(matrix)?;
        let zeros = vec![F::default(); tags];
        let end = if problem.end.is_empty() { &zeros } else { problem.end.as_ref() };
        let (end, end_top, end_spread) = exponentials(end)?;
        let columns = 0..tags;
        let towards = columns.flat_map(|tag| from.iter().skip(tag).step_by(tags).copied());
        let towards = towards.collect();
        let sound = spread <= RANGE && end_spread <= RANGE;
        sound.then_some(Self { towards, from, top, end, end_top, range: RANGE - spread })
    }

    fn tags(&self) -> usize {
        self.end.len()
    }

    /// exp(g - top) by columns, those towards tag 0 first.
    pub(in super::super) fn towards(&self) -> &[f64] {
        &self.towards
    }

    /// exp(g - top) by rows, those from tag 0 first.
    pub(in super::super) fn from(&self) -> &[f64] {
        &self.from
    }

    /// The largest transition.
    pub(in super::super) fn top(&self) -> f64 {
        self.top
    }

    /// By how much emissions of one step may differ where products are to be right.
    pub(in super::super) fn range(&self) -> f64 {
        self.range
    }
}

/// exp(score - top), top, and by how much the scores that are not forbidden differ.
fn exponentials<F: Scalar>(scores: &[F]) -> Option<(Vec<f64>, f64, f64)> {
    let scores: Vec<f64> = scores.iter().map(|&score| score.into()).collect();
    let (top, low) = extent(&scores);
    let relative = scores.into_iter().map(|score| exp(score - top)).collect();
    (top > f64::NEG_INFINITY).then_some((relative, top, top - low))
}

/// The largest and the smallest of the scores that are not forbidden.
#[inline(always)]
fn extent(scores: &[f64]) -> (f64, f64) {
    let allowed = || scores.iter().copied().filter(|&score| score > f64::NEG_INFINITY);
    (allowed().fold(f64::NEG_INFINITY, f64::max), allowed().fold(f64::INFINITY, f64::min))
}

/// The log-partitions of the sequences of a piece; None where they are not sure.
pub(super) struct Totals<'p, 'a, F: Scalar> {
    pub(super) problem: &'p Problem<'a, F>,
    pub(super) scaled: &'p Scaled,
    pub(super) rows: Lanes<usize>,
}

impl<F: Scalar> Kernel for Totals<'_, '_, F> {
    type Output = Lanes<Option<f64>>;

    #[inline(always)]
    fn run(self) -> Self::Output {
        let mut forward = Forward::new(self.problem, self.scaled, self.rows);
        let tags = self.scaled.tags();
        let mut shares = vec![[0.0; LANES]; tags];
        for step in 0..forward.longest() {
            forward.advance(step, &mut shares);
        }
        let (sums, sure) = forward.finish();
        std::array::from_fn(|lane| sure[lane].then_some(sums[lane]))
    }
}

/// Sums over beginnings of paths, of one step at a time.
struct Forward<'p, 'a, F: Scalar> {
    problem: &'p Problem<'a, F>,
    scaled: &'p Scaled,
    emissions: Lanes<&'p [F]>,
    lengths: Lanes<usize>,
    shortest: usize,
    /// The sums of the last step, the largest between 1 and 2.
    sums: Vec<Lanes<f64>>,
    next: Vec<Lanes<f64>>,
    tile: Vec<Lanes<F>>,
    /// What the sums were divided by: e to the power of the first, two to the power of the second.
    nats: Lanes<f64>,
    bits: Lanes<i64>,
    sure: Lanes<bool>,
}

impl<'p, 'a, F: Scalar> Forward<'p, 'a, F> {
    #[inline(always)]
    fn new(problem: &'p Problem<'a, F>, scaled: &'p Scaled, rows: Lanes<usize>) -> Self {
        let tags = problem.tags;
        let lengths = rows.map(|row| problem.lengths[row]);
        Self {
            problem,
            scaled,
            emissions: rows.map(|row| problem.row(row)),
            lengths,
            shortest: lengths.into_iter().fold(usize::MAX, usize::min),
            sums: vec![[0.0; LANES]; tags],
            next: vec![[0.0; LANES]; tags],
            tile: vec![[F::default(); LANES]; tags],
            nats: [0.0; LANES],
            bits: [0; LANES],
            sure: [true; LANES],
        }
    }

    fn longest(&self) -> usize {
        self.lengths[0]
    }

    /// Goes on to `step`, and leaves in `shares` its emissions as shares of the largest.
    #[inline(always)]
    fn advance(&mut self, step: usize, shares: &mut [Lanes<f64>]) {
        let alive = self.lengths.map(|length| step < length);
        let tags = self.scaled.tags();
        turn(&self.emissions, step * tags, &mut self.tile);
        if step == 0 {
            for (tile, &start) in self.tile.iter_mut().zip(self.problem.start.iter()) {
                *tile = tile.map(|score| score + start);
            }
        }
        let (top, spread) = share(&self.tile, shares);
        let range = self.scaled.range;
        // NaN is not within the range either.
        self.sure =
            std::array::from_fn(|lane| self.sure[lane] & (!alive[lane] | (spread[lane] <= range)));
        if step == 0 {
            self.next.copy_from_slice(shares);
        } else {
            multiply(&self.scaled.towards, &self.sums, &mut self.next);
            times(&mut self.next, shares);
        }
        let (exponent, fine) = rescale(&mut self.next);
        let pair = if step == 0 { 0.0 } else { self.scaled.top };
        for lane in 0..LANES {
            self.sure[lane] &= fine[lane] | !alive[lane];
            self.nats[lane] += if alive[lane] { top[lane] + pair } else { 0.0 };
            self.bits[lane] += if alive[lane] { exponent[lane] } else { 0 };
        }
        if step >= self.shortest {
            keep_ended(&self.sums, &mut self.next, alive);
        }
        std::mem::swap(&mut self.sums, &mut self.next);
    }

    /// The log-partitions, and which of them are sure.
    #[inline(always)]
    fn finish(&self) -> (Lanes<f64>, Lanes<bool>) {
        let mut totals = [0.0; LANES];
        for (sums, &end) in self.sums.iter().zip(&self.scaled.end) {
            totals = std::array::from_fn(|lane| totals[lane] + sums[lane] * end);
        }
        let sure = std::array::from_fn(|lane| self.sure[lane] & (totals[lane] > 0.0));
        let log = |lane: usize| {
            let scale = self.bits[lane] as f64 * std::f64::consts::LN_2 + self.nats[lane];
            totals[lane].ln() + scale + self.scaled.end_top
        };
        (std::array::from_fn(log), sure)
    }
}

/// Probabilities of all tags at all steps, written to where the piece says; which of them are sure.
pub(super) struct Marginals<'p, 'a, 'o, F: Scalar> {
    pub(super) problem: &'p Problem<'a, F>,
    pub(super) scaled: &'p Scaled,
    pub(super) piece: &'p mut Piece<'o, F>,
}

impl<F: Scalar> Kernel for Marginals<'_, '_, '_, F> {
    type Output = Lanes<bool>;

    #[inline(always)]
    fn run(mut self) -> Lanes<bool> {
        let tags = self.scaled.tags();
        let mut forward = Forward::new(self.problem, self.scaled, rows_of(self.piece));
        let size = forward.longest() * tags;
        let mut shares = vec![[0.0; LANES]; size];
        let mut sums = vec![[0.0; LANES]; size];
        let steps = shares.chunks_exact_mut(tags).zip(sums.chunks_exact_mut(tags));
        for (step, (shares, sums)) in steps.enumerate() {
            forward.advance(step, shares);
            sums.copy_from_slice(&forward.sums);
        }
        let (_, mut sure) = forward.finish();
        let lengths = forward.lengths;
        let mut behind: Vec<_> = self.scaled.end.iter().map(|&end| [end; LANES]).collect();
        let mut next = behind.clone();
        let mut ahead = behind.clone();
        let mut last: Option<&[Lanes<f64>]> = None;
        let steps = shares.chunks_exact_mut(tags).zip(sums.chunks_exact_mut(tags));
        for (step, (shares, sums)) in steps.enumerate().rev() {
            if let Some(shares) = last {
                let alive = lengths.map(|length| step + 1 < length);
                ahead.copy_from_slice(&behind);
                times(&mut ahead, shares);
                multiply(&self.scaled.from, &ahead, &mut next);
                let (_, fine) = rescale(&mut next);
                sure = std::array::from_fn(|lane| sure[lane] & (fine[lane] | !alive[lane]));
                if step + 1 >= forward.shortest {
                    keep_ended(&behind, &mut next, alive);
                }
                std::mem::swap(&mut behind, &mut next);
            }
            times(sums, &behind);
            self.write(step, sums);
            last = Some(shares);
        }
        sure
    }
}

impl<F: Scalar> Marginals<'_, '_, '_, F> {
    /// Writes what is in proportion to the probabilities of a step.
    #[inline(always)]
    fn write(&mut self, step: usize, shares: &[Lanes<f64>]) {
        let tags = shares.len();
        let mut total = [0.0; LANES];
        for share in shares {
            total = std::array::from_fn(|lane| total[lane] + share[lane]);
        }
        let inverse = total.map(|total| 1.0 / total);
        for (lane, (row, out)) in self.piece.iter_mut().enumerate() {
            if step < self.problem.lengths[*row] {
                let place = self.problem.caller_step(*row, step) * tags;
                for (out, share) in out[place..][..tags].iter_mut().zip(shares) {
                    *out = F::nearest(share[lane] * inverse[lane]);
                }
            }
        }
    }
}

/// The exponentials of a step's emissions over the largest of them; that largest, and by how much those
/// that are not forbidden differ (NaN where one is no score).
#[inline(always)]
pub(in super::super) fn share<F: Scalar>(
    tile: &[Lanes<F>],
    shares: &mut [Lanes<f64>],
) -> (Lanes<f64>, Lanes<f64>) {
    let mut top = [F::FORBIDDEN; LANES];
    let mut low = [F::INFINITY; LANES];
    let mut odd = [false; LANES];
    for scores in tile {
        top = std::array::from_fn(|l| if scores[l] > top[l] { scores[l] } else { top[l] });
        let allowed: Lanes<F> =
            std::array::from_fn(
                |l| {
                    if scores[l] == F::FORBIDDEN { F::INFINITY } else { scores[l] }
                },
            );
        low = std::array::from_fn(|l| if allowed[l] < low[l] { allowed[l] } else { low[l] });
        odd = std::array::from_fn(|l| odd[l] | !scores[l].is_score());
    }
    let top: Lanes<f64> = top.map(Into::into);
    for (share, scores) in shares.iter_mut().zip(tile) {
        for ((share, &score), top) in share.iter_mut().zip(scores).zip(&top) {
            *share = exp(score.into() - top);
        }
    }
    let spread = |lane: usize| if odd[lane] { f64::NAN } else { top[lane] - low[lane].into() };
    (top, std::array::from_fn(spread))
}

/// `out[i]` is the sum of `vector[j] * matrix[i, j]`.
#[inline(always)]
pub(in super::super) fn multiply(matrix: &[f64], vector: &[Lanes<f64>], out: &mut [Lanes<f64>]) {
    for (out, row) in out.iter_mut().zip(matrix.chunks_exact(vector.len())) {
        let mut sum = [0.0; LANES];
        for (value, &weight) in vector.iter().zip(row) {
            sum = std::array::from_fn(|lane| sum[lane] + value[lane] * weight);
        }
        *out = sum;
    }
}

/// Multiplies one by one. As one long row: over rows of lanes compilers would gather and scatter.
#[inline(always)]
fn times(to: &mut [Lanes<f64>], by: &[Lanes<f64>]) {
    for (to, by) in to.as_flattened_mut().iter_mut().zip(by.as_flattened()) {
        *to *= by;
    }
}

/// Divides by the power of two that leaves the largest between 1 and 2: its exponent, and whether
/// nothing came near to vanishing. What is 0 is forbidden, since no product can have vanished.
#[inline(always)]
fn rescale(sums: &mut [Lanes<f64>]) -> (Lanes<i64>, Lanes<bool>) {
    let mut top = [0.0; LANES];
    for sums in &*sums {
        top = std::array::from_fn(|l| if sums[l] > top[l] { sums[l] } else { top[l] });
    }
    let exponent = top.map(|top: f64| top.to_bits() >> 52);
    let factor = exponent.map(|exponent| f64::from_bits(2046_u64.wrapping_sub(exponent) << 52));
    let mut low = [f64::INFINITY; LANES];
    for to in sums {
        let sum = *to;
        let scaled: Lanes<f64> = std::array::from_fn(|lane| sum[lane] * factor[lane]);
        low = std::array::from_fn(|l| {
            if (scaled[l] < low[l]) & (scaled[l] > 0.0) { scaled[l] } else { low[l] }
        });
        *to = scaled;
    }
    let fine = std::array::from_fn(|lane| {
        (low[lane] >= LEAST) & (top[lane] > 0.0) & (top[lane] < f64::INFINITY)
    });
    (exponent.map(|exponent| exponent.cast_signed() - 1023), fine)
}
