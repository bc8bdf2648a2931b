//! The path with the highest expected number of correct tags.

use std::borrow::Cow;

use super::forward_backward::marginals;
use super::paths::Paths;
use super::problem::{Problem, Transitions};
use super::scalar::Scalar;
use super::viterbi::viterbi;
use crate::support::{Result, Workers};

/// Finds the allowed path with the highest expected number of correct tags, which is its score. (The
/// path of Viterbi is the one most likely to be correct as a whole.)
///
/// O(batch steps tags²).
///
/// # Errors
/// As [`viterbi`].
pub fn posterior_decode<F: Scalar>(
    problem: &Problem<'_, F>,
    workers: &Workers<'_>,
) -> Result<Paths<F>> {
    let marginals = marginals(problem, workers)?;
    let tags = problem.tags;
    let mut emissions = problem.emissions.to_vec();
    for row in 0..problem.batch {
        for step in 0..problem.lengths[row] {
            let place = (row * problem.caller_steps() + problem.caller_step(row, step)) * tags;
            let scores = &mut emissions[(row * problem.steps + step) * tags..][..tags];
            for (score, &marginal) in scores.iter_mut().zip(&marginals[place..]) {
                if *score > F::FORBIDDEN {
                    *score = marginal;
                }
            }
        }
    }
    let transitions = match &problem.transitions {
        Transitions::Shared(matrix) => Transitions::Shared(constraints(matrix)),
        Transitions::PerSequence(matrices) => Transitions::PerSequence(constraints(matrices)),
        // Products of finite numbers forbid nothing: a rank of 0.
        Transitions::LowRank { .. } => Transitions::LowRank { left: &[], right: &[], rank: 0 },
    };
    let allowed = Problem {
        emissions: Cow::Owned(emissions),
        transitions,
        start: constraints(&problem.start),
        end: constraints(&problem.end),
        lengths: problem.lengths.clone(),
        moved: problem.moved.clone(),
        ..*problem
    };
    viterbi(&allowed, workers)
}

/// What is forbidden stays, everything else is 0.
fn constraints<F: Scalar>(scores: &[F]) -> Cow<'static, [F]> {
    let keep = |&score: &F| if score == F::FORBIDDEN { score } else { F::default() };
    scores.iter().map(keep).collect()
}
