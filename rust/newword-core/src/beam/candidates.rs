//! The best continuations of the hypotheses of one beam.

use super::constraints::{Choices, Tokens, Vocabulary};
use super::element::Element;
use super::scores::Scores;
use crate::support::Result;

/// A hypothesis and a token that may follow it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    /// The number that candidates are compared by: the sum less the diversity penalty.
    pub(super) rank: f64,
    /// The log-probability of the hypothesis with this token.
    pub(super) sum: f64,
    pub(super) log_prob: f64,
    pub(super) slot: usize,
    pub(super) token: i32,
}

impl Candidate {
    /// Sorts by rank, descending, then by parent and token, ascending.
    pub(super) fn order(&self, other: &Self) -> std::cmp::Ordering {
        let by_rank = other.rank.total_cmp(&self.rank);
        by_rank.then(self.slot.cmp(&other.slot)).then(self.token.cmp(&other.token))
    }
}

/// The best candidates so far, in order. Candidates must be offered by parent and token, ascending, so that
/// of equal ones the first offered stays in front.
#[derive(Debug)]
pub(super) struct Top {
    pub(super) best: Vec<Candidate>,
    width: usize,
}

impl Top {
    pub(super) fn new(width: usize) -> Self {
        Self { best: Vec::with_capacity(width + 1), width }
    }

    /// A candidate must rank above this.
    #[inline]
    fn floor(&self) -> f64 {
        if self.best.len() < self.width {
            return f64::NEG_INFINITY;
        }
        self.best.last().map_or(f64::INFINITY, |last| last.rank)
    }

    #[inline]
    fn offer(&mut self, candidate: Candidate) {
        if candidate.rank > self.floor() {
            let place = self.best.partition_point(|other| other.rank >= candidate.rank);
            self.best.truncate(self.width - 1);
            self.best.insert(place, candidate);
        }
    }

    /// A log-probability of at most this does not reach the floor after a hypothesis of log-probability `sum`.
    /// The margin covers the rounding of the difference.
    fn threshold(&self, sum: f64) -> f64 {
        let floor = self.floor();
        floor - sum - (floor.abs() + sum.abs()) * (4.0 * f64::EPSILON)
    }
}

/// The tokens that earlier groups chose in this step, and the penalty for choosing one again.
#[derive(Debug, Clone, Default)]
pub(super) struct Chosen {
    pub(super) tokens: Vec<i32>,
    pub(super) diversity: f64,
}

impl Chosen {
    fn penalty(&self, token: i32) -> f64 {
        let times = self.tokens.iter().filter(|&&chosen| chosen == token).count();
        if times == 0 { 0.0 } else { self.diversity * times as f64 }
    }
}

/// Offers the tokens that may follow a hypothesis of log-probability `sum`, except end tokens.
pub(super) fn extend<E: Element>(
    scores: &Scores<'_, E>,
    slot: usize,
    sum: f64,
    choices: &Choices<'_>,
    vocabulary: &Vocabulary,
    chosen: &Chosen,
    top: &mut Top,
) -> Result<()> {
    let threshold = top.threshold(sum);
    let mut offer = |token: usize, log_prob: f64| {
        let id = id(token);
        if choices.admit(id, vocabulary) {
            let total = sum + log_prob;
            let rank = total - chosen.penalty(id);
            top.offer(Candidate { rank, sum: total, log_prob, slot, token: id });
        }
        top.threshold(sum)
    };
    match choices.tokens {
        Tokens::All => scores.scan(slot, threshold, offer),
        Tokens::Listed(tokens) => {
            scores.check_rows(slot)?;
            for &token in tokens {
                let token = index(token);
                offer(token, scores.value(slot, token));
            }
            Ok(())
        }
    }
}

/// A token as hypotheses store it.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a vocabulary has less than 2^31 tokens"
)]
pub(super) fn id(token: usize) -> i32 {
    token as i32
}

/// The column of a token. Negative tokens are rejected with the arguments.
#[allow(clippy::cast_sign_loss, reason = "tokens are at least 0")]
pub(super) fn index(token: i32) -> usize {
    token as usize
}
