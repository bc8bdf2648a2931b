//! The encoded pieces as they come in from all threads, and their move to disk.

use std::path::{Path, PathBuf};

use super::encoded::{Content, EDGE, EncodedCorpus, Part, Place, ReadReport};
use super::encoder::Piece;
use super::interner::Interner;
use super::markup::is_telling;
use crate::support::spill::SpillFile;
use crate::support::{Context, Error, Result};

/// All parts so far. One thread at a time adds to it.
#[derive(Debug)]
pub(super) struct Store {
    interner: Interner,
    parts: Vec<Part>,
    spill: Option<SpillFile>,
    /// Bytes of the parts in memory.
    held: u64,
    /// Single zeros between symbols of one part.
    inner_breaks: u64,
    most_held: u64,
    most_dictionary: u64,
    folder: PathBuf,
}

impl Store {
    /// An empty store within the budget of `context`.
    pub(super) fn new(context: &Context) -> Self {
        let memory = context.memory().bytes();
        Self::within(memory / 20 * 7, memory / 5 * 2, context.temp_dir())
    }

    /// An empty store that takes what it needs.
    pub(super) fn unbounded() -> Self {
        Self::within(u64::MAX, u64::MAX, Path::new(""))
    }

    /// An empty store that spills to `folder` once it holds more than `most_held` bytes of ids, and
    /// fails once the dictionary takes more than `most_dictionary`.
    pub(super) fn within(most_held: u64, most_dictionary: u64, folder: &Path) -> Self {
        Self {
            interner: Interner::default(),
            parts: Vec::new(),
            spill: None,
            held: 0,
            inner_breaks: 0,
            most_held,
            most_dictionary,
            folder: folder.to_path_buf(),
        }
    }

    /// Takes a piece in.
    ///
    /// # Errors
    /// The spill file, or too many distinct symbols for the budget.
    pub(super) fn add(&mut self, sequence: (u64, u32), piece: &Piece<'_, '_>) -> Result<()> {
        let mut numbers = Vec::with_capacity(piece.names.len());
        let mut symbols = 0;
        for (name, &count) in piece.names.iter().zip(piece.counts) {
            numbers.push(self.interner.add(name, u64::from(count))?);
            symbols += u64::from(count);
        }
        self.check_dictionary()?;
        self.inner_breaks += piece.ids.len() as u64 - symbols;
        let edge = |ids: &[u16]| {
            ids.iter()
                .map(|&id| if id == 0 { 0 } else { numbers[usize::from(id) - 1] + 1 })
                .collect()
        };
        let length = piece.ids.len();
        self.parts.push(Part {
            sequence,
            opens_with_break: piece.opens_with_break,
            closed: piece.ends_with_break,
            length,
            distinct: numbers.len(),
            head: edge(&piece.ids[..length.min(EDGE)]),
            tail: edge(&piece.ids[length - length.min(EDGE)..]),
            place: Place::Memory(Content {
                counts: piece.counts.into(),
                ids: piece.ids.into(),
                numbers: numbers.into_boxed_slice(),
            }),
        });
        self.place_last()
    }

    /// Notes that a break comes at `sequence`.
    pub(super) fn add_break(&mut self, sequence: (u64, u32)) {
        self.parts.push(Part {
            sequence,
            opens_with_break: true,
            closed: true,
            length: 0,
            distinct: 0,
            head: Box::default(),
            tail: Box::default(),
            place: Place::File(0),
        });
    }

    fn check_dictionary(&self) -> Result<()> {
        let bytes = self.interner.resident_bytes() as u64;
        if bytes <= self.most_dictionary {
            return Ok(());
        }
        Err(Error::Memory(format!(
            "must hold the {} and more distinct symbols of the corpus in two fifths of it, got {} \
             bytes for them; pass digits=\"characters\", letters=\"break\" or more memory",
            self.interner.len(),
            self.most_dictionary,
        )))
    }

    /// Moves the part added last to disk, and all others with it once they are too many.
    fn place_last(&mut self) -> Result<()> {
        if let (Some(file), Some(part)) = (&mut self.spill, self.parts.last_mut()) {
            if let Place::Memory(content) = &part.place {
                part.place = content.spill(file)?;
            }
            return Ok(());
        }
        if let Some(Part { place: Place::Memory(content), .. }) = self.parts.last() {
            self.held = self.held.saturating_add(content.bytes());
        }
        if self.held > self.most_held {
            let mut file = SpillFile::create(&self.folder)?;
            for part in &mut self.parts {
                if let Place::Memory(content) = &part.place {
                    part.place = content.spill(&mut file)?;
                }
            }
            self.spill = Some(file);
            self.held = 0;
        }
        Ok(())
    }

    /// The corpus, once all pieces are in.
    ///
    /// # Errors
    /// See [`Interner::finish`].
    pub(super) fn finish(self, mut report: ReadReport) -> Result<EncodedCorpus> {
        let Self { interner, parts: mut unordered, spill, held, inner_breaks, .. } = self;
        unordered.sort_unstable_by_key(|part| part.sequence);
        let mut parts: Vec<Part> = Vec::with_capacity(unordered.len());
        for part in unordered {
            if let Some(last) = parts.last_mut() {
                last.closed |= part.opens_with_break;
            }
            if part.length > 0 {
                parts.push(part);
            }
        }
        if let Some(last) = parts.last_mut() {
            last.closed = true;
        }
        let (symbols, mut counts, ids) = interner.finish()?;
        let seams = parts.iter().filter(|part| part.closed).count() as u64;
        counts[0] = inner_breaks + seams;
        let telling = (1..).zip(&counts[1..]).filter(|(id, _)| is_telling(symbols.name(*id)));
        report.markup = telling.map(|(_, count)| count).sum();
        Ok(EncodedCorpus { symbols, counts, ids, parts, spill, held, report })
    }
}
