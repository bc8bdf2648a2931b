//! From a corpus to its words.
//!
//! [`discover`] scores the n-grams of a corpus, makes the strong set of the solid ones, cuts the corpus with it,
//! looks for long words, counts the words anew, looks up their neighbours and sifts them; [`kenlm`] does the former with
//! the counts of the published script.

mod autonomy;
mod chain;
mod combined;
mod count_file;
mod count_table;
mod cut;
mod discover;
pub mod kenlm;
mod kind;
mod long_words;
mod neighbours;
mod occurrences;
mod options;
mod passes;
mod score;
mod sift;
mod strong_set;
mod words;

pub use count_file::score_file;
pub use discover::{discover, discover_elsewhere, needed_of, score_table};
pub use kind::Kind;
pub use occurrences::count_words;
pub use options::{DiscoverOptions, Method, SortBy};
pub use passes::Pass;
pub use words::{Discovery, Reason, Rejected, Summary, Word};
