//! Words from a count file alone.

use std::path::Path;

use super::discover::score_table;
use super::options::{DiscoverOptions, default_min_count};
use super::words::Discovery;
use crate::ngram::{CountFile, table_from_file};
use crate::support::{Context, Result};

/// Scores the n-grams of a count file as [`score_table`] does. Order and smallest count that are left
/// open are those of the file and of its size.
///
/// # Errors
/// As [`score_table`] and [`table_from_file`].
pub fn score_file(path: &Path, options: &DiscoverOptions, context: &Context) -> Result<Discovery> {
    let header = CountFile::open(path)?.header().clone();
    let order = options.order.unwrap_or(header.order);
    let chosen = || default_min_count(header.total).max(header.min_count);
    let min_count = options.min_count.unwrap_or_else(chosen);
    let table = table_from_file(path, order, min_count, context)?;
    let options = DiscoverOptions { min_count: Some(min_count), ..options.clone() };
    score_table(&table, &options, context)
}
