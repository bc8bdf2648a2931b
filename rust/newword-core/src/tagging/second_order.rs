//! The best path with scores of three successive tags.

use super::paths::{Paths, each_sequence, label};
use super::problem::{Problem, unsound};
use super::relax::relax_row;
use super::rows::Rows;
use super::scalar::Scalar;
use crate::support::simd::{Kernel, widest};
use crate::support::{Error, Result, Workers};

/// The path of the highest score for each sequence, where `triples`, (tags, tags, tags), adds
/// `h(i, j, k)` for `k` behind `j` behind `i` to all that [`viterbi`](super::viterbi) adds up.
///
/// O(batch steps tags³) time and 4 tags² bytes per step for each sequence in progress.
///
/// # Errors
/// As [`viterbi`](super::viterbi), and where `triples` has another size or holds NaN or positive
/// infinity.
pub fn viterbi_second_order<F: Scalar>(
    problem: &Problem<'_, F>,
    triples: &[F],
    workers: &Workers<'_>,
) -> Result<Paths<F>> {
    let tags = problem.tags;
    if triples.len() != tags * tags * tags {
        let rule = format!("must be of shape ({tags}, {tags}, {tags})");
        return Err(Error::invalid("second_order", rule, format!("{} values", triples.len())));
    }
    if let Some(place) = triples.iter().position(|score| !score.is_score()) {
        let rule = "must hold neither NaN nor positive infinity";
        return Err(unsound("second_order", rule, triples[place], place, &[tags; 3]));
    }
    each_sequence(problem, workers, |row| {
        problem.check(row)?;
        let (path, score) = widest(Search { problem, row, triples, workers })?;
        Ok((path, problem.reached(row, score)?))
    })
}

struct Search<'p, 'a, F: Scalar> {
    problem: &'p Problem<'a, F>,
    row: usize,
    triples: &'p [F],
    workers: &'p Workers<'p>,
}

impl<F: Scalar> Kernel for Search<'_, '_, F> {
    type Output = Result<(Vec<i32>, F)>;

    #[inline(always)]
    fn run(self) -> Result<(Vec<i32>, F)> {
        let (problem, tags) = (self.problem, self.problem.tags);
        let (steps, square) = (problem.lengths[self.row], tags * tags);
        let mut rows = Rows::of(problem, self.row);
        // Scores of paths by their last two tags; before the first tag stands tag 0 for all.
        let mut state = vec![F::FORBIDDEN; square];
        for (tag, &emission) in problem.emission(self.row, 0).iter().enumerate() {
            state[tag] = emission + problem.start.get(tag).copied().unwrap_or_default();
        }
        let mut next = state.clone();
        let mut pointers = vec![0; steps * square];
        for (step, from) in pointers.chunks_exact_mut(square).enumerate().skip(1) {
            self.workers.check()?;
            next.fill(F::FORBIDDEN);
            for middle in 0..tags {
                let best = &mut next[middle * tags..][..tags];
                let from = &mut from[middle * tags..][..tags];
                let pair = rows.after(middle);
                if step == 1 {
                    // No third tag yet.
                    relax_row(best, from, state[middle], pair, 0);
                } else {
                    for (origin, before) in (0..).zip(state.chunks_exact(tags)) {
                        let triple = &self.triples[origin as usize * square + middle * tags..];
                        relax_row(best, from, before[middle], &triple[..tags], origin);
                    }
                    for (score, &pair) in best.iter_mut().zip(pair) {
                        *score += pair;
                    }
                }
                for (score, &emission) in best.iter_mut().zip(problem.emission(self.row, step)) {
                    *score += emission;
                }
            }
            std::mem::swap(&mut state, &mut next);
        }
        for (place, score) in state.iter_mut().enumerate() {
            *score += problem.end.get(place % tags).copied().unwrap_or_default();
        }
        Ok(self.trace(&state, &pointers))
    }
}

impl<F: Scalar> Search<'_, '_, F> {
    fn trace(&self, state: &[F], pointers: &[u32]) -> (Vec<i32>, F) {
        let (tags, steps) = (self.problem.tags, self.problem.lengths[self.row]);
        // The lower last tag, then the lower one before it.
        let by_last = (0..tags).flat_map(|last| (0..tags).map(move |middle| middle * tags + last));
        let (place, score) = super::relax::largest(by_last.map(|place| state[place]));
        let (mut last, mut middle) = (place / tags, place % tags);
        let mut path = vec![0; steps];
        for (tag, from) in path.iter_mut().zip(pointers.chunks_exact(tags * tags)).rev() {
            *tag = label(last);
            let before = from[middle * tags + last] as usize;
            (last, middle) = (middle, before);
        }
        (path, score)
    }
}
