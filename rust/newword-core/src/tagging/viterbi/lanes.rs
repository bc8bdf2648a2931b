//! Viterbi decoding of sixteen sequences, one per lane.
//!
//! Floor for each pair of tags of each step, with sixteen `f32` in a vector: an addition, a comparison
//! and two selections for sixteen sequences. Around it, each emission is read and turned into its lane
//! once, and each pointer is written once and read along one path.

use super::super::paths::label;
use super::super::pieces::{Piece, keep_ended, rows_of, turn};
use super::super::problem::{Problem, Transitions};
use super::super::relax::{Pointer, largest, relax};
use super::super::scalar::{LANES, Lanes, Scalar};
use crate::support::Result;
use crate::support::simd::{Kernel, widest};

/// Emissions are turned into lanes by the few steps, so that they stay in the nearest cache.
const TURNED: usize = 512;

/// The best paths of up to [`LANES`] sequences that have steps, the longest first, and their scores.
pub(super) fn decode<F: Scalar, P: Pointer>(
    problem: &Problem<'_, F>,
    piece: &mut Piece<'_, i32>,
) -> Result<Vec<F>> {
    let rows = rows_of(piece);
    let lengths = rows.map(|row| problem.lengths[row]);
    let mut pointers = vec![[P::default(); LANES]; lengths[0] * problem.tags];
    let (tags, scores, suspect) =
        widest(Forward { problem, rows, lengths, pointers: &mut pointers });
    for (lane, (row, _)) in piece.iter().enumerate() {
        if suspect {
            problem.check(*row)?;
        }
        problem.reached(*row, scores[lane])?;
    }
    let paths = trace(&pointers, problem.tags, lengths, tags);
    for (lane, (row, out)) in piece.iter_mut().enumerate() {
        problem.place(*row, paths[..lengths[lane]].iter().map(|step| step[lane]), out);
    }
    Ok(scores[..piece.len()].to_vec())
}

/// Follows the pointers from the last tags, all lanes at a time: each waits for memory at every step.
fn trace<P: Pointer>(
    pointers: &[Lanes<P>],
    tags: usize,
    lengths: Lanes<usize>,
    mut last: Lanes<usize>,
) -> Vec<Lanes<i32>> {
    let mut paths = vec![[-1; LANES]; lengths[0]];
    for (step, (path, from)) in paths.iter_mut().zip(pointers.chunks_exact(tags)).enumerate().rev()
    {
        for lane in 0..LANES {
            if step < lengths[lane] {
                path[lane] = label(last[lane]);
                last[lane] = from[last[lane]][lane].tag();
            }
        }
    }
    paths
}

struct Forward<'p, 'a, F: Scalar, P> {
    problem: &'p Problem<'a, F>,
    rows: Lanes<usize>,
    lengths: Lanes<usize>,
    pointers: &'p mut [Lanes<P>],
}

impl<F: Scalar, P: Pointer> Kernel for Forward<'_, '_, F, P> {
    /// The last tag of each best path, its score, and whether anything that was read is no score, be it
    /// in the padding.
    type Output = (Lanes<usize>, Lanes<F>, bool);

    #[inline(always)]
    fn run(self) -> Self::Output {
        let square = self.problem.tags * self.problem.tags;
        match &self.problem.transitions {
            Transitions::Shared(matrix) => self.search(&transposed(matrix)),
            Transitions::PerSequence(matrices) => {
                let of_lane = self.rows.map(|row| &matrices[row * square..][..square]);
                let mut turned = vec![[F::FORBIDDEN; LANES]; square];
                turn(&of_lane, 0, &mut turned);
                self.search(&transposed(&turned))
            }
            Transitions::LowRank { .. } => unreachable!("sequences without a matrix go alone"),
        }
    }
}

impl<F: Scalar, P: Pointer> Forward<'_, '_, F, P> {
    /// `weights` has the transitions towards tag 0 first, then those towards tag 1, and so on.
    #[inline(always)]
    fn search<W: Weight<F>>(self, weights: &[W]) -> (Lanes<usize>, Lanes<F>, bool) {
        let (problem, tags) = (self.problem, self.problem.tags);
        let emissions = self.rows.map(|row| problem.row(row));
        let mut state = vec![[F::FORBIDDEN; LANES]; tags];
        let mut next = state.clone();
        let at_once = (TURNED / tags).max(1);
        let mut turned = vec![[F::default(); LANES]; at_once * tags];
        let mut suspect = false;
        let shortest = self.lengths.into_iter().fold(usize::MAX, usize::min);
        for (step, pointers) in self.pointers.chunks_exact_mut(tags).enumerate() {
            if step % at_once == 0 {
                let rest = (self.lengths[0] - step).min(at_once);
                let turned = &mut turned[..rest * tags];
                turn(&emissions, step * tags, turned);
                for score in turned.as_flattened() {
                    suspect |= !score.is_score();
                }
            }
            let tile = &turned[step % at_once * tags..][..tags];
            if step == 0 {
                state.copy_from_slice(tile);
                add(&mut state, &problem.start);
                continue;
            }
            advance(&state, tile, weights, &mut next, pointers);
            // Sequences that ended keep the state of their last step.
            if step >= shortest {
                keep_ended(&state, &mut next, self.lengths.map(|length| step < length));
            }
            std::mem::swap(&mut state, &mut next);
        }
        add(&mut state, &problem.end);
        let best: Lanes<_> = std::array::from_fn(|lane| largest(state.iter().map(|s| s[lane])));
        (best.map(|(tag, _)| tag), best.map(|(_, score)| score), suspect)
    }
}

/// One step for all lanes.
///
/// Lanes are loaded, worked on and stored as wholes: where a store could touch what is still to be
/// loaded, compilers give up vectors.
#[inline(always)]
fn advance<F: Scalar, P: Pointer, W: Weight<F>>(
    state: &[Lanes<F>],
    tile: &[Lanes<F>],
    weights: &[W],
    next: &mut [Lanes<F>],
    pointers: &mut [Lanes<P>],
) {
    let towards = weights.chunks_exact(state.len());
    for (((next, pointers), emissions), weights) in
        next.iter_mut().zip(pointers).zip(tile).zip(towards)
    {
        let mut best = [F::FORBIDDEN; LANES];
        let mut from = [0; LANES];
        for (origin, (score, weight)) in (0..).zip(state.iter().zip(weights)) {
            relax(&mut best, &mut from, score, &weight.lanes(), origin);
        }
        *next = plus(best, *emissions);
        *pointers = from.map(P::to);
    }
}

#[inline(always)]
fn plus<F: Scalar>(left: Lanes<F>, right: Lanes<F>) -> Lanes<F> {
    std::array::from_fn(|lane| left[lane] + right[lane])
}

/// Adds one score a tag to all lanes; nothing where there are none.
#[inline(always)]
fn add<F: Scalar>(state: &mut [Lanes<F>], scores: &[F]) {
    for (state, &score) in state.iter_mut().zip(scores) {
        *state = plus(*state, [score; LANES]);
    }
}

/// A score between two tags: the same for all lanes, or one each.
trait Weight<F>: Copy {
    fn lanes(self) -> Lanes<F>;
}

impl<F: Scalar> Weight<F> for F {
    #[inline(always)]
    fn lanes(self) -> Lanes<F> {
        [self; LANES]
    }
}

impl<F: Scalar> Weight<F> for Lanes<F> {
    #[inline(always)]
    fn lanes(self) -> Lanes<F> {
        self
    }
}

/// A square matrix by columns.
fn transposed<T: Copy>(matrix: &[T]) -> Vec<T> {
    let size = matrix.len().isqrt();
    let columns = 0..size;
    columns.flat_map(|column| matrix.iter().skip(column).step_by(size).copied()).collect()
}
