//! The rows a sweep finds, before they become a table or a file.

use std::sync::atomic::{AtomicU64, Ordering};

use super::group::add_left;
use super::key::{Key, MAX_FIELDS};
use super::plan::{OpenSum, Plan};
use super::sums::Sum;
use crate::support::{Error, Result};

/// What one task finds, in the form that a sink takes.
pub(crate) trait Output<K>: Sized {
    /// Groups up to this size are sorted and go to [`Output::sorted`] instead of being distributed.
    const SORTED: usize;

    /// Takes a row: `depth` symbols of `key` behind the symbol `first`, its count, and its sum if needed.
    ///
    /// Rows come in order, each before those that it begins.
    fn push(&mut self, depth: usize, first: u32, key: K, count: u64, sum: Option<Sum>);

    /// Takes the rows of a sorted group whose keys share the symbol `of.0` and their first `depth` fields. To
    /// `left` goes what they add to the sums over the symbols before others; it is empty if not needed.
    fn sorted(&mut self, keys: &[K], depth: usize, of: (u32, &Plan), left: &mut [OpenSum]);
}

/// Rows of one length n, in lexicographic order of (first, key).
#[derive(Debug)]
pub(crate) struct Rows<K> {
    /// Rank of the first symbol, one per row.
    pub firsts: Vec<u32>,
    /// The n - 1 ranks that follow, the other fields 0; one per row.
    pub keys: Vec<K>,
    /// Occurrences, one per row.
    pub counts: Vec<u64>,
    /// Sums of c ln c over the symbols that follow, one per row; empty if not needed.
    pub sums: Vec<Sum>,
}

// Written by hand because a derive would ask for `K: Default` rows to be empty.
impl<K> Default for Rows<K> {
    fn default() -> Self {
        Self { firsts: Vec::new(), keys: Vec::new(), counts: Vec::new(), sums: Vec::new() }
    }
}

impl<K: Key> Rows<K> {
    pub(crate) fn len(&self) -> usize {
        self.counts.len()
    }

    /// Bytes of the rows, spare capacity included.
    fn bytes(&self) -> u64 {
        let bytes = self.firsts.capacity() * 4
            + self.keys.capacity() * size_of::<K>()
            + self.counts.capacity() * 8
            + self.sums.capacity() * size_of::<Sum>();
        bytes as u64
    }
}

/// What one task found: `levels[n - 1]` holds the rows of length n.
#[derive(Debug)]
pub(crate) struct Found<K> {
    pub levels: Vec<Rows<K>>,
}

impl<K: Key> Output<K> for Found<K> {
    const SORTED: usize = 24;

    #[inline]
    fn push(&mut self, depth: usize, first: u32, key: K, count: u64, sum: Option<Sum>) {
        let rows = &mut self.levels[depth];
        rows.firsts.push(first);
        rows.keys.push(key);
        rows.counts.push(count);
        if let Some(sum) = sum {
            rows.sums.push(sum);
        }
    }

    // Invariant: `start[d]` is where the current run of keys with `d` equal fields began and `sums[d]` the sum
    // over its children that have ended.
    fn sorted(
        &mut self,
        keys: &[K],
        depth: usize,
        (first, plan): (u32, &Plan),
        left: &mut [OpenSum],
    ) {
        let Plan { layout, goal, .. } = plan;
        let mut start = [0; MAX_FIELDS + 1];
        let mut sums = [OpenSum::default(); MAX_FIELDS + 1];
        for end in 1..=keys.len() {
            let last = keys[end - 1];
            // The group itself ends with its last key; nothing above it does.
            let open = match keys.get(end) {
                Some(next) => last.common(*next, *layout) + 1,
                None => depth,
            };
            for fixed in (open.max(depth)..=layout.fields()).rev() {
                let count = (end - start[fixed]) as u64;
                let sum = std::mem::take(&mut sums[fixed]);
                start[fixed] = end;
                if fixed > 0 && last.field(fixed - 1, *layout) == 0 {
                    continue;
                }
                if fixed > depth {
                    sums[fixed - 1].add(last.field(fixed - 1, *layout), count, plan);
                    if fixed == 1 {
                        add_left(left, [first, last.field(0, *layout)], count, plan);
                    }
                }
                if count >= goal.min_count && fixed < goal.order {
                    let prefix = last.prefix(fixed, *layout);
                    self.push(
                        fixed,
                        first,
                        prefix,
                        count,
                        goal.sums(fixed).then(|| sum.total(plan)),
                    );
                }
            }
        }
    }
}

/// A running total of bytes with a limit, shared by all threads of a sweep.
#[derive(Debug)]
pub(crate) struct Ledger {
    held: AtomicU64,
    limit: u64,
}

impl Ledger {
    pub(crate) fn new(limit: u64) -> Self {
        Self { held: AtomicU64::new(0), limit }
    }

    /// Takes `bytes` more.
    ///
    /// # Errors
    /// [`Error::Memory`] once more than the limit is held.
    pub(crate) fn take(&self, bytes: u64) -> Result<()> {
        let held = self.held.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if held > self.limit {
            return Err(Error::Memory(format!(
                "the n-grams kept need more than the {} MB left for them; raise min_count or memory, \
                 or count into a file",
                self.limit / 1_000_000
            )));
        }
        Ok(())
    }

    /// Gives `bytes` back.
    pub(crate) fn give(&self, bytes: u64) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl<K: Key> Found<K> {
    pub(crate) fn new(order: usize) -> Self {
        Self { levels: (0..order).map(|_| Rows::default()).collect() }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.levels.iter().map(Rows::bytes).sum()
    }

    /// Strings the rows of several tasks together, level by level.
    pub(crate) fn by_level(found: Vec<Self>) -> Vec<Rows<K>> {
        let mut levels: Vec<Rows<K>> = Vec::new();
        for task in found {
            levels.resize_with(task.levels.len().max(levels.len()), Rows::default);
            for (to, rows) in levels.iter_mut().zip(task.levels) {
                to.firsts.extend(rows.firsts);
                to.keys.extend(rows.keys);
                to.counts.extend(rows.counts);
                to.sums.extend(rows.sums);
            }
        }
        levels
    }
}
