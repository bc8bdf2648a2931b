//! Sampling of paths from the distribution of the model.

use super::exp::exp;
use super::log_domain::forward;
use super::paths::label;
use super::problem::Problem;
use super::rows::Rows;
use super::scalar::Scalar;
use crate::support::hash::uniform;
use crate::support::{Result, Workers};

/// `count` paths for each sequence, (batch, count, steps) as in the caller's emissions, drawn with the
/// probability of a globally normalised model: exp(score) over the sum of all paths. -1 where a step
/// does not count. A draw depends on `seed`, the row and its own number, and on nothing else.
///
/// O(batch steps tags (tags + count)) exponentials.
///
/// # Errors
/// As [`viterbi`](super::viterbi).
pub fn sample<F: Scalar>(
    problem: &Problem<'_, F>,
    count: usize,
    seed: u64,
    workers: &Workers<'_>,
) -> Result<Vec<i32>> {
    let steps = problem.caller_steps();
    let mut tags = vec![-1; problem.batch * count * steps];
    if count == 0 {
        return Ok(tags);
    }
    let rows = tags.chunks_exact_mut(count * steps).enumerate().collect();
    workers.map(rows, |(row, out): (usize, &mut [i32])| {
        if problem.lengths[row] > 0 {
            problem.check(row)?;
            let sums = forward(problem, row, workers)?;
            let total = super::log_domain::total(&sums, problem.tags);
            problem.reached(row, F::nearest(total))?;
            for (number, out) in out.chunks_exact_mut(steps).enumerate() {
                let path = draw(problem, row, &sums, |step| {
                    uniform(seed, [row, number, step].map(|place| place as u64))
                });
                problem.place(row, path, out);
            }
        }
        Ok(())
    })?;
    Ok(tags)
}

/// A path, from its last tag to the first: each is drawn given the one behind it.
fn draw<F: Scalar>(
    problem: &Problem<'_, F>,
    row: usize,
    sums: &[f64],
    uniform: impl Fn(usize) -> f64,
) -> Vec<i32> {
    let tags = problem.tags;
    let rows = Rows::of(problem, row);
    let mut path = vec![0; problem.lengths[row]];
    let mut weights = sums[sums.len() - tags..].to_vec();
    for step in (0..path.len()).rev() {
        let tag = choose(&mut weights, uniform(step));
        path[step] = label(tag);
        if step > 0 {
            let before = &sums[(step - 1) * tags..][..tags];
            for (origin, (weight, &sum)) in weights.iter_mut().zip(before).enumerate() {
                *weight = sum + rows.between(origin, tag).into();
            }
        }
    }
    path
}

/// A place, with a probability in proportion to the exponential of its weight.
fn choose(weights: &mut [f64], uniform: f64) -> usize {
    let top = weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for weight in weights.iter_mut() {
        sum += exp(*weight - top);
        *weight = sum;
    }
    let goal = uniform * sum;
    // The first place whose share reaches beyond the goal; one without a share never does.
    weights.iter().position(|&reached| reached > goal).unwrap_or_else(|| {
        // Rounding put the goal at the very end.
        weights.iter().position(|&reached| reached >= sum).unwrap_or_default()
    })
}
