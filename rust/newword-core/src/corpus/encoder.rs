//! One block of text into 16-bit ids, with a dictionary of its own.

use std::borrow::Cow;

use super::alphabet::{Alphabet, HAN_FIRST, HAN_LAST, Units, may_extend, three_bytes};
use crate::support::hash::HashMap;

/// The maximum number of distinct symbols of a part: ids are 16 bits and 0 is the break.
const MOST_SYMBOLS: usize = 65_534;
/// The maximum number of ids of a part, so that a part loaded as 32-bit ids fits a cache of 8 MB.
const MOST_IDS: usize = 2 << 20;

/// A stretch of the corpus, encoded on its own.
///
/// Invariant: `ids` neither starts nor ends with a break, and breaks in it are single zeros.
#[derive(Debug)]
pub(super) struct Piece<'e, 't> {
    /// Ids from 1 to `names.len()`, breaks as 0.
    pub ids: &'e [u16],
    /// The symbol of id `i + 1`.
    pub names: &'e [Cow<'t, str>],
    /// How often it occurs.
    pub counts: &'e [u32],
    /// Whether a break comes before the first symbol.
    pub opens_with_break: bool,
    /// Whether a break comes after the last symbol.
    pub ends_with_break: bool,
}

/// The buffers of a thread that encodes blocks, kept from block to block.
#[derive(Debug)]
pub(super) struct BlockEncoder {
    ids: Vec<u16>,
    /// Occurrences by local id. All zero between pieces.
    counts: Box<[u32; 0x1_0000]>,
    /// The local id of each symbol of one character below U+10000; 0 where not met. All zero
    /// between pieces.
    single: Box<[u16; 0x1_0000]>,
    /// How many characters were ignored so far.
    ignored: u64,
}

impl BlockEncoder {
    pub(super) fn new() -> Self {
        let (counts, single) = (bytemuck::zeroed_box(), bytemuck::zeroed_box());
        Self { ids: Vec::new(), counts, single, ignored: 0 }
    }

    /// How many characters within symbols were ignored, of all text encoded so far.
    pub(super) fn ignored(&self) -> u64 {
        self.ignored
    }

    /// Encodes `text`, already folded, and hands it out in pieces. A piece that has no symbols
    /// still tells of its break. O(n).
    ///
    /// # Errors
    /// Whatever `take` fails with.
    pub(super) fn encode<E>(
        &mut self,
        alphabet: &Alphabet,
        text: &str,
        mut take: impl FnMut(&Piece<'_, '_>) -> Result<(), E>,
    ) -> Result<(), E> {
        // As many as there can be, so that the vector does not grow in the midst of the work; three
        // bytes a symbol is the usual case.
        self.ids.reserve((text.len() / 3 + 1).min(MOST_IDS));
        let mut units = alphabet.units(text);
        let mut run = Run { text, names: Vec::new(), other: HashMap::default() };
        loop {
            let (opens_with_break, finished) = self.fill(alphabet, &mut units, &mut run);
            let ends_with_break = self.ids.pop_if(|last| *last == 0).is_some();
            if !self.ids.is_empty() || opens_with_break {
                take(&Piece {
                    ids: &self.ids,
                    names: &run.names,
                    counts: &self.counts[1..=run.names.len()],
                    opens_with_break,
                    ends_with_break,
                })?;
            }
            self.counts[..=run.names.len()].fill(0);
            for name in run.names.drain(..) {
                if let Some(code_point) = single(name.as_bytes()) {
                    self.single[code_point] = 0;
                }
            }
            if finished {
                return Ok(());
            }
            run.other.clear();
        }
    }

    /// Encodes units until the piece is full or the text ends; whether a break came first, and
    /// whether the text ended.
    fn fill<'t>(
        &mut self,
        alphabet: &Alphabet,
        units: &mut Units<'t>,
        run: &mut Run<'t>,
    ) -> (bool, bool) {
        self.ids.clear();
        let mut opens_with_break = false;
        while self.ids.len() < MOST_IDS && run.names.len() < MOST_SYMBOLS {
            self.fill_known(units);
            let Some(unit) = units.next() else {
                return (opens_with_break, true);
            };
            if !unit.symbol {
                if self.ids.is_empty() {
                    opens_with_break = true;
                } else {
                    self.ids.push(0);
                }
                continue;
            }
            let (name, ignored) = alphabet.symbol(run.text, unit);
            self.ignored += ignored;
            let id = match single(name.as_bytes()) {
                Some(code_point) => match self.single[code_point] {
                    0 => {
                        let id = run.add(name);
                        self.single[code_point] = id;
                        id
                    }
                    id => id,
                },
                None => run.other(name),
            };
            self.counts[usize::from(id)] += 1;
            self.ids.push(id);
        }
        (opens_with_break, false)
    }

    /// Encodes Han characters as long as the piece has met them before: most of Chinese text. What
    /// was met once as a symbol is one again where no mark can follow, so that its class need not
    /// be looked up.
    #[inline]
    fn fill_known(&mut self, units: &mut Units<'_>) {
        let bytes = units.rest();
        let mut at = 0;
        while let Some(&[a @ HAN_FIRST..=HAN_LAST, b, c, next]) = bytes.get(at..at + 4)
            && !may_extend(next)
        {
            let id = self.single[three_bytes(a, b, c)];
            if id == 0 || self.ids.len() >= MOST_IDS {
                break;
            }
            self.counts[usize::from(id)] += 1;
            self.ids.push(id);
            at += 3;
        }
        units.skip(at);
    }
}

/// The dictionary of a piece, which borrows its names from the text where they stand in it.
struct Run<'t> {
    text: &'t str,
    names: Vec<Cow<'t, str>>,
    other: HashMap<Cow<'t, str>, u16>,
}

impl<'t> Run<'t> {
    /// The id of a symbol not met before.
    fn add(&mut self, name: Cow<'t, str>) -> u16 {
        self.names.push(name);
        u16::try_from(self.names.len()).expect("a piece ends before its ids do")
    }

    /// The id of a symbol that [`single`] does not cover.
    fn other(&mut self, name: Cow<'t, str>) -> u16 {
        if let Some(&id) = self.other.get(&name) {
            return id;
        }
        let id = self.add(name.clone());
        self.other.insert(name, id);
        id
    }
}

/// The code point of a symbol that is one character below U+10000, from its UTF-8.
#[inline]
fn single(bytes: &[u8]) -> Option<usize> {
    let low = |byte: u8| usize::from(byte & 0x3F);
    match *bytes {
        [a @ 0xE0..=0xEF, b, c] => Some(three_bytes(a, b, c)),
        [a] => Some(usize::from(a)),
        [a @ 0xC0..=0xDF, b] => Some(usize::from(a & 0x1F) << 6 | low(b)),
        _ => None,
    }
}
