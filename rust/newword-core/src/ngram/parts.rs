//! The input of counting: a corpus as ids in parts.

use std::ops::Range;

use crate::corpus::{EncodedCorpus, Symbols};
use crate::support::Result;

/// A corpus as dense ids in parts, 0 being the break.
///
/// The counts are trusted to plan the work and checked where a wrong one could spoil a result.
pub trait IdParts: Sync {
    /// The symbols that the ids stand for.
    fn symbols(&self) -> &Symbols;

    /// Occurrences by id; element 0 counts breaks.
    fn counts(&self) -> &[u64];

    /// The number of parts.
    fn parts(&self) -> usize;

    /// Occurrences in one part by ascending id, without breaks.
    ///
    /// # Errors
    /// Reading failed.
    fn part_counts(&self, part: usize) -> Result<Vec<(u32, u32)>>;

    /// Loads a part with up to `context` ids of its neighbours on either side, and returns where the
    /// part's own ids lie. Outside what was loaded a break may be assumed.
    ///
    /// # Errors
    /// Reading failed.
    fn load(&self, part: usize, context: usize, out: &mut Vec<u32>) -> Result<Range<usize>>;

    /// As [`IdParts::load`], with `names[id]` for every id; the break's must be 0.
    ///
    /// # Errors
    /// Reading failed.
    fn load_as(
        &self,
        part: usize,
        context: usize,
        names: &[u32],
        out: &mut Vec<u32>,
    ) -> Result<Range<usize>> {
        let own = self.load(part, context, out)?;
        for id in out {
            *id = names[*id as usize];
        }
        Ok(own)
    }

    /// Bytes held in memory.
    fn resident_bytes(&self) -> u64;

    /// Number of symbols in the corpus, without breaks.
    fn total(&self) -> u64 {
        self.counts().iter().skip(1).sum()
    }
}

impl IdParts for EncodedCorpus {
    fn symbols(&self) -> &Symbols {
        self.symbols()
    }

    fn counts(&self) -> &[u64] {
        self.counts()
    }

    fn parts(&self) -> usize {
        self.parts()
    }

    fn part_counts(&self, part: usize) -> Result<Vec<(u32, u32)>> {
        self.part_counts(part)
    }

    fn load(&self, part: usize, context: usize, out: &mut Vec<u32>) -> Result<Range<usize>> {
        self.load(part, context, out)
    }

    fn load_as(
        &self,
        part: usize,
        context: usize,
        names: &[u32],
        out: &mut Vec<u32>,
    ) -> Result<Range<usize>> {
        self.load_as(part, context, names, out)
    }

    fn resident_bytes(&self) -> u64 {
        self.resident_bytes()
    }
}
