//! Cutting text into words with a lexicon.

mod lattice;
mod segmenter;
mod tokens;

pub use segmenter::{Numbers, Segmenter, SegmenterOptions};
