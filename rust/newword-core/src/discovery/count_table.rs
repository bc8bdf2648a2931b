//! Counting words that are sequences of ids, in slices of the hash space when memory is short.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use crate::support::hash::FixedState;

/// The part of the hash space whose words are counted: hashes that start with `prefix`'s last
/// `bits` bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    pub bits: u32,
    pub prefix: u64,
}

impl Slice {
    /// All hashes.
    pub const ALL: Self = Self { bits: 0, prefix: 0 };

    fn holds(self, hash: u64) -> bool {
        self.bits == 0 || hash >> (64 - self.bits) == self.prefix
    }

    /// The first and the second half.
    pub fn halves(self) -> [Self; 2] {
        [0, 1].map(|bit| Self { bits: self.bits + 1, prefix: self.prefix << 1 | bit })
    }
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    start: usize,
    length: u32,
    count: u64,
}

/// Counts of words within a slice.
#[derive(Debug)]
pub struct Tally {
    hasher: FixedState,
    slice: Slice,
    table: HashTable<Entry>,
    ids: Vec<u32>,
}

impl Tally {
    pub fn new(slice: Slice) -> Self {
        Self { hasher: FixedState::default(), slice, table: HashTable::new(), ids: Vec::new() }
    }

    pub fn slice(&self) -> Slice {
        self.slice
    }

    /// Adds `count` occurrences of a word, if its hash lies in the slice. Expected O(length).
    pub fn add(&mut self, word: &[u32], count: u64) {
        let hash = self.hasher.hash_one(word);
        if !self.slice.holds(hash) {
            return;
        }
        let ids = &self.ids;
        let same = |entry: &Entry| {
            entry.hash == hash && ids[entry.start..].get(..entry.length as usize) == Some(word)
        };
        if let Some(entry) = self.table.find_mut(hash, same) {
            entry.count += count;
            return;
        }
        let start = self.ids.len();
        self.ids.extend_from_slice(word);
        let length = u32::try_from(word.len()).unwrap_or(u32::MAX);
        let entry = Entry { hash, start, length, count };
        self.table.insert_unique(hash, entry, |entry| entry.hash);
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (word, count) in other.iter() {
            self.add(word, count);
        }
    }

    /// The words and their counts, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (&[u32], u64)> {
        self.table.iter().map(|entry| (self.word(entry), entry.count))
    }

    /// Gives up the words outside `slice`, which must lie within the present one.
    pub fn narrow(&mut self, slice: Slice) {
        let mut kept = Self::new(slice);
        kept.merge(self);
        *self = kept;
    }

    /// Bytes held, allowance for growth included.
    pub fn resident_bytes(&self) -> u64 {
        (self.table.capacity() * (size_of::<Entry>() + 1) * 8 / 7 + self.ids.capacity() * 4) as u64
    }

    fn word(&self, entry: &Entry) -> &[u32] {
        &self.ids[entry.start..entry.start + entry.length as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slices_share_the_words_without_loss() {
        let words: Vec<Vec<u32>> = (0..500).map(|n| vec![n % 90, n % 7]).collect();
        let mut whole = Tally::new(Slice::ALL);
        for word in &words {
            whole.add(word, 2);
        }
        let mut sum = 0;
        for half in Slice::ALL.halves().into_iter().flat_map(Slice::halves) {
            let mut tally = Tally::new(Slice::ALL);
            for word in &words {
                tally.add(word, 2);
            }
            tally.narrow(half);
            sum += tally.iter().map(|(_, count)| count).sum::<u64>();
            assert!(tally.iter().count() < whole.iter().count());
        }
        assert_eq!(sum, 1000);
    }
}
