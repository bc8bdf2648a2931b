//! Segmentation of text into words with a lexicon.

mod cuts;
mod entries;
mod file;
mod joints;
mod keys;
mod labels;
mod lattice;
mod options;
mod recount;
mod remote;
mod segmenter;
mod tokens;
#[cfg(test)]
mod twin;
pub mod unsupervised;

pub use cuts::{Cut, Cuts};
pub use entries::Entries;
pub use options::{Numbers, SegmenterOptions, UNKNOWN_PAIR};
pub use segmenter::{Floor, Segmenter};
pub use tokens::class_numbers;

pub(crate) use labels::is_one_han;
pub(crate) use lattice::{Lattice, Unknown};
pub(crate) use recount::{Passage, Visit, WordCounts, count_words, count_words_seen};
pub(crate) use remote::{WORDS, count_words_of, lattice_of};
pub(crate) use segmenter::single;
