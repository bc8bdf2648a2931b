//! The words of a lexicon as sequences of labels, sorted for the trie.

use std::cmp::Ordering;
use std::ops::Range;

use super::entries::Entries;
use super::labels::Labels;
use super::options::SegmenterOptions;
use super::segmenter::single;
use crate::support::{Error, Result, Workers};

/// A thread takes at least so many words.
pub const FEWEST_WORDS: usize = if cfg!(test) { 2 } else { 1 << 12 };

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
        self.ends.push(end(self.labels.len())?);
        Ok(())
    }

    /// The sequences of all pieces in order.
    fn joined(pieces: Vec<Self>) -> Result<Self> {
        let mut pieces = pieces.into_iter();
        let mut all = pieces.next().unwrap_or_default();
        for piece in pieces {
            end(all.labels.len() + piece.labels.len())?;
            let before = end(all.labels.len())?;
            all.labels.extend(piece.labels);
            all.ends.extend(piece.ends.into_iter().map(|end| before + end));
        }
        Ok(all)
    }
}

/// A number of labels, as sequences store it.
fn end(labels: usize) -> Result<u32> {
    u32::try_from(labels).map_err(|_| Error::Memory("words of over 2^32 characters".into()))
}

/// Distinct sequences of labels in rising order, with their weights.
pub struct Keys {
    sequences: Sequences,
    weights: Vec<f32>,
}

impl Keys {
    /// The keys of words, `amount` by place. Words that are looked up alike are one key, whose amount is
    /// the sum; a key of the amount a weighs `weigh(a)`. O(total length * log).
    ///
    /// # Errors
    /// [`Error::Memory`] where the words have over 2^32 tokens; [`Error::Cancelled`].
    pub fn of_words(
        words: &impl Entries,
        amount: impl Fn(usize) -> f64 + Sync,
        weigh: impl Fn(f64) -> f64 + Sync,
        labels: &Labels,
        options: &SegmenterOptions,
        workers: &Workers<'_>,
    ) -> Result<Self> {
        let ranges = workers.ranges(words.len(), FEWEST_WORDS);
        let unsorted = workers.map(ranges.clone(), |range| {
            let mut sequences = Sequences::default();
            for at in range {
                labels.extend_of_word(&mut sequences.labels, words.word(at), options);
                sequences.close()?;
            }
            Ok(sequences)
        })?;
        let unsorted = Sequences::joined(unsorted)?;
        let prefixes = Prefixes::of(&unsorted);
        let entries = workers.map(ranges, |range| Ok(prefixes.entries(&unsorted, range)))?;
        let compare = |a: &Entry, b: &Entry| prefixes.compare(&unsorted, a, b).then(a.1.cmp(&b.1));
        let parts = workers.map_sorted(
            &entries,
            |entry| entry.0,
            compare,
            |sorted| {
                // Not one by one while keys are written: the processor fetches several at once.
                let amounts: Vec<f64> =
                    sorted.iter().map(|entry| amount(entry.1 as usize)).collect();
                Self::of_sorted(&sorted, &amounts, &weigh, &prefixes, &unsorted)
            },
        )?;
        let (sequences, weights): (Vec<_>, Vec<_>) =
            parts.into_iter().map(|keys| (keys.sequences, keys.weights)).unzip();
        Ok(Self { sequences: Sequences::joined(sequences)?, weights: weights.concat() })
    }

    /// The keys of sorted entries with their amounts.
    fn of_sorted(
        sorted: &[Entry],
        mut amounts: &[f64],
        weigh: impl Fn(f64) -> f64,
        prefixes: &Prefixes,
        unsorted: &Sequences,
    ) -> Result<Self> {
        let mut keys = Self { sequences: Sequences::default(), weights: Vec::new() };
        keys.sequences.ends.reserve_exact(sorted.len());
        keys.weights.reserve_exact(sorted.len());
        for same in sorted.chunk_by(|a, b| prefixes.compare(unsorted, a, b).is_eq()) {
            let (alike, others) = amounts.split_at(same.len());
            amounts = others;
            let before = keys.sequences.labels.len();
            prefixes.extend(&mut keys.sequences.labels, unsorted, same[0]);
            if keys.sequences.labels.len() > before {
                keys.sequences.close()?;
                keys.weights.push(single(weigh(alike.iter().sum())));
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

/// A sequence, as its prefix and its place.
type Entry = (u64, u32);

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

    /// The sequences of some places.
    fn entries(&self, sequences: &Sequences, places: Range<usize>) -> Vec<Entry> {
        // Places fit: every sequence has an end that is a u32.
        #[allow(clippy::cast_possible_truncation)]
        places.map(|at| (self.prefix(sequences.get(at)), at as u32)).collect()
    }

    fn compare(&self, sequences: &Sequences, a: &Entry, b: &Entry) -> Ordering {
        a.0.cmp(&b.0).then_with(|| match self.length(a.0) {
            Some(_) => Ordering::Equal,
            None => sequences.get(a.1 as usize).cmp(sequences.get(b.1 as usize)),
        })
    }

    /// Appends the labels of a sequence.
    fn extend(&self, labels: &mut Vec<u32>, sequences: &Sequences, (prefix, at): Entry) {
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
            let mut order = prefixes.entries(&joined, 0..kept.len());
            order.sort_by(|a, b| prefixes.compare(&joined, a, b).then(a.1.cmp(&b.1)));
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
