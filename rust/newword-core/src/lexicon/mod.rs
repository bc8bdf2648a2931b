//! Scores, segmentation and the words themselves.
//!
//! [`discover`] goes from a corpus to its words; [`Segmenter`] cuts text with them; [`kenlm`] does
//! the former with the counts of the published script.

mod chain;
mod chains;
mod counted;
mod discover;
mod evidence;
pub mod kenlm;
mod links;
mod long_runs;
mod neighbours;
mod occurrences;
mod options;
mod parts;
mod recount;
mod relabel;
mod score;
mod segment;
mod segments;
mod sieve;
mod tally;
#[cfg(test)]
mod testing;
mod trie;
pub mod unsupervised;
mod words;

pub use counted::score_file;
pub use discover::{discover, score_table};
pub use occurrences::count_words;
pub use options::{DiscoverOptions, Method, SortBy};
pub use segment::{
    Cut, Cuts, Floor, Numbers, Segmenter, SegmenterOptions, UNKNOWN_PAIR, class_numbers,
};
pub use words::{Discovery, Reason, Rejected, Summary, Word};
