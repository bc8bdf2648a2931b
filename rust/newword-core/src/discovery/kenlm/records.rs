//! Fixed-order records as `count_ngrams` writes them, and the counts the script makes of them.
//!
//! Facts about the record format: `lm/builder/corpus_count.cc` of `KenLM` starts every line with
//! order - 1 marks `<s>` and ends it with one `</s>`; each window of `order` tokens is a record.

use std::fmt::Debug;
use std::hash::Hash;
use std::ops::{BitAnd, BitOr, Shl, Shr};

use rayon::prelude::*;

use super::text::{END, KenlmCorpus, NEWLINE, SPACE};
use crate::corpus::Parts;
use crate::support::hash::HashMap;
use crate::support::{Context, Result, Stage};

/// Bits of a code in a key; the first character's lie highest.
const BITS: usize = 15;
const BEGIN_LINE: u16 = (1 << BITS) - 2;
const END_LINE: u16 = (1 << BITS) - 1;

/// An integer that holds `order` codes, and shorter words with zeros behind.
pub trait Key:
    Copy
    + Ord
    + Hash
    + Debug
    + Send
    + Sync
    + From<u16>
    + Shl<usize, Output = Self>
    + Shr<usize, Output = Self>
    + BitAnd<Output = Self>
    + BitOr<Output = Self>
{
    /// Its lowest code.
    fn low_code(self) -> u16;
    /// A number that looks random, the same for the same key.
    fn scatter(self) -> u64;
    /// How many of the keys fit a budget.
    fn fitting(bytes: u64) -> u64 {
        bytes / size_of::<Self>() as u64
    }
}

impl Key for u64 {
    #[allow(clippy::cast_possible_truncation)] // Masked to 15 bits.
    fn low_code(self) -> u16 {
        (self & u64::from(END_LINE)) as u16
    }

    fn scatter(self) -> u64 {
        self.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32
    }
}

impl Key for u128 {
    #[allow(clippy::cast_possible_truncation)] // Masked to 15 bits.
    fn low_code(self) -> u16 {
        (self & u128::from(END_LINE)) as u16
    }

    #[allow(clippy::cast_possible_truncation)] // The high half is added below.
    fn scatter(self) -> u64 {
        (self as u64 ^ ((self >> 60) as u64).rotate_left(17)).scatter()
    }
}

/// The published script's counts of words of 1 to `order` characters.
#[derive(Debug)]
pub struct BiasedCounts<K> {
    order: usize,
    total: u64,
    levels: Vec<Vec<(K, u64)>>,
    index: HashMap<K, u64>,
}

impl<K: Key> BiasedCounts<K> {
    /// Counts the records, keeps those of at least `min_count`, and sums prefixes.
    pub fn count(
        corpus: &KenlmCorpus,
        order: usize,
        min_count: u64,
        context: &Context,
    ) -> Result<Self> {
        let mut kept: Vec<(K, u64)> = Vec::new();
        let mut total = 0;
        let passes = passes::<K>(corpus, context);
        context.progress().begin(Stage::Counting, passes * corpus.codes().len() as u64);
        for pass in 0..passes {
            let records = sorted_records::<K>(corpus, order, (pass, passes), context)?;
            for run in records.chunk_by(|a, b| a == b) {
                let count = run.len() as u64;
                if count >= min_count {
                    total += count;
                    kept.push((strip(run[0], order), count));
                }
            }
        }
        kept.sort_unstable();
        let levels: Vec<_> = (1..=order).map(|length| sum_prefixes(&kept, length, order)).collect();
        let index = levels.iter().flatten().copied().collect();
        Ok(Self { order, total, levels, index })
    }

    /// The length of a record.
    pub fn order(&self) -> usize {
        self.order
    }

    /// The sum of the records kept.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Words of `length` characters and their counts, sorted.
    pub fn level(&self, length: usize) -> &[(K, u64)] {
        &self.levels[length - 1]
    }

    /// The codes of a word.
    pub fn unpack(&self, key: K, length: usize) -> Vec<u32> {
        let place = |at| (self.order - 1 - at) * BITS;
        (0..length).map(|at| u32::from((key >> place(at)).low_code())).collect()
    }

    /// ln of the smallest total * c(w) / (c(l) * c(r)); a half that is not known counts `total`.
    pub fn cohesion(&self, key: K, length: usize, count: u64) -> f64 {
        let known = |key| self.index.get(&key).copied().unwrap_or(self.total);
        let ratio = |cut| {
            let left = known(prefix(key, cut, self.order));
            let right = known(suffix(key, cut, self.order));
            // As the script computes it, rounding included.
            (self.total as f64 * count as f64) / (u128::from(left) * u128::from(right)) as f64
        };
        (1..length).map(ratio).fold(f64::INFINITY, f64::min).ln()
    }

    /// The cohesion of a word of at most `order` codes; minus infinity where it is not known.
    pub fn cohesion_of(&self, codes: &[u32]) -> f64 {
        let packed = codes.iter().fold(K::from(0), |key, code| {
            key << BITS | K::from(u16::try_from(*code).unwrap_or(END_LINE))
        });
        let key = packed << ((self.order - codes.len()) * BITS);
        let count = self.index.get(&key).copied().unwrap_or(0);
        self.cohesion(key, codes.len(), count)
    }
}

fn ones<K: Key>(codes: usize) -> K {
    (0..codes).fold(K::from(0), |key, _| key << BITS | K::from(END_LINE))
}

fn prefix<K: Key>(key: K, length: usize, order: usize) -> K {
    let rest = (order - length) * BITS;
    key >> rest << rest
}

fn suffix<K: Key>(key: K, cut: usize, order: usize) -> K {
    (key << (cut * BITS)) & ones(order)
}

/// What the script keeps of a record: its characters without the marks.
fn strip<K: Key>(record: K, order: usize) -> K {
    let mut key = record;
    while (key >> ((order - 1) * BITS)).low_code() == BEGIN_LINE {
        key = suffix(key, 1, order);
    }
    let last = (0..order).find(|place| (key >> (place * BITS)).low_code() != 0);
    match last {
        Some(place) if (key >> (place * BITS)).low_code() == END_LINE => {
            prefix(key, order - 1 - place, order)
        }
        _ => key,
    }
}

/// The counts of all prefixes of `length` characters of sorted words.
fn sum_prefixes<K: Key>(words: &[(K, u64)], length: usize, order: usize) -> Vec<(K, u64)> {
    let long_enough = |key: K| (key >> ((order - length) * BITS)).low_code() != 0;
    let mut sums: Vec<(K, u64)> = Vec::new();
    for &(word, count) in words.iter().filter(|(word, _)| long_enough(*word)) {
        let key = prefix(word, length, order);
        match sums.last_mut() {
            Some((last, sum)) if *last == key => *sum += count,
            _ => sums.push((key, count)),
        }
    }
    sums
}

/// Calls `emit` with every record of a part.
fn each_record<K: Key>(codes: &[u16], order: usize, mut emit: impl FnMut(K)) {
    let begin = (1..order).fold(K::from(0), |key, _| key << BITS | K::from(BEGIN_LINE));
    let mask = ones::<K>(order);
    let mut key = begin;
    for &code in codes {
        match code {
            SPACE => {}
            END | NEWLINE => {
                emit((key << BITS | K::from(END_LINE)) & mask);
                key = begin;
            }
            _ => {
                key = (key << BITS | K::from(code)) & mask;
                emit(key);
            }
        }
    }
}

/// How many passes keep the records of each within half the budget, gathered and sorted.
fn passes<K: Key>(corpus: &KenlmCorpus, context: &Context) -> u64 {
    // Gathering holds the keys twice for a moment.
    let room = K::fitting(context.memory().bytes() / 4).max(1);
    (corpus.codes().len() as u64).div_ceil(room).max(1)
}

/// The share of records that pass number `pass` counts, sorted. Which pass a record belongs to
/// depends on a hash of it, so that the passes are of one size whatever the text.
fn sorted_records<K: Key>(
    corpus: &KenlmCorpus,
    order: usize,
    (pass, passes): (u64, u64),
    context: &Context,
) -> Result<Vec<K>> {
    let of_part = |part| {
        let codes = corpus.part(part);
        let mut records = Vec::with_capacity(if passes == 1 { codes.len() } else { 0 });
        if context.check().is_ok() {
            each_record::<K>(codes, order, |key| {
                if passes == 1 || key.scatter() % passes == pass {
                    records.push(key);
                }
            });
            context.progress().advance(codes.len() as u64);
        }
        records
    };
    let records = context.pool().install(|| {
        let parts: Vec<Vec<K>> = (0..corpus.parts()).into_par_iter().map(of_part).collect();
        let mut records = parts.concat();
        drop(parts);
        records.par_sort_unstable();
        records
    });
    context.check()?;
    Ok(records)
}

#[cfg(test)]
mod tests {
    use super::super::text::spell;
    use super::*;
    use crate::support::MemoryBudget;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn job() -> Context {
        Context::new(Some(2), MemoryBudget::new(MemoryBudget::LEAST).unwrap(), None).unwrap()
    }

    fn counts<K: Key>(lines: &[&str], order: usize, min_count: u64) -> BTreeMap<String, u64> {
        let mut corpus = KenlmCorpus::default();
        for line in lines {
            corpus.push(line);
        }
        let counts = BiasedCounts::<K>::count(&corpus, order, min_count, &job()).unwrap();
        let counts = &counts;
        let level = |length| {
            let words = counts.level(length).iter();
            words.map(move |(key, count)| (spell(&counts.unpack(*key, length)), *count))
        };
        let total = ("total".to_owned(), counts.total());
        (1..=order).flat_map(level).chain([total]).collect()
    }

    /// The records of a line by their definition, and the sums by theirs.
    fn slow_counts(lines: &[&str], order: usize, min_count: u64) -> BTreeMap<String, u64> {
        let mut records: BTreeMap<Vec<String>, u64> = BTreeMap::new();
        for line in lines {
            let characters = line.chars().filter(|c| *c != ' ').map(String::from);
            let marks = vec!["<s>".to_owned(); order - 1];
            let tokens: Vec<String> =
                marks.into_iter().chain(characters).chain(["</s>".to_owned()]).collect();
            for window in tokens.windows(order) {
                *records.entry(window.to_vec()).or_default() += 1;
            }
        }
        records.retain(|_, count| *count >= min_count);
        let mut sums = BTreeMap::from([("total".to_owned(), records.values().sum())]);
        for (record, count) in records {
            let kept: Vec<String> = record.into_iter().filter(|c| c.len() == 1).collect();
            for length in 1..=kept.len() {
                *sums.entry(kept[..length].concat()).or_default() += count;
            }
        }
        sums
    }

    #[test]
    fn a_line_of_six_characters_is_counted_with_the_published_bias() {
        let found = counts::<u64>(&["abcdef"], 4, 1);
        let expected = [("a", 4), ("ab", 3), ("abc", 2), ("abcd", 1), ("d", 1), ("bcd", 1)];
        assert!(expected.iter().all(|(word, count)| found[*word] == *count));
        assert!(!found.contains_key("e") && !found.contains_key("ef"));
        assert_eq!(found["total"], 7);
    }

    #[test]
    fn an_empty_line_is_a_record_of_marks_alone() {
        assert_eq!(
            counts::<u64>(&["", "a"], 4, 1),
            BTreeMap::from([("a".to_owned(), 2), ("total".to_owned(), 3),])
        );
    }

    proptest! {
        #[test]
        fn records_follow_their_definition(
            lines in prop::collection::vec("[ab9]{0,4}[ bc]?[cd]{0,2}", 0..12),
            order in 2_usize..9,
            min_count in 1_u64..4,
        ) {
            let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
            let slow = slow_counts(&lines, order, min_count);
            prop_assert_eq!(&counts::<u128>(&lines, order, min_count), &slow);
            if order <= 4 {
                prop_assert_eq!(&counts::<u64>(&lines, order, min_count), &slow);
            }
        }
    }
}
