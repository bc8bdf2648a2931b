//! The file of a knowledge base: `docs/knowledge-base-file.md` describes it.

use std::path::Path;

use bytemuck::cast_slice;
use serde_json::json;

use super::base::{KnowledgeBase, Summary};
use super::build::Index;
use super::labels::Labels;
use super::normalize::Normalization;
use crate::support::Result;
use crate::support::arrays::{ArrayFile, Content, Format, Spool, write_arrays};
use crate::support::names::Names;
use crate::trie::Trie;

/// What such a file is known by.
const FORMAT: Format = Format { magic: *b"\x89NWkbas\0", version: 1, name: "knowledge-base" };

/// The arrays of the ids.
const IDS: [&str; 3] = ["ids", "id_entries", "id_table"];

/// What a file is made of.
pub struct Parts<'p> {
    pub labels: &'p Labels,
    pub index: &'p Index,
    pub ids: &'p Names,
    pub rows: &'p Spool,
    pub starts: &'p [u64],
}

/// Writes the file `path`. O(bytes).
///
/// # Errors
/// [`crate::support::Error::Io`].
pub fn write(path: &Path, parts: &Parts<'_>) -> Result<()> {
    let Parts { labels, index, ids, rows, starts } = parts;
    let Index { trie, names, ambiguous, most, .. } = index;
    let meta = json!({
        "normalization": labels.normalization().to_json(),
        "entities": starts.len() - 1,
        "names": names,
        "ambiguous_names": ambiguous,
        "most_candidates": most,
        "longest": trie.longest(),
    });
    let mut arrays: Vec<(&str, Content<'_>)> = Vec::new();
    let bytes = labels.arrays().into_iter().chain(ids.arrays(IDS));
    arrays.extend(bytes.map(|(name, bytes)| (name, Content::Bytes(bytes))));
    arrays.extend([
        ("trie", Content::Bytes(cast_slice(trie.nodes()))),
        ("candidate_starts", Content::Bytes(cast_slice(&index.starts))),
        ("candidates", Content::Bytes(cast_slice(&index.candidates))),
        ("row_starts", Content::Bytes(cast_slice(starts))),
        ("rows", Content::Spooled(rows)),
    ]);
    write_arrays(path, FORMAT, &meta, &arrays)
}

impl KnowledgeBase {
    /// The knowledge base in the file `path`, mapped: opening takes the same time for any base, and all
    /// processes that open a file share its memory. The header is checked, the arrays only where
    /// `verify` is set, which reads the whole file. Without it, damage in an array may change names and
    /// entities or raise an error; it cannot do worse.
    ///
    /// The file must not be written into as long as the base lives; it may be replaced and removed.
    ///
    /// # Errors
    /// [`crate::support::Error::Format`] where it is no such file, of another version, cut short or
    /// damaged; [`crate::support::Error::Io`].
    pub fn open(path: &Path, verify: bool) -> Result<Self> {
        let (file, meta) = ArrayFile::open(path, FORMAT)?;
        if verify {
            file.verify()?;
        }
        let damaged = || file.damaged();
        let number = |name: &str| {
            let number = meta[name].as_u64().and_then(|number| usize::try_from(number).ok());
            number.ok_or_else(damaged)
        };
        let normalization = Normalization::of_json(&meta["normalization"]).ok_or_else(damaged)?;
        let trie = Trie::from_array(file.array("trie", None)?, number("longest")?);
        let trie = trie.ok_or_else(damaged)?;
        let entities = number("entities")?;
        let summary = Summary {
            entities,
            names: number("names")?,
            ambiguous_names: number("ambiguous_names")?,
            most_candidates: number("most_candidates")?,
            bytes: file.bytes(),
        };
        let ids = Names::open(&file, IDS)?;
        if ids.len() != entities {
            return Err(damaged());
        }
        Ok(Self {
            labels: Labels::open(&file, normalization)?,
            starts: file.array("candidate_starts", Some(trie.slots() + 1))?,
            candidates: file.array("candidates", None)?,
            row_starts: file.array("row_starts", entities.checked_add(1))?,
            rows: file.stored("rows")?,
            trie,
            ids,
            summary,
            file,
        })
    }
}
