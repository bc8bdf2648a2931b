//! Sums over all paths: the log-partition and the marginals (forward-backward, Rabiner 1989).
//!
//! Sixteen sequences at a time, in `f64`. Probabilities are rescaled by a power of two at each step, which
//! takes one exponential for each emission instead of one for each pair of tags. The result is accurate
//! unless a product underflows, which [`scaled`] checks. A sequence whose scores range too widely is
//! computed again in the log domain.

mod scaled;

use self::scaled::{Marginals, Totals};
pub(super) use self::scaled::{Scaled, multiply, share};
use super::log_domain;
use super::pieces::{cut, rows_of};
use super::problem::Problem;
use super::scalar::Scalar;
use crate::support::simd::widest;
use crate::support::{Result, Workers};

/// Bytes of memory for each tag of each step of a sequence in a lane: two numbers.
const COST: usize = 16;

/// The logarithm of the sum of exp(score) over all paths of each sequence, (batch,); 0 for a sequence
/// without steps.
///
/// O(batch steps tags²).
///
/// # Errors
/// As [`viterbi`](super::viterbi).
pub fn log_partition<F: Scalar>(
    problem: &Problem<'_, F>,
    workers: &Workers<'_>,
) -> Result<Vec<f64>> {
    let mut out = vec![0.0; problem.batch];
    let scaled = Scaled::of(problem);
    workers.map(cut(problem, &mut out, 0), |mut piece| {
        let rows = rows_of(&piece);
        let found = scaled.as_ref().map(|scaled| widest(Totals { problem, scaled, rows }));
        for (lane, (row, out)) in piece.iter_mut().enumerate() {
            let total = match found.as_ref().and_then(|totals| totals[lane]) {
                Some(total) => total,
                None => carefully(problem, *row, workers)?.0,
            };
            out[0] = total;
        }
        Ok(())
    })?;
    Ok(out)
}

/// The probability of each tag at each step, (batch, steps, tags) as in the caller's emissions; 0 at
/// masked steps.
///
/// O(batch steps tags²) time, plus 16 bytes for each tag of each step of the sequences that a thread
/// works on.
///
/// # Errors
/// As [`viterbi`](super::viterbi).
pub fn marginals<F: Scalar>(problem: &Problem<'_, F>, workers: &Workers<'_>) -> Result<Vec<F>> {
    let tags = problem.tags;
    let mut out = vec![F::default(); problem.batch * problem.caller_steps() * tags];
    let scaled = Scaled::of(problem);
    workers.map(cut(problem, &mut out, COST), |mut piece| {
        let sure = match &scaled {
            Some(scaled) => widest(Marginals { problem, scaled, piece: &mut piece }),
            None => Default::default(),
        };
        for (lane, (row, out)) in piece.iter_mut().enumerate() {
            if !sure[lane] {
                let (_, forward) = carefully(problem, *row, workers)?;
                let again = log_domain::Marginals { problem, row: *row, forward, workers };
                let found = widest(again)?;
                for (step, found) in found.chunks_exact(tags).enumerate() {
                    let out = &mut out[problem.caller_step(*row, step) * tags..][..tags];
                    for (out, &found) in out.iter_mut().zip(found) {
                        *out = F::nearest(found);
                    }
                }
            }
        }
        Ok(())
    })?;
    Ok(out)
}

/// The log-partition of a sequence and its forward sums in the log domain, or an error.
fn carefully<F: Scalar>(
    problem: &Problem<'_, F>,
    row: usize,
    workers: &Workers<'_>,
) -> Result<(f64, Vec<f64>)> {
    problem.check(row)?;
    let forward = log_domain::forward(problem, row, workers)?;
    let total = log_domain::total(&forward, problem.tags);
    // Sums of f32 that no f32 can hold are still f64; only nothing and infinity are refused.
    let verdict = if total.is_finite() { F::default() } else { F::nearest(total) };
    problem.reached(row, verdict).map(|_| (total, forward))
}
