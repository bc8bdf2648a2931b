//! Count files: all n-grams of a corpus with their counts, to merge, inspect and score later.
//!
//! A file counted with `min_count` 1 is exact: files of several corpora [`merge`] into the file of all
//! of them, and a corpus can be [`append`]ed. A pruned file (`min_count` above 1) lacks the n-grams
//! that occur once; it is smaller and cannot be merged. From either, [`table_from_file`] gives the
//! table that [`super::count`] gives, bit for bit.
//!
//! The format is documented in `docs/count-file.md`.

mod append;
mod blocks;
mod columns;
mod format;
mod groups;
mod merge;
mod names;
mod packed;
mod read;
mod records;
mod resume;
mod shares;
mod source;
mod table;
#[cfg(test)]
mod tests;
mod write;

pub use append::append;
pub use columns::{GramColumns, write_columns};
pub use groups::{GroupFiles, count_groups};
pub use merge::{merge, merge_for_sums};
pub use read::{CountFile, Grams};
pub use resume::{Remaining, check_settings, remaining};
pub use shares::{RemoteCounts, RightSums, right_sums, shares};
pub use source::{CountSource, SourceState};
pub use table::table_from_file;
pub use write::write_counts;

/// The metadata of a count file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CountMeta {
    /// The alphabet as an opaque string of the caller. Only files with the same string can be merged.
    pub alphabet: String,
    /// The sources counted, in order.
    pub sources: Vec<CountSource>,
}

/// The header of a count file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountHeader {
    /// The order counted for; the file holds n-grams of up to one symbol more, for the neighbours.
    pub order: usize,
    /// The smallest count for which the file has all n-grams; 1 in an exact file.
    pub min_count: u64,
    /// Number of symbols in the corpus, without breaks.
    pub total: u64,
    /// The metadata.
    pub meta: CountMeta,
}

impl CountHeader {
    /// Whether all n-grams are in the file.
    pub fn is_exact(&self) -> bool {
        self.min_count == 1
    }

    fn to_json(&self) -> String {
        let sources: Vec<_> = self.meta.sources.iter().map(CountSource::to_json).collect();
        serde_json::json!({
            "order": self.order,
            "min_count": self.min_count,
            "total": self.total,
            "alphabet": self.meta.alphabet,
            "sources": sources,
        })
        .to_string()
    }

    fn from_json(bytes: &[u8]) -> Option<Self> {
        let json: serde_json::Value = serde_json::from_slice(bytes).ok()?;
        let sources = json["sources"].as_array()?.iter().map(CountSource::from_json);
        let header = Self {
            order: usize::try_from(json["order"].as_u64()?).ok()?,
            min_count: json["min_count"].as_u64()?,
            total: json["total"].as_u64()?,
            meta: CountMeta {
                alphabet: json["alphabet"].as_str()?.to_owned(),
                sources: sources.collect::<Option<_>>()?,
            },
        };
        let sound = (1..format::MAX_GRAM).contains(&header.order) && header.min_count > 0;
        sound.then_some(header)
    }
}
