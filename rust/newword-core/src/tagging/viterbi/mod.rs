//! The best path (Viterbi 1967), for a whole batch.
//!
//! Sequences of similar length are decoded sixteen at a time, one in each lane of a vector: the
//! maximum over tags then needs no shuffling of lanes, and ties go to the lower tag as in a loop. Remaining
//! or very long sequences, and those without a matrix, are decoded alone, with one tag per lane.

mod lanes;
mod single;

use super::paths::Paths;
use super::pieces::cut;
use super::problem::Problem;
use super::relax::Pointer;
use super::scalar::Scalar;
use crate::support::{Result, Workers};

/// Fewer sequences than this are faster one by one: most lanes would stay empty.
const WORTH_LANES: usize = 6;

/// Finds the path with the highest score for each sequence.
///
/// O(batch steps tags²) time, plus a byte (two above 256 tags, four above 65,536) for each tag of each
/// step of the sequences that a thread works on.
///
/// # Errors
/// [`Error::InvalidArgument`](crate::support::Error::InvalidArgument) where an emission is NaN or
/// positive infinity, or where no path is allowed.
pub fn viterbi<F: Scalar>(problem: &Problem<'_, F>, workers: &Workers<'_>) -> Result<Paths<F>> {
    match problem.tags {
        0..=0x100 => decode::<F, u8>(problem, workers),
        0x101..=0x1_0000 => decode::<F, u16>(problem, workers),
        _ => decode::<F, u32>(problem, workers),
    }
}

fn decode<F: Scalar, P: Pointer>(
    problem: &Problem<'_, F>,
    workers: &Workers<'_>,
) -> Result<Paths<F>> {
    let mut tags = vec![-1; problem.batch * problem.caller_steps()];
    let pieces = cut(problem, &mut tags, size_of::<P>());
    let found = workers.map(pieces, |mut piece| {
        let scores = if piece.len() >= WORTH_LANES {
            lanes::decode::<F, P>(problem, &mut piece)?
        } else {
            let one = |(row, out): &mut (usize, &mut [i32])| {
                single::decode::<F, P>(problem, *row, workers).map(|(path, score)| {
                    problem.place(*row, path, out);
                    score
                })
            };
            piece.iter_mut().map(one).collect::<Result<Vec<_>>>()?
        };
        Ok(piece.iter().map(|(row, _)| *row).zip(scores).collect::<Vec<_>>())
    })?;
    let mut scores = vec![F::default(); problem.batch];
    for (row, score) in found.into_iter().flatten() {
        scores[row] = score;
    }
    Ok(Paths { tags, scores })
}
