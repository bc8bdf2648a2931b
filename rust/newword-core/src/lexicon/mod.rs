//! Scores, segmentation and the words themselves.

mod chain;
pub mod kenlm;
mod parts;
mod segment;
mod segments;
mod tally;
mod trie;
mod words;

pub use chain::{Segment, StrongSet};
pub use parts::Parts;
pub use segment::{Numbers, Segmenter, SegmenterOptions};
pub use segments::{LONGEST, SegmentCounts, SegmentOptions, count_segments};
pub use trie::Trie;
pub use words::{Discovery, Reason, Rejected, Summary, Word};
