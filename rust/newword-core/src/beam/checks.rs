//! Checks that all searches share.

use super::live::Listed;
use crate::support::{Error, Result};

/// Checks that an argument is at least 1.
pub(super) fn positive(argument: &str, value: usize) -> Result<()> {
    if value == 0 || value > i32::MAX as usize {
        return Err(Error::invalid(argument, "must be between 1 and 2^31 - 1", value));
    }
    Ok(())
}

/// Checks that the number of rows, a product, fits the type of row numbers.
pub(super) fn no_more_rows(factors: &str, sizes: [usize; 3]) -> Result<()> {
    let rows = sizes.iter().fold(1_usize, |product, &size| product.saturating_mul(size));
    if rows > i32::MAX as usize {
        return Err(Error::invalid("batch", format!("{factors} must be below 2^31"), rows));
    }
    Ok(())
}

/// Checks that scores have the given shape: `expected` rows, or `first` in a first step.
pub(super) fn check_rows<E>(
    argument: &str,
    scores: &[E],
    [rows, vocabulary]: [usize; 2],
    expected: usize,
    first: Option<usize>,
) -> Result<()> {
    if scores.len() != rows * vocabulary || !(rows == expected || Some(rows) == first) {
        let or = first.map(|first| format!(", or {first} in the first step"));
        let rule = format!("must have {expected} rows{}", or.unwrap_or_default());
        return Err(Error::invalid(argument, rule, rows));
    }
    Ok(())
}

/// Checks that the tokens that the caller allows are in the vocabulary and ascending.
pub(super) fn check_listed(listed: Listed<'_>, rows: usize, vocabulary: usize) -> Result<()> {
    if !listed.is_empty() && listed.len() != rows {
        let rule = format!("must be given for each of {rows} rows");
        return Err(Error::invalid("allowed", rule, listed.len()));
    }
    for (row, tokens) in listed.iter().enumerate() {
        let tokens = tokens.as_deref().unwrap_or_default();
        if let Some(place) = (1..tokens.len()).find(|&place| tokens[place - 1] >= tokens[place]) {
            let value = format!("{} before {} for row {row}", tokens[place - 1], tokens[place]);
            return Err(Error::invalid("allowed", "must be tokens in ascending order", value));
        }
        for token in tokens.first().into_iter().chain(tokens.last()) {
            if usize::try_from(*token).map_or(true, |token| token >= vocabulary) {
                let rule = format!("must be tokens of the vocabulary of {vocabulary}");
                return Err(Error::invalid("allowed", rule, format!("{token} for row {row}")));
            }
        }
    }
    Ok(())
}

/// The error for a source that no token may follow.
pub(super) fn dead_end(argument: &str, source: usize, step: usize) -> Error {
    let rule = "must leave each source a token that may follow";
    Error::invalid(argument, rule, format!("none for source {source} at step {step}"))
}
