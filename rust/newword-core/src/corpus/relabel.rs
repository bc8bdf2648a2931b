//! A corpus relabelled by descending frequency, so that the frequent nodes of a trie are adjacent.
//!
//! The ids of a corpus follow code points and spread a trie over many times the cache. A pass that
//! walks a trie at every symbol is bound by memory latency, so relabelling is faster overall.

use std::ops::Range;

use super::{Elsewhere, EncodedCorpus, Parts, Remote, Symbols};
use crate::support::{Error, Result};

/// The corpus with every id replaced by its label; breaks stay 0.
pub struct Relabelled<'c> {
    text: Text<'c>,
    /// By id.
    counts: &'c [u64],
    /// By id.
    labels: Vec<u32>,
    /// By label.
    ids: Vec<u32>,
}

/// Where the text is.
enum Text<'c> {
    Here(&'c EncodedCorpus),
    Elsewhere(Elsewhere<'c>),
}

impl<'c> Relabelled<'c> {
    /// Labels from 1 by descending count, ties by id. O(symbols log symbols).
    pub fn new(corpus: &'c EncodedCorpus) -> Self {
        let (labels, ids) = labels_and_ids(corpus.counts());
        Self { text: Text::Here(corpus), counts: corpus.counts(), labels, ids }
    }

    /// The same for a text elsewhere, whose symbols occur so often; the break's count comes first.
    pub fn elsewhere(remote: &'c dyn Remote, symbols: &'c Symbols, counts: &'c [u64]) -> Self {
        let (labels, ids) = labels_and_ids(counts);
        let names = ids.iter().skip(1).map(|id| symbols.name(*id)).collect();
        Self { text: Text::Elsewhere(Elsewhere::new(remote, names)), counts, labels, ids }
    }

    /// What is asked where the text is not here.
    pub fn remote(&self) -> Option<&Elsewhere<'c>> {
        match &self.text {
            Text::Here(_) => None,
            Text::Elsewhere(elsewhere) => Some(elsewhere),
        }
    }

    /// The largest label.
    pub fn largest(&self) -> usize {
        self.ids.len().saturating_sub(1)
    }

    /// The largest label that occurs twice or more; 0 if none does.
    pub fn largest_repeated(&self) -> u32 {
        let symbols = self.ids.get(1..).unwrap_or_default();
        let repeated = symbols.partition_point(|id| self.counts[*id as usize] > 1);
        u32::try_from(repeated).unwrap_or(u32::MAX)
    }

    /// The id of a label.
    pub fn id(&self, label: u32) -> u32 {
        self.ids[label as usize]
    }

    /// The labels of a sequence of ids.
    pub fn labels_of(&self, ids: &[u32]) -> Vec<u32> {
        ids.iter().map(|id| self.labels[*id as usize]).collect()
    }

    /// The labels of an n-gram.
    pub fn gram(&self, ids: &[u32]) -> Gram {
        let mut gram = Gram { labels: [0; LONGEST_GRAM], length: ids.len() };
        for (label, id) in gram.labels.iter_mut().zip(ids) {
            *label = self.labels[*id as usize];
        }
        gram
    }

    /// Turns labels into ids, in place.
    pub fn restore(&self, labels: &mut [u32]) {
        for label in labels {
            *label = self.ids[*label as usize];
        }
    }
}

/// Labels by id and ids by label, by descending count.
fn labels_and_ids(counts: &[u64]) -> (Vec<u32>, Vec<u32>) {
    let mut ids: Vec<u32> = (0_u32..).zip(counts).map(|(id, _)| id).collect();
    if let Some(symbols) = ids.get_mut(1..) {
        symbols.sort_by_key(|id| std::cmp::Reverse(counts[*id as usize]));
    }
    let mut labels = vec![0; ids.len()];
    for (label, id) in (0_u32..).zip(&ids) {
        labels[*id as usize] = label;
    }
    (labels, ids)
}

/// The maximum length of a counted n-gram.
const LONGEST_GRAM: usize = 8;

/// The labels of an n-gram, without an allocation of their own. Labels start at 1, so that zeros
/// behind them sort a prefix before what it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Gram {
    labels: [u32; LONGEST_GRAM],
    length: usize,
}

impl Gram {
    pub fn labels(&self) -> &[u32] {
        &self.labels[..self.length]
    }
}

impl Parts for Relabelled<'_> {
    fn parts(&self) -> usize {
        match &self.text {
            Text::Here(corpus) => corpus.parts(),
            Text::Elsewhere(..) => 0,
        }
    }

    fn total(&self) -> u64 {
        self.counts.iter().skip(1).sum()
    }

    fn load(&self, part: usize, context: usize, out: &mut Vec<u32>) -> Result<Range<usize>> {
        match &self.text {
            Text::Here(corpus) => corpus.load_as(part, context, &self.labels, out),
            Text::Elsewhere(..) => Err(Error::Corpus("the text lies elsewhere".into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::Alphabet;

    #[test]
    fn labels_follow_frequency_and_lead_back() {
        let corpus = EncodedCorpus::from_texts(["乙乙丙，乙丙甲"], &Alphabet::default()).unwrap();
        let relabelled = Relabelled::new(&corpus);
        let symbols = corpus.symbols();
        let name = |label| symbols.name(relabelled.id(label));
        assert_eq!([1, 2, 3].map(name), ["乙", "丙", "甲"]);
        let mut part = Vec::new();
        assert_eq!(relabelled.load(0, 0, &mut part).unwrap(), 0..part.len());
        assert_eq!(part, [1, 1, 2, 0, 1, 2, 3, 0]);
        let mut ids = Vec::new();
        corpus.load(0, 0, &mut ids).unwrap();
        assert_eq!(relabelled.largest_repeated(), 2);
        assert_eq!(relabelled.labels_of(&ids), part);
        relabelled.restore(&mut part);
        assert_eq!(part, ids);
    }
}
