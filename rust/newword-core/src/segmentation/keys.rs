//! The words of a lexicon as sequences of labels, sorted for the trie.

use std::cmp::Ordering;

use super::labels::Labels;
use super::options::SegmenterOptions;
use super::segmenter::single;
use crate::support::{Error, Result};

/// Sequences of labels end to end.
#[derive(Debug, Default)]
struct Sequences {
    labels: Vec<u32>,
    /// Where each ends.
    ends: Vec<u32>,
}

impl Sequences {
    fn get(&self, at: usize) -> &[u32] {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.labels[start as usize..self.ends[at] as usize]
    }

    /// Ends the sequence to which the last labels belong.
    fn close(&mut self) -> Result<()> {
        let end = u32::try_from(self.labels.len());
        self.ends.push(end.map_err(|_| Error::Memory("words of over 2^32 characters".into()))?);
        Ok(())
    }
}

/// Distinct sequences of labels in rising order, with their weights.
pub struct Keys {
    sequences: Sequences,
    weights: Vec<f32>,
}

impl Keys {
    /// The keys of `words` with their amounts. Words that are looked up alike are one key, whose amount
    /// is the sum; a key of the amount a weighs `weigh(a)`. O(total length * log).
    ///
    /// # Errors
    /// [`Error::Memory`] where the words have over 2^32 tokens.
    pub fn of_words(
        words: impl Iterator<Item = (impl AsRef<str>, f64)>,
        labels: &Labels,
        options: &SegmenterOptions,
        weigh: impl Fn(f64) -> f64,
    ) -> Result<Self> {
        let (mut unsorted, mut amounts) = (Sequences::default(), Vec::new());
        for (word, amount) in words {
            labels.extend_of_word(&mut unsorted.labels, word.as_ref(), options);
            unsorted.close()?;
            amounts.push(amount);
        }
        let prefixes = Prefixes::of(&unsorted);
        let order = prefixes.sorted(&unsorted);
        let mut keys = Self { sequences: Sequences::default(), weights: Vec::new() };
        keys.sequences.labels.reserve_exact(unsorted.labels.len());
        keys.sequences.ends.reserve_exact(order.len());
        keys.weights.reserve_exact(order.len());
        let same = |a: &(u64, u32), b: &(u64, u32)| prefixes.compare(&unsorted, a, b).is_eq();
        for alike in order.chunk_by(same) {
            let before = keys.sequences.labels.len();
            prefixes.extend(&mut keys.sequences.labels, &unsorted, alike[0]);
            if keys.sequences.labels.len() > before {
                keys.sequences.close()?;
                let amount = alike.iter().map(|(_, at)| amounts[*at as usize]).sum::<f64>();
                keys.weights.push(single(weigh(amount)));
            }
        }
        Ok(keys)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// The key of a rank.
    pub fn get(&self, rank: usize) -> &[u32] {
        self.sequences.get(rank)
    }

    /// What the key of a rank weighs.
    pub fn weight(&self, rank: usize) -> f32 {
        self.weights[rank]
    }
}

/// The first labels of a sequence as one number, and how many there are.
///
/// They decide nearly always, and lie beside each other when they are sorted: looking at the sequences
/// themselves would miss the cache at every comparison.
struct Prefixes {
    /// Of a label.
    bits: u32,
    /// How many labels a number holds.
    labels: usize,
}

/// The lowest bits of a prefix: how many labels the sequence has, or one more than the prefix holds.
const LENGTH_BITS: u32 = 3;
const MOST_LABELS: u32 = (1 << LENGTH_BITS) - 2;

impl Prefixes {
    fn of(sequences: &Sequences) -> Self {
        let largest = sequences.labels.iter().copied().max().unwrap_or(0);
        let bits = (u32::BITS - largest.leading_zeros()).max(1);
        let labels = ((u64::BITS - LENGTH_BITS) / bits).min(MOST_LABELS);
        Self { bits, labels: labels as usize }
    }

    fn prefix(&self, labels: &[u32]) -> u64 {
        let padded = labels.iter().copied().chain(std::iter::repeat(0)).take(self.labels);
        let prefix = padded.fold(0, |prefix, label| prefix << self.bits | u64::from(label));
        prefix << LENGTH_BITS | labels.len().min(self.labels + 1) as u64
    }

    /// How many labels a sequence has; none where its prefix does not hold them all.
    fn length(&self, prefix: u64) -> Option<usize> {
        let length = (prefix & ((1 << LENGTH_BITS) - 1)) as usize;
        Some(length).filter(|length| *length <= self.labels)
    }

    /// The sequences in rising order, those that are alike in the order given: each as its prefix and
    /// its place.
    fn sorted(&self, sequences: &Sequences) -> Vec<(u64, u32)> {
        // Places fit: every sequence has an end that is a u32.
        let places = 0..u32::try_from(sequences.ends.len()).unwrap_or(u32::MAX);
        let mut order: Vec<(u64, u32)> =
            places.map(|at| (self.prefix(sequences.get(at as usize)), at)).collect();
        order.sort_unstable_by(|a, b| self.compare(sequences, a, b).then(a.1.cmp(&b.1)));
        order
    }

    fn compare(&self, sequences: &Sequences, a: &(u64, u32), b: &(u64, u32)) -> Ordering {
        a.0.cmp(&b.0).then_with(|| match self.length(a.0) {
            Some(_) => Ordering::Equal,
            None => sequences.get(a.1 as usize).cmp(sequences.get(b.1 as usize)),
        })
    }

    /// Appends the labels of a sequence.
    fn extend(&self, labels: &mut Vec<u32>, sequences: &Sequences, (prefix, at): (u64, u32)) {
        let Some(length) = self.length(prefix) else {
            labels.extend_from_slice(sequences.get(at as usize));
            return;
        };
        let mask = (1_u64 << self.bits) - 1;
        for label in (self.labels - length..self.labels).rev() {
            let shift = LENGTH_BITS as usize + label * self.bits as usize;
            #[allow(clippy::cast_possible_truncation)] // A label has at most 32 bits.
            labels.push((prefix >> shift & mask) as u32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_order_is_that_of_the_sequences(
            sequences in prop::collection::vec(
                prop::collection::vec(prop_oneof![0_u32..3, Just(40_000), Just(u32::MAX)], 0..7),
                0..40,
            ),
            largest in prop_oneof![Just(2_u32), Just(40_000), Just(u32::MAX)],
        ) {
            let (mut joined, mut kept) = (Sequences::default(), Vec::new());
            for labels in sequences {
                let labels: Vec<u32> = labels.into_iter().map(|label| label.min(largest)).collect();
                joined.labels.extend(&labels);
                joined.close().unwrap();
                kept.push((labels, kept.len()));
            }
            kept.sort();
            let prefixes = Prefixes::of(&joined);
            let order = prefixes.sorted(&joined);
            for (entry, (labels, _)) in order.iter().zip(&kept) {
                let mut found = Vec::new();
                prefixes.extend(&mut found, &joined, *entry);
                prop_assert_eq!(&found, labels);
            }
            let found: Vec<usize> = order.iter().map(|(_, at)| *at as usize).collect();
            prop_assert_eq!(found, kept.iter().map(|(_, at)| *at).collect::<Vec<_>>());
        }
    }
}
