//! The segmentation of texts, as the ends of words.

use std::ops::Range;

/// A word in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Its exclusive end in bytes; it begins at the end of the previous word.
    pub end: usize,
    /// A number below [`Segmenter::ids`](super::Segmenter::ids) that always stands for this very text, or
    /// [`Cut::NAMELESS`].
    pub id: u32,
}

impl Cut {
    /// The id of words without an id: names, numbers, unknown pairs, full-width words.
    pub const NAMELESS: u32 = u32::MAX;
}

/// The segmentation of one text.
pub(super) fn ranges(words: &[Cut]) -> Vec<Range<usize>> {
    let starts = std::iter::once(0).chain(words.iter().map(|word| word.end));
    starts.zip(words).map(|(start, word)| start..word.end).collect()
}

/// The segmentation of several texts.
#[derive(Debug, Clone, Default)]
pub struct Cuts {
    pub(super) words: Vec<Cut>,
    /// By text, how many words there are up to its end.
    pub(super) ends: Vec<usize>,
}

impl Cuts {
    /// The words of each text.
    pub fn texts(&self) -> impl Iterator<Item = &[Cut]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(start, end)| &self.words[*start..*end])
    }
}
