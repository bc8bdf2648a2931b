//! Which characters belong to words, and how text falls into symbols and breaks.

use crate::support::{Error, Result};

/// What becomes of a run of letters or digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunMode {
    /// The whole run is one symbol, so that 5G网络 has four.
    Unit,
    /// Each character is a symbol.
    Characters,
    /// The run breaks the text.
    Break,
}

/// The choice of alphabet.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Alphabet {
    /// Runs of letters of scripts written with spaces (Latin, Greek, Cyrillic, ...).
    pub letters: RunMode,
    /// Runs of decimal digits.
    pub digits: RunMode,
    /// Fold with NFKC before anything else: full-width forms, compatibility ideographs, ligatures.
    pub nfkc: bool,
}

impl Default for Alphabet {
    fn default() -> Self {
        Self { letters: RunMode::Unit, digits: RunMode::Unit, nfkc: false }
    }
}

/// One step of a scan over text: a symbol, or a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// True where this stretch is a symbol, false where it breaks the text.
    pub symbol: bool,
}

/// The units of a text in order: every byte of the text is in exactly one.
#[derive(Debug)]
pub struct Units<'t> {
    text: &'t str,
    at: usize,
}

impl Alphabet {
    /// The units of `text`, which must already be folded where [`Alphabet::nfkc`] is set.
    pub fn units<'t>(&self, text: &'t str) -> Units<'t> {
        Units { text, at: 0 }
    }
}

impl Iterator for Units<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let first = self.text[self.at..].chars().next()?;
        let start = self.at;
        self.at += first.len_utf8();
        Some(Unit { start, end: self.at, symbol: first.is_alphanumeric() })
    }
}

/// The symbols of a corpus. Ids are dense, start at 1 (0 is the break) and follow the order of the
/// symbols' code points, so that sorting by ids sorts words by code points.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Symbols {
    names: Vec<Box<str>>,
}

impl Symbols {
    /// A table of `names`, which must be sorted by code point and distinct.
    ///
    /// # Errors
    /// [`Error::Corpus`] where they are not, or are more than `u32` ids can number.
    pub fn new(names: Vec<Box<str>>) -> Result<Self> {
        if names.len() >= u32::MAX as usize || !names.is_sorted_by(|a, b| a < b) {
            return Err(Error::Corpus("symbols must be sorted and distinct".into()));
        }
        Ok(Self { names })
    }

    /// How many symbols there are; the largest id.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The symbol of an id from 1 to [`Symbols::len`].
    pub fn name(&self, id: u32) -> &str {
        &self.names[id as usize - 1]
    }

    /// The id of a symbol, if the corpus has it. O(log n).
    pub fn id(&self, name: &str) -> Option<u32> {
        let at = self.names.binary_search_by(|other| (**other).cmp(name)).ok()?;
        u32::try_from(at + 1).ok()
    }

    /// The word that a sequence of ids spells.
    pub fn spell(&self, ids: &[u32]) -> String {
        ids.iter().map(|&id| self.name(id)).collect()
    }
}
