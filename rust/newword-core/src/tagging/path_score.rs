//! Scores of given paths.

use super::problem::Problem;
use super::rows::Rows;
use super::scalar::Scalar;
use crate::support::{Error, Result, Workers};

/// The score of each path. Terms are added in the same order as by the decoders, so the score of a
/// decoded path equals the decoder's score. Negative infinity for a forbidden path; 0 for a sequence
/// without steps. `paths` is (batch, steps) as in the caller's emissions.
///
/// # Errors
/// [`Error::InvalidArgument`] for a tag out of range at a valid step, and for an emission
/// that is NaN or positive infinity.
pub fn path_score<F: Scalar>(
    problem: &Problem<'_, F>,
    paths: &[i32],
    workers: &Workers<'_>,
) -> Result<Vec<F>> {
    let steps = problem.caller_steps();
    if paths.len() != problem.batch * steps {
        let rule = format!("must be of shape ({}, {steps}) as the emissions are", problem.batch);
        return Err(Error::invalid("paths", rule, format!("{} tags", paths.len())));
    }
    workers.map((0..problem.batch).collect(), |row| {
        problem.check(row)?;
        let path = problem.pick(row, &paths[row * steps..][..steps]);
        let path = path.into_iter().enumerate().map(|(step, tag)| {
            usize::try_from(tag).ok().filter(|&tag| tag < problem.tags).ok_or_else(|| {
                let rule = format!("must hold tags from 0 to {}", problem.tags - 1);
                let step = problem.caller_step(row, step);
                Error::invalid("paths", rule, format!("{tag} at [{row}, {step}]"))
            })
        });
        Ok(score(problem, row, &path.collect::<Result<Vec<_>>>()?))
    })
}

fn score<F: Scalar>(problem: &Problem<'_, F>, row: usize, path: &[usize]) -> F {
    let (Some(&first), Some(&last)) = (path.first(), path.last()) else { return F::default() };
    let rows = Rows::of(problem, row);
    let mut score = problem.emission(row, 0)[first];
    if !problem.start.is_empty() {
        score += problem.start[first];
    }
    for (step, pair) in (1..).zip(path.windows(2)) {
        score += rows.between(pair[0], pair[1]);
        score += problem.emission(row, step)[pair[1]];
    }
    if !problem.end.is_empty() {
        score += problem.end[last];
    }
    score
}
