//! Splits a batch into pieces of sequences that are decoded together.

use super::problem::{Problem, Transitions};
use super::scalar::{LANES, Lanes, Scalar};

/// Sequences that have steps, the longest first, and where what is found for each goes.
pub(super) type Piece<'o, T> = Vec<(usize, &'o mut [T])>;

/// The memory limit of a piece of sequences in lanes, in bytes; longer sequences are decoded alone.
const MOST: usize = 1 << 26;

/// Splits a batch into pieces of up to [`LANES`] sequences of similar length; empty ones are skipped.
///
/// `out` has the same number of values for each sequence. A sequence goes alone where transitions have
/// no matrix, and where lanes of its length would take too much memory at `cost` bytes for each tag of
/// each step.
pub(super) fn cut<'o, F: Scalar, T>(
    problem: &Problem<'_, F>,
    out: &'o mut [T],
    cost: usize,
) -> Vec<Piece<'o, T>> {
    let rows = out.chunks_exact_mut(out.len() / problem.batch).enumerate();
    let mut rows: Vec<_> = rows.filter(|(row, _)| problem.lengths[*row] > 0).collect();
    // The longest first, so that no thread ends with the largest piece.
    rows.sort_by_key(|(row, _)| std::cmp::Reverse(problem.lengths[*row]));
    let mut pieces = Vec::with_capacity(rows.len().div_ceil(LANES));
    let low_rank = matches!(problem.transitions, Transitions::LowRank { .. });
    let mut rows = rows.into_iter().peekable();
    while let Some((row, _)) = rows.peek() {
        let alone = low_rank || problem.lengths[*row] * problem.tags * LANES * cost > MOST;
        pieces.push(rows.by_ref().take(if alone { 1 } else { LANES }).collect());
    }
    pieces
}

/// The row of each lane; lanes without a sequence repeat the first.
pub(super) fn rows_of<T>(piece: &Piece<'_, T>) -> Lanes<usize> {
    std::array::from_fn(|lane| piece.get(lane).unwrap_or(&piece[0]).0)
}

/// Turns a part of sixteen rows, from `at` on, into lanes. Four by four, which compilers know how to
/// do without leaving registers.
#[inline(always)]
pub(super) fn turn<F: Scalar>(rows: &Lanes<&[F]>, at: usize, turned: &mut [Lanes<F>]) {
    let count = turned.len();
    for quad in 0..LANES / 4 {
        let part = |lane: usize| &rows[4 * quad + lane][at..][..count];
        let parts = [part(0), part(1), part(2), part(3)];
        let [a, b, c, d] = parts.map(|part| part.as_chunks::<4>().0);
        let (blocks, rest) = turned.as_chunks_mut::<4>();
        for ((((block, a), b), c), d) in blocks.iter_mut().zip(a).zip(b).zip(c).zip(d) {
            for (place, lanes) in block.iter_mut().enumerate() {
                lanes[4 * quad..4 * quad + 4]
                    .copy_from_slice(&[a[place], b[place], c[place], d[place]]);
            }
        }
        for (lanes, place) in rest.iter_mut().zip(count / 4 * 4..) {
            for lane in 0..4 {
                lanes[4 * quad + lane] = parts[lane][place];
            }
        }
    }
}

/// Puts back the state of lanes whose sequence is over.
#[inline(always)]
pub(super) fn keep_ended<F: Scalar>(old: &[Lanes<F>], new: &mut [Lanes<F>], alive: Lanes<bool>) {
    for (old, to) in old.iter().zip(new) {
        let new = *to;
        *to = std::array::from_fn(|lane| if alive[lane] { new[lane] } else { old[lane] });
    }
}
