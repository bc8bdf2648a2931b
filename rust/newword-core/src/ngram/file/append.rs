//! Adding a corpus to a count file.

use std::path::Path;

use super::merge::{check, merge};
use super::write::{temporary, write_counts};
use super::{CountFile, CountHeader, CountMeta};
use crate::ngram::parts::IdParts;
use crate::support::{Context, Result};

/// Counts `corpus` and adds it to the exact count file at `path`, which is replaced when all is
/// complete and untouched until then.
///
/// `meta` says how the corpus was read and from what. Its alphabet must be the file's; its sources
/// are to be those that [`CountHeader::state_of`] calls new, because what is there already counts
/// twice otherwise. Time and memory are those of [`write_counts`] and then of [`merge`].
///
/// # Errors
/// [`crate::support::Error::Format`] where the file is no count file, damaged, pruned, or of another
/// alphabet; [`crate::support::Error::Io`]; [`crate::support::Error::Cancelled`]; what loading a part
/// meets.
pub fn append(
    corpus: &impl IdParts,
    meta: &CountMeta,
    path: &Path,
    context: &Context,
) -> Result<()> {
    let file = CountFile::open(path)?;
    let order = file.header().order;
    let wanted = CountHeader { order, min_count: 1, total: 0, meta: meta.clone() };
    check(&file, (&wanted, Path::new("the text to add")))?;
    let added = temporary(path)?;
    write_counts(corpus, order, 1, meta, &added, context)?;
    merge(&[path, &added], path, context)
}
