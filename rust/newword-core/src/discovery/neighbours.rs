//! Neighbour sums of given words over all their occurrences.
//!
//! Every occurrence becomes a key of the word and its two neighbours. Keys are partitioned by word, and
//! those of a word tallied by either neighbour. It is done for the words that are left in the end: a
//! hundredth of the n-grams that are counted, so that counting need not look at neighbours at all.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use crate::corpus::{Parts, each_part};
use crate::ngram::{Sum, Tally, Terms, fit, nats};
use crate::segmentation::{Passage, Visit};
use crate::support::{Context, Error, Result};
use crate::trie::Trie;

/// The sums of c ln c over the symbols before and behind a word, in nats, as
/// [`crate::ngram::Level`] has them.
pub type Sides = [f64; 2];

/// Keys that a bucket holds at least, if there are as many: they stay in the second-level cache.
const BUCKET: u64 = 1 << 16;
/// Buckets of a pass at the most, unless one word fills each.
const BUCKETS: u64 = 1 << 9;
/// Keys a thread gathers for a bucket before it asks for room there.
const BATCH: usize = 32;
/// A bucket and a word in it, or the bucket behind all others, which keeps nothing.
type Slot = [u32; 2];
/// Fewest keys that a pass gets, whatever the budget.
const LEAST_KEYS: u64 = 1 << 16;

/// Sums over the neighbours of each of `words`: label sequences, sorted and distinct, with the number
/// of their occurrences. Labels above [`Beside::largest`] are of symbols that occur once and add
/// 1 ln 1 = 0.
///
/// O(symbols * longest word) a pass; one pass, unless the keys do not fit a quarter of the memory
/// budget.
///
/// # Errors
/// Reading the corpus failed, the words do not occur that often, or the job was cancelled.
pub fn neighbour_sums<P: Parts + ?Sized>(
    corpus: &P,
    words: &[(Vec<u32>, u64)],
    beside: Beside,
    context: &Context,
) -> Result<Vec<Sides>> {
    let room = (context.memory().bytes() / 4 / 8).max(LEAST_KEYS);
    sums_within(corpus, words, beside, room, context)
}

/// [`neighbour_sums`] with passes of at most `room` keys.
fn sums_within<P: Parts + ?Sized>(
    corpus: &P,
    words: &[(Vec<u32>, u64)],
    beside: Beside,
    room: u64,
    context: &Context,
) -> Result<Vec<Sides>> {
    let search = Walk::new(words, beside)?;
    let counts: Vec<u64> = words.iter().map(|(_, count)| *count).collect();
    let mut sums = Vec::with_capacity(words.len());
    for pass in fit(&counts, 0, room) {
        if let [count] = counts[pass.clone()]
            && count > room
        {
            sums.push(search.dense(corpus, pass.start, context)?);
        } else {
            sums.extend(search.partitioned(corpus, pass, &counts, context)?);
        }
    }
    Ok(sums)
}

fn changed() -> Error {
    Error::Corpus("the parts of the corpus changed between passes".into())
}

/// What the symbols beside a word count as.
pub struct Beside {
    /// The largest label of a symbol that occurs twice or more.
    pub largest: u32,
    /// By label, whether it is a number; all numbers are one neighbour. Labels beyond the end are none.
    pub numbers: Vec<bool>,
}

impl Beside {
    /// The label of all numbers.
    fn number(&self) -> u32 {
        self.largest + 1
    }

    /// Labels that a neighbour can have, 0 among them.
    fn labels(&self) -> usize {
        self.number() as usize + 1
    }

    /// What a label counts as: 0 for what adds nothing.
    #[inline]
    fn of(&self, label: u32) -> u32 {
        match label {
            label if self.numbers.get(label as usize).copied().unwrap_or(false) => self.number(),
            label if label > self.largest => 0,
            label => label,
        }
    }
}

/// The words to look for.
struct Walk {
    trie: Trie,
    /// By word, the trie node that it ends at.
    nodes: Vec<u32>,
    /// Labels of the longest word.
    longest: usize,
    beside: Beside,
    terms: Terms,
}

/// An occurrence: which word, by its node, and its neighbours' labels, 0 for what adds nothing.
struct Occurrence {
    node: u32,
    left: u32,
    right: u32,
}

impl Walk {
    fn new(words: &[(Vec<u32>, u64)], beside: Beside) -> Result<Self> {
        let trie = Trie::build(words.len(), |rank| &words[rank].0)?;
        let node = |(labels, _): &(Vec<u32>, u64)| trie.walk(labels).unwrap_or(Trie::ROOT);
        let nodes = words.iter().map(node).collect();
        let longest = words.iter().map(|(labels, _)| labels.len()).max().unwrap_or(0);
        Ok(Self { trie, nodes, longest, beside, terms: Terms::new() })
    }

    /// Calls `found` with every occurrence that starts within `own`.
    #[inline]
    fn each(&self, ids: &[u32], own: Range<usize>, mut found: impl FnMut(Occurrence)) {
        let neighbour = |label: u32| self.beside.of(label);
        let mut left = own.start.checked_sub(1).map_or(0, |at| neighbour(ids[at]));
        for at in own {
            let mut node = Trie::ROOT;
            for (&label, end) in ids[at..].iter().zip(at + 1..) {
                let Some(child) = self.trie.child(node, label) else { break };
                node = child;
                if self.trie.is_key(node) {
                    let right = neighbour(ids.get(end).copied().unwrap_or(0));
                    found(Occurrence { node, left, right });
                }
            }
            left = neighbour(ids[at]);
        }
    }

    /// The sums of one word, tallied as it is found: it occurs too often for a pass.
    fn dense<P: Parts + ?Sized>(
        &self,
        corpus: &P,
        word: usize,
        context: &Context,
    ) -> Result<Sides> {
        let node = self.nodes[word];
        let new = || [0, 1].map(|_| vec![0_u64; self.beside.labels()]);
        let step = |[left, right]: &mut [Vec<u64>; 2], _, ids: &[u32], own: Range<usize>| {
            self.each(ids, own, |found| {
                if found.node == node {
                    left[found.left as usize] += 1;
                    right[found.right as usize] += 1;
                }
            });
            Ok(())
        };
        let tallies = each_part(corpus, self.longest, context.threads(), context, new, step)?;
        let side = |side: usize| {
            let count = |label| tallies.iter().map(|tally| tally[side][label]).sum();
            let sum: Sum = (1..self.beside.labels()).map(|label| self.terms.of(count(label))).sum();
            nats(sum)
        };
        Ok([side(0), side(1)])
    }

    /// The sums of the words of one pass.
    fn partitioned<P: Parts + ?Sized>(
        &self,
        corpus: &P,
        pass: Range<usize>,
        counts: &[u64],
        context: &Context,
    ) -> Result<Vec<Sides>> {
        let partition = Partition::new(pass, counts, self.beside.number());
        let slots = partition.slots(&self.nodes, self.trie.slots());
        let step = |staged: &mut Staged, _, ids: &[u32], own: Range<usize>| {
            self.each(ids, own, |found| {
                partition.stage(staged, slots[found.node as usize], [found.left, found.right]);
            });
            if staged.lost { Err(changed()) } else { Ok(()) }
        };
        let new = || partition.staged();
        let staged = each_part(corpus, self.longest, context.threads(), context, new, step)?;
        partition.finish(staged, counts, &self.beside, &self.terms, context)
    }
}

/// Gathers the neighbours of words while a corpus goes by.
pub struct Gathering {
    partition: Partition,
    /// By trie node.
    slots: Vec<Slot>,
    counts: Vec<u64>,
    beside: Beside,
}

impl Gathering {
    /// For words of two labels or more by their nodes in a trie of `slots` slots, with the number of their
    /// occurrences; none where their keys do not fit an eighth of the memory budget.
    pub fn new(
        words: &[(u32, u64)],
        slots: usize,
        beside: Beside,
        context: &Context,
    ) -> Option<Self> {
        let counts: Vec<u64> = words.iter().map(|(_, count)| *count).collect();
        let room = context.memory().bytes() / 8 / 8;
        if counts.iter().sum::<u64>() > room {
            return None;
        }
        let partition = Partition::new(0..counts.len(), &counts, beside.number());
        let nodes: Vec<u32> = words.iter().map(|(node, _)| *node).collect();
        let slots = partition.slots(&nodes, slots);
        Some(Self { partition, slots, counts, beside })
    }

    /// The sums of the words.
    ///
    /// # Errors
    /// The words do not occur that often, or the job was cancelled.
    pub fn finish(self, staged: Vec<Staged>, context: &Context) -> Result<Vec<Sides>> {
        let Self { partition, counts, beside, .. } = self;
        partition.finish(staged, &counts, &beside, &Terms::new(), context)
    }
}

impl Visit for Gathering {
    type State = Staged;

    fn start(&self) -> Staged {
        self.partition.staged()
    }

    fn see(&self, staged: &mut Staged, passage: &Passage<'_>) {
        let Passage { labels, end, left, trie, .. } = passage;
        let none = trie.none();
        let neighbour = |at: usize| self.beside.of(labels.get(at).copied().unwrap_or(0));
        let mut left = self.beside.of(*left);
        for at in 0..*end {
            let [_, second, third] = passage.begun(at);
            // Without a branch, since nobody can foresee whether two labels are such a word.
            self.partition.stage(staged, self.slots[second as usize], [left, neighbour(at + 2)]);
            let mut longer = third;
            for behind in at + 3.. {
                if longer == none {
                    break;
                }
                let slot = self.slots[longer as usize];
                self.partition.stage(staged, slot, [left, neighbour(behind)]);
                longer = trie.step(longer, labels.get(behind).copied().unwrap_or(0));
            }
            left = neighbour(at);
        }
    }
}

impl Partition {
    /// The sums of all words of the pass, from what all workers have staged.
    fn finish(
        &self,
        staged: Vec<Staged>,
        counts: &[u64],
        beside: &Beside,
        terms: &Terms,
        context: &Context,
    ) -> Result<Vec<Sides>> {
        for mut staged in staged {
            self.flush_all(&mut staged);
            if staged.lost {
                return Err(changed());
            }
        }
        let buckets = (0..self.buckets.len()).into_par_iter();
        let tools = || (Tally::new(beside.labels()), Vec::new());
        let sums: Result<Vec<Vec<Sides>>> = context.pool().install(|| {
            buckets
                .map_init(tools, |(tally, keys), bucket| {
                    context.check()?;
                    self.sum(bucket, counts, keys, tally, terms)
                })
                .collect()
        });
        Ok(sums?.into_iter().flatten().collect())
    }
}

/// The keys of a pass, bucket by bucket; a bucket is a range of words.
///
/// The keys are atomics so that threads can write to disjoint places in safe code.
struct Partition {
    buckets: Vec<Range<usize>>,
    /// Where each bucket's keys start, and where the last one's end.
    starts: Vec<u64>,
    /// Where the next key of each bucket goes.
    heads: Vec<AtomicU64>,
    keys: Vec<AtomicU64>,
    /// Bits of a label.
    bits: u32,
}

/// What a thread holds back, bucket by bucket, and behind them the bucket that keeps nothing.
pub struct Staged {
    keys: Vec<u64>,
    lengths: Vec<usize>,
    /// Whether a key had no room: the counts were wrong.
    lost: bool,
}

impl Partition {
    fn new(words: Range<usize>, counts: &[u64], largest: u32) -> Self {
        let total: u64 = counts[words.clone()].iter().sum();
        // Symbols take far more than two bytes each, so labels are below 2^31.
        let bits = (u32::BITS - largest.leading_zeros()).clamp(1, 31);
        let most = 1_usize.checked_shl(u64::BITS - 2 * bits).unwrap_or(usize::MAX);
        let buckets = fit(&counts[..words.end], words.start, BUCKET.max(total / BUCKETS));
        let split = |range: Range<usize>| {
            let end = range.end;
            range.step_by(most).map(move |start| start..end.min(start.saturating_add(most)))
        };
        let buckets: Vec<_> = buckets.into_iter().flat_map(split).collect();
        let mut starts = vec![0];
        for range in &buckets {
            starts.push(starts[starts.len() - 1] + counts[range.clone()].iter().sum::<u64>());
        }
        let heads = starts[..buckets.len()].iter().map(|start| AtomicU64::new(*start)).collect();
        let keys = vec![0; usize::try_from(total).unwrap_or(usize::MAX)];
        let keys = keys.into_iter().map(AtomicU64::new).collect();
        Self { buckets, starts, heads, keys, bits }
    }

    fn staged(&self) -> Staged {
        let buckets = self.buckets.len() + 1;
        Staged { keys: vec![0; buckets * BATCH], lengths: vec![0; buckets], lost: false }
    }

    /// By trie node, the slot of the word that ends there, if it is in the pass; `nodes` are those of all words.
    fn slots(&self, nodes: &[u32], slots: usize) -> Vec<Slot> {
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let mut all = vec![[count(self.buckets.len()), 0]; slots];
        for (bucket, words) in (0..).zip(&self.buckets) {
            for (word, node) in (0..).zip(&nodes[words.clone()]) {
                all[*node as usize] = [bucket, word];
            }
        }
        all
    }

    /// Takes an occurrence.
    #[inline]
    fn stage(&self, staged: &mut Staged, [bucket, word]: Slot, [left, right]: [u32; 2]) {
        let bucket = bucket as usize;
        let sides = u64::from(left) << self.bits | u64::from(right);
        let length = &mut staged.lengths[bucket];
        staged.keys[bucket * BATCH + *length] = u64::from(word) << (2 * self.bits) | sides;
        *length += 1;
        if *length == BATCH {
            self.flush(staged, bucket);
        }
    }

    fn flush_all(&self, staged: &mut Staged) {
        (0..self.buckets.len()).for_each(|bucket| self.flush(staged, bucket));
    }

    fn flush(&self, staged: &mut Staged, bucket: usize) {
        let length = std::mem::take(&mut staged.lengths[bucket]);
        if bucket == self.buckets.len() {
            return;
        }
        let at = self.heads[bucket].fetch_add(length as u64, Ordering::Relaxed);
        let end = at + length as u64;
        if end > self.starts[bucket + 1] {
            staged.lost = true;
            return;
        }
        let keys = &staged.keys[bucket * BATCH..];
        for (to, key) in self.keys[place(at)..place(end)].iter().zip(keys) {
            to.store(*key, Ordering::Relaxed);
        }
    }

    /// The sums of a bucket's words; `sorted` and `tally` are used again.
    fn sum(
        &self,
        bucket: usize,
        counts: &[u64],
        sorted: &mut Vec<u64>,
        tally: &mut Tally,
        terms: &Terms,
    ) -> Result<Vec<Sides>> {
        let (start, end) = (self.starts[bucket], self.starts[bucket + 1]);
        if self.heads[bucket].load(Ordering::Relaxed) != end {
            return Err(changed());
        }
        let mut after = 0;
        let counts = &counts[self.buckets[bucket].clone()];
        let mut next: Vec<usize> = counts
            .iter()
            .map(|count| {
                after += place(*count);
                after - place(*count)
            })
            .collect();
        sorted.clear();
        sorted.resize(after, 0);
        for key in &self.keys[place(start)..place(end)] {
            let key = key.load(Ordering::Relaxed);
            let at = &mut next[place(key >> (2 * self.bits))];
            sorted[*at] = key;
            *at += 1;
        }
        let mask = (1_u64 << self.bits) - 1;
        // The mask keeps it within a label.
        #[allow(clippy::cast_possible_truncation)]
        let label = |key: &u64, shift: u32| (key >> shift & mask) as u32;
        let (mut from, mut all) = (0, Vec::with_capacity(counts.len()));
        for (count, end) in counts.iter().zip(next) {
            if end - from != place(*count) {
                return Err(changed());
            }
            let keys = &sorted[from..end];
            all.push([self.bits, 0].map(|shift| {
                tally.count(keys.iter().map(|key| label(key, shift)));
                nats(tally.sum_and_clear(terms))
            }));
            from = end;
        }
        Ok(all)
    }
}

/// A number of keys that are held in memory.
fn place(keys: u64) -> usize {
    usize::try_from(keys).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::parts::tests::CutParts;
    use crate::ngram::testing::table_of;
    use crate::segmentation::{Lattice, Unknown, count_words_seen};
    use crate::support::testing::job;
    use proptest::prelude::*;

    /// Where no symbol is a number.
    fn none(largest: u32) -> Beside {
        Beside { largest, numbers: Vec::new() }
    }

    proptest! {
        #[test]
        fn numbers_are_one_neighbour(
            ids in prop::collection::vec(0_u32..7, 0..120),
            room in 1_u64..60,
        ) {
            // 2, 5 and 6 are numbers; with 2 for all of them the sums are the same.
            let folded: Vec<u32> = ids.iter().map(|id| if *id > 4 { 2 } else { *id }).collect();
            let words: Vec<(Vec<u32>, u64)> = [vec![1, 3], vec![3], vec![3, 4, 1]]
                .map(|word| {
                    let count = ids.windows(word.len()).filter(|window| *window == word).count();
                    (word, count as u64)
                })
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .collect();
            let numbers = (0..7).map(|label| [2, 5, 6].contains(&label)).collect();
            let beside = Beside { largest: 4, numbers };
            let sums = |ids: &[u32], beside| {
                sums_within(&CutParts::new(ids, &[]), &words, beside, room, &job(2)).unwrap()
            };
            prop_assert_eq!(sums(&ids, beside), sums(&folded, none(4)));
        }

        #[test]
        fn what_is_gathered_on_the_way_is_what_is_looked_up(
            ids in prop::collection::vec(0_u32..5, 0..200),
            cuts in prop::collection::vec(0_usize..200, 0..6),
            keys in prop::collection::btree_set(prop::collection::vec(1_u32..5, 2..5), 0..12),
            mut numbers in prop::collection::vec(any::<bool>(), 5),
        ) {
            // A break is none.
            numbers[0] = false;
            let count = |key: &Vec<u32>| {
                ids.windows(key.len()).filter(|window| *window == key).count() as u64
            };
            let words: Vec<(Vec<u32>, u64)> =
                keys.into_iter().map(|key| (key.clone(), count(&key))).collect();
            let beside = || Beside { largest: 3, numbers: numbers.clone() };
            let trie = Trie::build(words.len(), |rank| &words[rank].0).unwrap();
            let nodes = words.iter().map(|(key, count)| (trie.walk(key).unwrap(), *count));
            let (nodes, slots): (Vec<_>, _) = (nodes.collect(), trie.slots());
            let unknown = Unknown { single: -1.0, pair: -9.0, pairs: vec![false] };
            let lattice = Lattice::new(trie, vec![0.0; slots], unknown);
            let parts = CutParts::new(&ids, &cuts);
            for threads in [1, 3] {
                let job = job(threads);
                let gathering = Gathering::new(&nodes, slots, beside(), &job).unwrap();
                let (_, seen) = count_words_seen(&parts, &lattice, 5, &gathering, &job).unwrap();
                let expected = sums_within(&parts, &words, beside(), u64::MAX, &job).unwrap();
                prop_assert_eq!(gathering.finish(seen, &job).unwrap(), expected);
            }
        }

        #[test]
        fn sums_are_those_of_the_table(
            ids in prop::collection::vec(0_u32..5, 0..300),
            cuts in prop::collection::vec(0_usize..300, 0..6),
            min_count in 1_u64..4,
            room in 1_u64..60,
        ) {
            // In the middle of its parts, the corpus shows what lies around them.
            let table = table_of(&ids, 4, min_count);
            let mut words = Vec::new();
            for n in 2..=4 {
                let level = table.level(n);
                words.extend((0..level.len()).map(|row| {
                    let sides = [level.left_sums[row], level.right_sums[row]];
                    ((level.row(row, n).to_vec(), level.counts[row]), sides)
                }));
            }
            words.sort_by(|a, b| a.0.cmp(&b.0));
            let (words, expected): (Vec<_>, Vec<Sides>) = words.into_iter().unzip();
            let parts = CutParts::new(&ids, &cuts);
            for (room, threads) in [(room, 1), (room, 3), (u64::MAX, 2)] {
                let found = sums_within(&parts, &words, none(4), room, &job(threads)).unwrap();
                prop_assert_eq!(found.len(), expected.len());
                for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
                    prop_assert!((found - expected).abs() < 1e-9);
                }
            }
        }
    }

    #[test]
    fn rare_neighbours_add_nothing_and_wrong_counts_are_told() {
        let ids = [9, 1, 2, 7, 0, 8, 1, 2, 7, 0, 9, 1, 2];
        let words = vec![(vec![1, 2], 3)];
        let sums = |words: &[(Vec<u32>, u64)], largest, room| {
            sums_within(&CutParts::new(&ids, &[6]), words, none(largest), room, &job(2))
        };
        let two = 2.0 * 2_f64.ln();
        for room in [1, 100] {
            let found = sums(&words, 9, room).unwrap();
            assert!(found[0].iter().all(|sum| (sum - two).abs() < 1e-9));
            let found = sums(&words, 8, room).unwrap();
            assert!(found[0][0].abs() < 1e-9 && (found[0][1] - two).abs() < 1e-9);
        }
        for wrong in [2, 4] {
            let message = sums(&[(vec![1, 2], wrong)], 9, 100).unwrap_err().to_string();
            assert!(message.contains("changed"), "{message}");
        }
    }
}
