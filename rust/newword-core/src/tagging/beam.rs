//! Beam search, for tag sets too large to score every pair.

use super::paths::{Paths, each_sequence, label};
use super::problem::Problem;
use super::relax::relax_row;
use super::rows::Rows;
use super::scalar::Scalar;
use crate::support::simd::{Kernel, widest};
use crate::support::{Error, Result, Workers};

/// Finds a path for each sequence with a beam of `width` tags. Hypotheses that end in the same tag are
/// merged, so a beam of all tags finds the best path. A width of 1 is greedy decoding: the best tag of
/// each step given the previous one.
///
/// O(batch steps width tags), times the rank where transitions have no matrix.
///
/// # Errors
/// [`Error::InvalidArgument`] if an emission is NaN or positive infinity, if no path is allowed,
/// or if the beam holds only tags that no tag may follow.
pub fn beam_search<F: Scalar>(
    problem: &Problem<'_, F>,
    width: usize,
    workers: &Workers<'_>,
) -> Result<Paths<F>> {
    if width == 0 {
        return Err(Error::invalid("beam_size", "must be at least 1", width));
    }
    each_sequence(problem, workers, |row| {
        problem.check(row)?;
        let (path, score) = widest(Search { problem, row, width, workers })?;
        if score == F::FORBIDDEN && !path.is_empty() {
            // No tag may follow the tags of the beam, so the remaining steps are skipped.
            let rule = "must be larger where constraints leave few paths";
            let step = problem.caller_step(row, path.len() - 1);
            let place = format!("{width}, at a dead end behind step {step} of sequence {row}");
            return Err(Error::invalid("beam_size", rule, place));
        }
        Ok((path, problem.reached(row, score)?))
    })
}

struct Search<'p, 'a, F: Scalar> {
    problem: &'p Problem<'a, F>,
    row: usize,
    width: usize,
    workers: &'p Workers<'p>,
}

/// A tag of the beam, and the index of its predecessor in the beam of the previous step.
#[derive(Clone, Copy)]
struct Kept {
    tag: usize,
    parent: usize,
}

impl<F: Scalar> Kernel for Search<'_, '_, F> {
    /// The path and its score. The score is negative infinity if there is none: the path is then
    /// as long as the beam got.
    type Output = Result<(Vec<i32>, F)>;

    #[inline(always)]
    fn run(self) -> Result<(Vec<i32>, F)> {
        let (problem, tags) = (self.problem, self.problem.tags);
        let steps = problem.lengths[self.row];
        let mut rows = Rows::of(problem, self.row);
        let mut best = problem.emission(self.row, 0).to_vec();
        add(&mut best, &problem.start);
        let mut from = vec![0; tags];
        let mut history: Vec<Vec<Kept>> = Vec::with_capacity(steps);
        let mut scores = vec![];
        for step in 0..steps {
            self.workers.check()?;
            if step > 0 {
                best.fill(F::FORBIDDEN);
                let kept = history.last().map_or(&[][..], Vec::as_slice);
                for ((origin, kept), &score) in (0..).zip(kept).zip(&scores) {
                    relax_row(&mut best, &mut from, score, rows.after(kept.tag), origin);
                }
                add(&mut best, problem.emission(self.row, step));
            }
            if step + 1 == steps {
                add(&mut best, &problem.end);
            }
            let tags = leaders(&best, self.width);
            if tags.is_empty() {
                return Ok((trace(&history, 0), F::FORBIDDEN));
            }
            scores = tags.iter().map(|&tag| best[tag]).collect();
            let parent = |tag: usize| if step == 0 { 0 } else { from[tag] as usize };
            history.push(tags.into_iter().map(|tag| Kept { tag, parent: parent(tag) }).collect());
        }
        let (place, score) = super::relax::largest(scores);
        Ok((trace(&history, place), score))
    }
}

#[inline(always)]
fn add<F: Scalar>(scores: &mut [F], others: &[F]) {
    for (score, &other) in scores.iter_mut().zip(others) {
        *score += other;
    }
}

/// The `width` tags of the largest scores in the order of tags; of equals the lower tags. Forbidden
/// ones are left out.
fn leaders<F: Scalar>(scores: &[F], width: usize) -> Vec<usize> {
    let mut tags: Vec<_> = (0..scores.len()).filter(|&tag| scores[tag] > F::FORBIDDEN).collect();
    if tags.len() > width {
        let falling = |a: &usize, b: &usize| {
            // There is no NaN, because every emission was checked.
            scores[*b].partial_cmp(&scores[*a]).unwrap_or(std::cmp::Ordering::Equal).then(a.cmp(b))
        };
        tags.select_nth_unstable_by(width - 1, falling);
        tags.truncate(width);
        tags.sort_unstable();
    }
    tags
}

fn trace(history: &[Vec<Kept>], mut place: usize) -> Vec<i32> {
    let mut path = vec![0; history.len()];
    for (tag, kept) in path.iter_mut().zip(history).rev() {
        *tag = label(kept[place].tag);
        place = kept[place].parent;
    }
    path
}
