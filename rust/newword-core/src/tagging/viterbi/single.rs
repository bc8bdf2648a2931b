//! Viterbi decoding of one sequence, one tag per lane.

use super::super::paths::label;
use super::super::problem::Problem;
use super::super::relax::{Pointer, largest, relax_row};
use super::super::rows::Rows;
use super::super::scalar::Scalar;
use crate::support::simd::{Kernel, widest};
use crate::support::{Result, Workers};

/// How many tags are gone through before the next look at whether to stop.
const CHECKED: u32 = 1024;

/// The best path of a sequence that has steps, and its score.
pub(super) fn decode<F: Scalar, P: Pointer>(
    problem: &Problem<'_, F>,
    row: usize,
    workers: &Workers<'_>,
) -> Result<(Vec<i32>, F)> {
    let steps = problem.lengths[row];
    let mut pointers = vec![P::default(); steps * problem.tags];
    let forward = Forward { problem, row, workers, pointers: &mut pointers };
    let (mut tag, score) = widest(forward)?;
    let score = problem.reached(row, score)?;
    let mut path = vec![0; steps];
    for (place, from) in path.iter_mut().zip(pointers.chunks_exact(problem.tags)).rev() {
        *place = label(tag);
        tag = from[tag].tag();
    }
    Ok((path, score))
}

struct Forward<'p, 'a, F: Scalar, P> {
    problem: &'p Problem<'a, F>,
    row: usize,
    workers: &'p Workers<'p>,
    pointers: &'p mut [P],
}

impl<F: Scalar, P: Pointer> Kernel for Forward<'_, '_, F, P> {
    /// The last tag of the best path, and its score; infinity where an emission is no score.
    type Output = Result<(usize, F)>;

    #[inline(always)]
    fn run(self) -> Result<(usize, F)> {
        let (problem, tags) = (self.problem, self.problem.tags);
        let mut rows = Rows::of(problem, self.row);
        let mut state = problem.emission(self.row, 0).to_vec();
        let mut sound = state.iter().all(|score| score.is_score());
        for (score, &start) in state.iter_mut().zip(problem.start.iter()) {
            *score += start;
        }
        let mut next = vec![F::FORBIDDEN; tags];
        let mut from = vec![0; tags];
        let steps = self.pointers.chunks_exact_mut(tags).enumerate().skip(1);
        for (step, pointers) in steps {
            next.fill(F::FORBIDDEN);
            from.fill(0);
            for (origin, &score) in (0..).zip(&state) {
                if origin % CHECKED == 0 {
                    self.workers.check()?;
                }
                // Nothing comes from a tag that nothing leads to.
                if score > F::FORBIDDEN {
                    relax_row(&mut next, &mut from, score, rows.after(origin as usize), origin);
                }
            }
            let emissions = problem.emission(self.row, step);
            let mut bad = 0u32;
            for (score, &emission) in next.iter_mut().zip(emissions) {
                bad |= u32::from(!emission.is_score());
                *score += emission;
            }
            sound &= bad == 0;
            for (pointer, &origin) in pointers.iter_mut().zip(&from) {
                *pointer = P::to(origin);
            }
            std::mem::swap(&mut state, &mut next);
        }
        for (score, &end) in state.iter_mut().zip(problem.end.iter()) {
            *score += end;
        }
        let (tag, score) = largest(state);
        Ok((tag, if sound { score } else { F::INFINITY }))
    }
}
