//! A corpus as ids, in memory or spilled.

use std::ops::Range;

use super::Symbols;
use crate::support::spill::SpillFile;
use crate::support::{Error, Result};

/// Statistics of reading.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadReport {
    /// Files opened.
    pub files: u64,
    /// Bytes of text, decompressed.
    pub bytes: u64,
    /// Lines, records or items that are not empty.
    pub documents: u64,
    /// Invalid byte sequences replaced by U+FFFD.
    pub replaced: u64,
    /// Lines skipped for invalid bytes.
    pub skipped: u64,
    /// Default-ignorable characters ignored within symbols.
    pub ignored: u64,
    /// Records, rows or items without a text: JSON null, null of a column, None.
    pub missing: u64,
    /// Occurrences of symbols that are frequent in HTML and addresses.
    pub markup: u64,
    /// Documents dropped as duplicates.
    pub duplicates: u64,
}

/// Number of ids at either end of a part kept in memory, for the adjacent parts.
pub(super) const EDGE: usize = 9;

/// A part: a stretch of the corpus in ids of its own.
#[derive(Debug)]
pub(super) struct Part {
    /// Block, and place within the block: the order of the corpus.
    pub sequence: (u64, u32),
    /// Whether a break comes before the first symbol.
    pub opens_with_break: bool,
    /// Whether a break follows the last symbol.
    pub closed: bool,
    /// How many ids the part has, the closing break not counted.
    pub length: usize,
    /// How many distinct symbols the part has.
    pub distinct: usize,
    /// The first [`EDGE`] ids as numbers of the [`Interner`] plus one, breaks as 0.
    pub head: Box<[u32]>,
    /// The last [`EDGE`] ids, likewise.
    pub tail: Box<[u32]>,
    /// Where the ids are.
    pub place: Place,
}

/// Where the ids of a part are.
#[derive(Debug)]
pub(super) enum Place {
    /// In memory.
    Memory(Content),
    /// In the spill file from this byte on: numbers, counts, ids.
    File(u64),
}

/// The ids of a part and what they mean.
#[derive(Debug)]
pub(super) struct Content {
    /// The number in the [`Interner`] of each local id, without the break.
    pub numbers: Box<[u32]>,
    /// Occurrences of each local id, without the break.
    pub counts: Box<[u32]>,
    /// Local ids, breaks as 0.
    pub ids: Box<[u16]>,
}

impl Content {
    pub(super) fn bytes(&self) -> u64 {
        (size_of_val(&*self.numbers) + size_of_val(&*self.counts) + size_of_val(&*self.ids)) as u64
    }

    /// Reads the content of `part` from where it starts in `file`.
    pub(super) fn read(file: &SpillFile, start: u64, part: &Part) -> Result<Self> {
        let mut numbers = vec![0_u32; part.distinct];
        let mut counts = vec![0_u32; part.distinct];
        let mut ids = vec![0_u16; part.length];
        file.read(start, &mut numbers)?;
        file.read(start + 4 * part.distinct as u64, &mut counts)?;
        file.read(start + 8 * part.distinct as u64, &mut ids)?;
        Ok(Self { numbers: numbers.into(), counts: counts.into(), ids: ids.into() })
    }

    /// Writes the content to the end of `file`; where it starts.
    pub(super) fn spill(&self, file: &mut SpillFile) -> Result<Place> {
        let start = file.append(&self.numbers)?;
        file.append(&self.counts)?;
        file.append(&self.ids)?;
        Ok(Place::File(start))
    }
}

/// A corpus as ids: parts of up to two million ids, each held in memory or in a spill file.
///
/// The parts one after the other are one stream of ids, the same for the same text however it was
/// cut into blocks and parts: runs of symbols, each closed by a single 0. Only the stream is so;
/// where parts end, and how many there are, is free.
#[derive(Debug)]
pub struct EncodedCorpus {
    pub(super) symbols: Symbols,
    pub(super) counts: Vec<u64>,
    /// The id of each number that parts refer to.
    pub(super) ids: Vec<u32>,
    pub(super) parts: Vec<Part>,
    pub(super) spill: Option<SpillFile>,
    /// Bytes of the parts in memory.
    pub(super) held: u64,
    pub(super) report: ReadReport,
}

impl EncodedCorpus {
    /// The maximum number of ids of either neighbour that [`EncodedCorpus::load`] can add.
    pub const MOST_CONTEXT: usize = EDGE;

    /// The table of symbols.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// Occurrences by id; `counts()[0]` is the number of breaks, which is that of runs.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// The number of symbols, without breaks.
    pub fn total(&self) -> u64 {
        self.counts.iter().skip(1).sum()
    }

    /// The number of parts. None is empty.
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// Occurrences in one part by id, as `(id, count)` by ascending id, without breaks. Some
    /// thousand entries; O(n log n) in their number.
    ///
    /// # Errors
    /// Reading the spill file failed.
    pub fn part_counts(&self, part: usize) -> Result<Vec<(u32, u32)>> {
        let part = &self.parts[part];
        let mut by_id: Vec<(u32, u32)> = match &part.place {
            Place::Memory(content) => {
                self.final_ids(&content.numbers).zip(content.counts.iter().copied()).collect()
            }
            Place::File(start) => {
                let mut both = vec![0; 2 * part.distinct];
                self.file()?.read(*start, &mut both)?;
                let (numbers, counts) = both.split_at(part.distinct);
                self.final_ids(numbers).zip(counts.iter().copied()).collect()
            }
        };
        by_id.sort_unstable();
        Ok(by_id)
    }

    /// Loads a part into `out` (cleared first) with up to `context` ids of the neighbouring parts on
    /// either side where a run continues across the seam, and returns the range of the part's own ids.
    ///
    /// Breaks are single zeros. The own range starts with a symbol and ends with the break of its
    /// last run, or with a symbol where the run continues in the next part. Only ids of that very run
    /// come before and after; outside the returned stretch a break may be assumed.
    ///
    /// # Errors
    /// Reading the spill file failed; [`Error::InvalidArgument`] if `context` is more than
    /// [`EncodedCorpus::MOST_CONTEXT`].
    pub fn load(&self, part: usize, context: usize, out: &mut Vec<u32>) -> Result<Range<usize>> {
        self.load_by(part, context, |id| id, out)
    }

    /// As [`EncodedCorpus::load`], with `names[id]` for every id but the break, which stays 0: what
    /// renames the ids anyway need not pass over them twice.
    ///
    /// # Errors
    /// As [`EncodedCorpus::load`].
    pub fn load_as(
        &self,
        part: usize,
        context: usize,
        names: &[u32],
        out: &mut Vec<u32>,
    ) -> Result<Range<usize>> {
        self.load_by(part, context, |id| names[id as usize], out)
    }

    fn load_by(
        &self,
        part: usize,
        context: usize,
        name: impl Fn(u32) -> u32,
        out: &mut Vec<u32>,
    ) -> Result<Range<usize>> {
        if context > EDGE {
            let rule = format!("must be at most {EDGE} ids");
            return Err(Error::invalid("context", rule, context));
        }
        out.clear();
        let before = self.parts[..part].iter().rev();
        let before = before.take_while(|part| !part.closed).map(|part| (part, &part.tail));
        self.add_context(before.map(|(part, tail)| (part, tail.iter().rev())), context, &name, out);
        out.reverse();
        let start = out.len();
        self.add_ids(&self.parts[part], &name, out)?;
        if self.parts[part].closed {
            out.push(0);
            return Ok(start..out.len());
        }
        let end = out.len();
        let mut open = true;
        let after = self.parts[part + 1..].iter();
        let after = after.take_while(|part| std::mem::replace(&mut open, !part.closed));
        self.add_context(after.map(|part| (part, part.head.iter())), context, &name, out);
        Ok(start..end)
    }

    /// Appends up to `context` ids of the run that reaches into these parts' edges.
    fn add_context<'p>(
        &self,
        edges: impl Iterator<Item = (&'p Part, impl Iterator<Item = &'p u32>)>,
        context: usize,
        name: impl Fn(u32) -> u32,
        out: &mut Vec<u32>,
    ) {
        let most = out.len() + context;
        for (_, edge) in edges {
            for &number in edge {
                if number == 0 || out.len() == most {
                    return;
                }
                out.push(name(self.ids[number as usize - 1]));
            }
            // The edge ended before the context did, so it is the whole of its part.
        }
    }

    /// Appends the ids of a part as they are in the corpus.
    fn add_ids(&self, part: &Part, name: impl Fn(u32) -> u32, out: &mut Vec<u32>) -> Result<()> {
        const CHUNK: usize = 1 << 16;
        out.reserve(part.length + 1 + EDGE);
        let mut known = vec![0; 1 << 16];
        let mut learn = |numbers: &[u32]| {
            for (id, local) in self.final_ids(numbers).zip(&mut known[1..]) {
                *local = name(id);
            }
        };
        match &part.place {
            Place::Memory(content) => {
                learn(&content.numbers);
                out.extend(content.ids.iter().map(|&id| known[usize::from(id)]));
            }
            Place::File(start) => {
                let mut numbers = vec![0; part.distinct];
                self.file()?.read(*start, &mut numbers)?;
                learn(&numbers);
                let mut at = start + 8 * part.distinct as u64;
                let mut chunk = vec![0_u16; CHUNK];
                let mut left = part.length;
                while left > 0 {
                    let ids = &mut chunk[..left.min(CHUNK)];
                    self.file()?.read(at, ids)?;
                    out.extend(ids.iter().map(|&id| known[usize::from(id)]));
                    left -= ids.len();
                    at += 2 * ids.len() as u64;
                }
            }
        }
        Ok(())
    }

    pub(super) fn final_ids(&self, numbers: &[u32]) -> impl Iterator<Item = u32> {
        numbers.iter().map(|&number| self.ids[number as usize])
    }

    pub(super) fn file(&self) -> Result<&SpillFile> {
        self.spill.as_ref().ok_or_else(|| Error::Corpus("the spill file is missing".into()))
    }

    /// Statistics of reading.
    pub fn report(&self) -> &ReadReport {
        &self.report
    }

    /// Bytes this corpus holds in memory.
    pub fn resident_bytes(&self) -> u64 {
        let parts = self.parts.capacity() * (size_of::<Part>() + 2 * EDGE * size_of::<u32>());
        let tables = size_of_val(&*self.counts) + size_of_val(&*self.ids);
        self.held + (self.symbols.resident_bytes() + tables + parts) as u64
    }
}
