//! Options of counting.

use super::key::MAX_FIELDS;
use crate::support::{Error, Result};

/// Options of counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountOptions {
    /// The longest n-gram, 1 to 8.
    pub order: usize,
    /// The minimum count of an n-gram, at least 1. Neighbour sums are exact for any value.
    pub min_count: u64,
    /// Of which n-grams to sum over their neighbours; of the others [`Level::right_sums`] and
    /// [`Level::left_sums`] stay empty.
    pub neighbours: Neighbours,
}

/// The n-grams whose neighbours are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Neighbours {
    /// None, which takes less than half the time.
    OfNone,
    /// Single symbols, at almost no extra cost; all runs of digits are one neighbour.
    OfSingles,
    /// All n-grams that are kept.
    OfAll,
    /// All that are kept, with all runs of digits as one neighbour: different numbers next to a word
    /// are no evidence of free use.
    OfAllNumbersAsOne,
}

impl Neighbours {
    /// Whether all runs of digits are one neighbour.
    pub fn numbers_as_one(self) -> bool {
        matches!(self, Self::OfSingles | Self::OfAllNumbersAsOne)
    }

    /// Whether those of all n-grams are looked at.
    pub fn of_all(self) -> bool {
        matches!(self, Self::OfAll | Self::OfAllNumbersAsOne)
    }
}

impl Default for CountOptions {
    fn default() -> Self {
        Self { order: 4, min_count: 1, neighbours: Neighbours::OfAll }
    }
}

impl CountOptions {
    /// # Errors
    /// [`Error::InvalidArgument`] for an order or a count out of range.
    pub(crate) fn validate(self) -> Result<()> {
        if !(1..=MAX_FIELDS).contains(&self.order) {
            return Err(Error::invalid("order", "must be between 1 and 8", self.order));
        }
        if self.min_count == 0 {
            return Err(Error::invalid("min_count", "must be at least 1", self.min_count));
        }
        Ok(())
    }
}
