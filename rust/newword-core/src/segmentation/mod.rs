//! Cutting text into words with a lexicon.

mod addresses;
mod joints;
mod labels;
mod lattice;
mod recount;
mod segmenter;
mod tokens;
#[cfg(test)]
mod twin;
pub mod unsupervised;

pub use segmenter::{Cut, Cuts, Floor, Numbers, Segmenter, SegmenterOptions, UNKNOWN_PAIR};
pub use tokens::class_numbers;

pub(crate) use labels::is_one_han;
pub(crate) use lattice::{Lattice, Search, Unknown};
pub(crate) use recount::count_words;
pub(crate) use segmenter::single;
