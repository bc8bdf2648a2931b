//! The plan of a sweep over the corpus: ranks, passes, shares of memory.

use std::ops::Range;

use super::key::Layout;
use super::options::Neighbours;
use super::parts::IdParts;
use super::sums::{Sum, Terms};
use crate::corpus::Symbols;
use crate::support::Context;

/// Number of keys processed between two checks of the cancel flag: about a millisecond.
pub(crate) const CHECK_EVERY: usize = 1 << 17;

/// What to find in one sweep.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal {
    /// The longest n-gram whose row is wanted, from 1.
    pub order: usize,
    /// The smallest count of a row.
    pub min_count: u64,
    /// Of which rows the sums over neighbours are wanted. A sweep finds those over the symbols that
    /// go on, and of single symbols those over the symbols before, too.
    pub neighbours: Neighbours,
}

impl Goal {
    /// Whether rows at `depth` carry the sum over the symbols that follow.
    pub(crate) fn sums(self, depth: usize) -> bool {
        match self.neighbours {
            Neighbours::OfNone => false,
            Neighbours::OfSingles => depth == 0,
            Neighbours::OfAll | Neighbours::OfAllNumbersAsOne => true,
        }
    }

    /// Whether the sums over the symbols before single symbols are gathered along the way: they add
    /// up over the first symbols of windows, so all of those have to be looked at.
    pub(crate) fn gathers_left(self) -> bool {
        self.neighbours == Neighbours::OfSingles
    }
}

/// The symbols of a corpus as a sweep sees them.
///
/// Ranks number the symbols that can matter, from 1, in the order of their ids; all others have rank
/// 0 and act as breaks. A symbol matters if it can be in a row, or if it can be a neighbour seen
/// twice (one seen once adds 1 ln 1 = 0), or if it is one of the numbers that count as one. This keeps keys narrow where the corpus has many words of
/// letters that occur once.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Rank by id.
    pub ranks: Vec<u32>,
    /// Id by rank; element 0 is 0.
    pub ids: Vec<u32>,
    /// Windows to sort by rank of the first symbol: its count, or 0 where nothing can start with it.
    pub sizes: Vec<u64>,
    /// How windows lie in keys.
    pub layout: Layout,
    /// What to find.
    pub goal: Goal,
    /// The terms of the sums.
    pub terms: Terms,
    /// By rank, whether the symbol counts as any number where it is a neighbour; empty where none does.
    numbers: Vec<bool>,
}

/// A sum over neighbours that are taken one after the other.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct OpenSum {
    sum: Sum,
    /// Occurrences of those that count as one.
    numbers: u64,
}

impl OpenSum {
    /// Takes a neighbour that occurs `count` times, and is not there again.
    #[inline]
    pub(crate) fn add(&mut self, rank: u32, count: u64, plan: &Plan) {
        if plan.numbers.get(rank as usize).copied().unwrap_or(false) {
            self.numbers += count;
        } else {
            self.sum += plan.terms.of(count);
        }
    }

    /// Takes what another sum took: other neighbours, or more numbers.
    pub(crate) fn join(&mut self, other: Self) {
        self.sum += other.sum;
        self.numbers += other.numbers;
    }

    /// The sum over all that were taken.
    #[inline]
    pub(crate) fn total(self, plan: &Plan) -> Sum {
        self.sum + plan.terms.of(self.numbers)
    }
}

impl Plan {
    /// `symbols` are asked for numbers, where the goal takes them as one.
    pub(crate) fn new(counts: &[u64], symbols: &Symbols, goal: Goal) -> Self {
        let some = goal.neighbours != Neighbours::OfNone;
        let least = if some { goal.min_count.min(2) } else { goal.min_count };
        let mut plan = Self {
            ranks: vec![0; counts.len()],
            ids: vec![0],
            sizes: vec![0],
            layout: Layout::new(1, 1),
            goal,
            terms: Terms::new(),
            numbers: Vec::new(),
        };
        let as_one = goal.neighbours.numbers_as_one();
        if as_one {
            plan.numbers.push(false);
        }
        let mut rank = 0;
        for (id, &count) in (0_u32..).zip(counts).skip(1) {
            let number = as_one && count > 0 && symbols.is_number(id);
            if number || count >= least.max(1) {
                rank += 1;
                plan.ranks[id as usize] = rank;
                plan.ids.push(id);
                let starts = count >= goal.min_count || goal.gathers_left();
                plan.sizes.push(if starts { count } else { 0 });
                if as_one {
                    plan.numbers.push(number);
                }
            }
        }
        let fields = goal.order - usize::from(!goal.neighbours.of_all());
        plan.layout = Layout::new(rank, fields.max(1));
        plan
    }

    /// The last depth (fields fixed besides the first symbol) that still makes rows.
    pub(crate) fn last_depth(&self) -> usize {
        self.goal.order - 1
    }

    /// Whether groups at `depth` are looked into, be it for a sum or for longer rows.
    pub(crate) fn opens(&self, depth: usize) -> bool {
        self.goal.sums(depth) || depth < self.last_depth()
    }

    /// How many ranks there are, the break included.
    pub(crate) fn ranks_len(&self) -> usize {
        self.ids.len()
    }

    /// Ranges of first symbols whose windows fit `capacity` keys together, in ascending order. A symbol
    /// that does not fit alone gets a range of its own.
    pub(crate) fn passes(&self, capacity: u64) -> Vec<Range<usize>> {
        fit(&self.sizes, 1, capacity)
    }
}

/// Cuts `sizes[first..]` into ranges whose sums are at most `capacity`, or that hold one element.
pub(crate) fn fit(sizes: &[u64], first: usize, capacity: u64) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut start, mut sum) = (first, 0_u64);
    for (at, &size) in sizes.iter().enumerate().skip(first) {
        if sum > 0 && sum.saturating_add(size) > capacity {
            ranges.push(start..at);
            (start, sum) = (at, 0);
        }
        sum = sum.saturating_add(size);
    }
    if sum > 0 {
        ranges.push(start..sizes.len());
    }
    ranges
}

/// The allocation of the memory that the corpus leaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Keys in the shared buffer.
    pub buffer_keys: usize,
    /// Keys in each of the two buffers of a worker.
    pub scratch_keys: usize,
    /// Keys worked off before the sink is handed their rows.
    pub batch_keys: usize,
    /// Bytes of rows and tables.
    pub table_bytes: u64,
}

/// Fewest keys that a shared buffer and a worker's buffers get, whatever the budget.
const LEAST_BUFFER: u64 = 1 << 16;
const LEAST_SCRATCH: u64 = 1 << 14;
/// A worker's buffers stay within reach of the second-level cache as far as they are used.
const MOST_SCRATCH: u64 = 1 << 20;

/// Rows of so many keys are a small share of any table, and enough to keep many threads at work.
const BATCH_KEYS: usize = 1 << 20;

impl Limits {
    /// Shares out what `context` allows, for keys of `key_bytes`.
    pub(crate) fn new(
        corpus: &impl IdParts,
        plan: &Plan,
        key_bytes: u64,
        context: &Context,
    ) -> Self {
        let threads = context.threads() as u64;
        let ids: u64 = corpus.counts().iter().sum();
        let part = 4 * ids / (corpus.parts().max(1) as u64);
        let left = if plan.goal.gathers_left() { size_of::<Sum>() as u64 } else { 0 };
        let tables = plan.ranks_len() as u64 * (24 + left);
        let fixed = corpus.resident_bytes() + threads * (part + tables) + tables;
        let free = context.memory().bytes().saturating_sub(fixed);
        let windows: u64 = plan.sizes.iter().sum();
        let scratch = free / 8 / (2 * key_bytes * threads);
        let as_keys = |keys: u64| usize::try_from(keys).unwrap_or(usize::MAX);
        Self {
            buffer_keys: as_keys((free / 8 * 3 / key_bytes).max(LEAST_BUFFER).min(windows)),
            scratch_keys: as_keys(scratch.clamp(LEAST_SCRATCH, MOST_SCRATCH)),
            batch_keys: BATCH_KEYS,
            table_bytes: free / 2,
        }
    }
}

impl Limits {
    /// The same for a sink that keeps no rows, so that the tables' share bounds the rows on their way.
    pub(crate) fn streamed(self, plan: &Plan, key_bytes: u64) -> Self {
        // Vectors that grow hold up to twice what is in them.
        let key_rows = 2 * plan.goal.order as u64 * (4 + key_bytes + 8);
        let batch = (self.table_bytes / key_rows).max(LEAST_BUFFER);
        Self { batch_keys: usize::try_from(batch).unwrap_or(usize::MAX), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_that_cannot_matter_have_no_rank() {
        let counts = [9, 1, 5, 2, 1, 7];
        let names = ["1998", "3", "4", "5", "七"].map(Into::into).to_vec();
        let symbols = Symbols::new(names).unwrap();
        let goal = Goal { order: 2, min_count: 5, neighbours: Neighbours::OfAll };
        let plan = Plan::new(&counts, &symbols, goal);
        assert_eq!(plan.ranks, [0, 0, 1, 2, 0, 3]);
        assert_eq!(plan.ids, [0, 2, 3, 5]);
        assert_eq!(plan.sizes, [0, 5, 0, 7]);
        assert_eq!(plan.layout.fields(), 2);
        let plan = Plan::new(&counts, &symbols, Goal { neighbours: Neighbours::OfNone, ..goal });
        assert_eq!(plan.ids, [0, 2, 5]);
        let plan = Plan::new(&counts, &symbols, Goal { neighbours: Neighbours::OfSingles, ..goal });
        assert_eq!(
            (&plan.ids[..], &plan.sizes[..]),
            (&[0, 1, 2, 3, 4, 5][..], &[0, 1, 5, 2, 1, 7][..])
        );
        let plan = Plan::new(&counts, &symbols, Goal { min_count: 1, ..goal });
        assert_eq!(plan.ids, [0, 1, 2, 3, 4, 5]);
        let neighbours = Neighbours::OfAllNumbersAsOne;
        let plan = Plan::new(&counts, &symbols, Goal { neighbours, ..goal });
        assert_eq!(
            (&plan.ids[..], &plan.sizes[..]),
            (&[0, 1, 2, 3, 4, 5][..], &[0, 0, 5, 0, 0, 7][..])
        );
        assert_eq!(plan.numbers, [false, true, true, true, true, false]);
        let mut sum = OpenSum::default();
        for (rank, count) in [(1, 2), (5, 3), (2, 2)] {
            sum.add(rank, count, &plan);
        }
        assert_eq!(sum.total(&plan), plan.terms.of(4) + plan.terms.of(3));
    }

    #[test]
    fn passes_fit_their_capacity_or_hold_one_symbol() {
        assert_eq!(fit(&[0, 3, 3, 9, 0, 1], 1, 6), [1..3, 3..4, 4..6]);
        assert_eq!(fit(&[0, 3, 3], 1, 1), [1..2, 2..3]);
        assert!(fit(&[0, 0, 0], 1, 5).is_empty());
        assert!(fit(&[], 1, 5).is_empty());
    }
}
