//! Scores, segmentation and the words themselves.

mod chain;
mod parts;
mod segments;
mod tally;
mod trie;

pub use chain::{Segment, StrongSet};
pub use parts::Parts;
pub use segments::{LONGEST, SegmentCounts, SegmentOptions, count_segments};
pub use trie::Trie;
