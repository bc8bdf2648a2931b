//! Length penalties, and the best score that a hypothesis can still reach.

use crate::support::{Error, Result};

/// The divisor of a hypothesis's log-probability, applied once.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LengthPenalty {
    /// 1: the score is the log-probability.
    None,
    /// length^alpha. With an alpha of 1 the score is the mean log-probability of a token.
    Average(f64),
    /// ((5 + length) / 6)^alpha, from Wu et al., "Google's neural machine translation system" (2016).
    Gnmt(f64),
}

impl LengthPenalty {
    pub(super) fn check(self) -> Result<()> {
        match self {
            Self::Average(alpha) | Self::Gnmt(alpha) if !alpha.is_finite() => {
                Err(Error::invalid("alpha", "must be finite", alpha))
            }
            _ => Ok(()),
        }
    }

    /// The score of `log_prob` over `length` tokens. A length of 0 counts as 1.
    pub fn score(self, log_prob: f64, length: usize) -> f64 {
        let length = length.max(1) as f64;
        match self {
            Self::None => log_prob,
            Self::Average(alpha) => log_prob / length.powf(alpha),
            Self::Gnmt(alpha) => log_prob / ((5.0 + length) / 6.0).powf(alpha),
        }
    }
}

/// How hypotheses are scored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scoring {
    pub(super) penalty: LengthPenalty,
    /// Whether the end token counts in the length of the penalty.
    pub(super) count_end: bool,
}

impl Scoring {
    /// The score of a hypothesis that ends at a step.
    pub(super) fn finished(self, log_prob: f64, step: usize) -> f64 {
        self.penalty.score(log_prob, step - usize::from(!self.count_end))
    }

    /// The score of a hypothesis that has no end token after some steps.
    pub(super) fn unfinished(self, log_prob: f64, steps: usize) -> f64 {
        self.penalty.score(log_prob, steps)
    }

    /// An upper bound on the score of a hypothesis that has `log_prob` now and ends at a step between
    /// `earliest` and `latest`.
    ///
    /// Log-probabilities are at most 0, so the sum can only fall. The penalty is monotonic in the length: by
    /// the sign of alpha, one of the two bounds gives the highest score.
    pub(super) fn bound(self, log_prob: f64, earliest: usize, latest: usize) -> f64 {
        self.finished(log_prob, earliest).max(self.finished(log_prob, latest))
    }
}
