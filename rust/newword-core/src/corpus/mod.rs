//! Input: files, globs, compression, encodings, character classes, the alphabet, runs.
//!
//! A [`TextSource`] yields blocks of valid UTF-8; [`encode`] turns them, on all threads, into an
//! [`EncodedCorpus`]: the corpus as dense symbol ids with breaks, in memory or spilled.

mod addresses;
mod alphabet;
mod classes;
mod cut;
mod decode;
mod documents;
mod encode;
mod encoded;
mod encoder;
mod file;
mod guess;
mod input;
mod interner;
mod items;
mod markup;
mod options;
pub(crate) mod parts;
mod paths;
mod records;
mod relabel;
mod remote;
mod rows;
mod store;
mod symbols;
mod wire;

pub(crate) use addresses::Addresses;
pub use alphabet::{Alphabet, LONGEST_UNIT, RunMode, Unit, Units};
pub(crate) use classes::is_ignorable;
pub use encode::encode;
pub use encoded::{EncodedCorpus, ReadReport};
pub use file::FileSource;
pub(crate) use input::{open as open_input, read_error};
pub use items::{TextBatch, TextItems};
pub use options::{DocumentOptions, Encoding, Format, OnInvalid, ReadOptions};
pub(crate) use parts::{Parts, each_part};
pub use paths::{Input, expand};
pub(crate) use relabel::{Gram, Relabelled};
pub(crate) use remote::{Elsewhere, Question, damaged};
pub use remote::{Key, Remote};
pub use symbols::Symbols;

use crate::support::{Context, Result};

/// A piece of text, valid UTF-8, of a few megabytes at most.
#[derive(Debug, Default)]
pub struct Block {
    /// The text.
    pub text: String,
    /// True where the next block continues in the middle of this block's last run of characters
    /// (a line longer than a block); false where the end of the block breaks every n-gram.
    pub continues: bool,
    /// How far this block moves the reading, in bytes as stored (compressed bytes of a .gz).
    pub bytes: u64,
}

/// A source of text, read in blocks by one thread at a time.
pub trait TextSource: Send {
    /// The next block, or `None` at the end.
    ///
    /// # Errors
    /// The errors of the source: unreadable files, invalid bytes, a failing iterable.
    fn next_block(&mut self, context: &Context) -> Result<Option<Block>>;

    /// The sum of all [`Block::bytes`] to come, 0 if unknown.
    fn total_bytes(&self) -> u64;

    /// The statistics so far: skipped, replaced and dropped text.
    fn report(&self) -> ReadReport;
}
