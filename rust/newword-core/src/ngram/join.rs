//! The left sums: assigns rows of the backward sweep to their n-grams.

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::key::Key;
use super::plan::{CHECK_EVERY, Plan};
use super::rows::{Found, Ledger, Rows};
use super::sums::nats;
use super::sweep::Sink;
use super::table::Level;
use crate::support::{Context, Error, Result};

/// The rows of one level by their last symbol.
///
/// Invariant: `rows[starts[r]..starts[r + 1]]` are the rows that end with rank r, in ascending order;
/// thus ordered by the symbols before the last.
struct ByLast {
    starts: Vec<usize>,
    rows: Vec<usize>,
}

impl ByLast {
    fn new(level: &Level, n: usize, plan: &Plan, context: &Context) -> Result<Self> {
        let mut starts = vec![0; plan.ranks_len() + 1];
        let last = |gram: &[u32]| plan.ranks[gram[n - 1] as usize] as usize;
        for grams in level.grams.chunks(n * CHECK_EVERY) {
            context.check()?;
            for gram in grams.chunks_exact(n) {
                starts[last(gram) + 1] += 1;
            }
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let (mut next, mut rows) = (starts.clone(), vec![0; level.len()]);
        for (row, gram) in level.grams.chunks_exact(n).enumerate() {
            if row % CHECK_EVERY == 0 {
                context.check()?;
            }
            let at = &mut next[last(gram)];
            rows[*at] = row;
            *at += 1;
        }
        Ok(Self { starts, rows })
    }
}

/// Takes the rows of a backward sweep and gives each left sum to its n-gram.
///
/// Backward rows of one first symbol z are the n-grams that end with z, sorted backwards. Sorting
/// those few forwards puts them side by side with the n-grams that end with z.
pub(crate) struct LeftSums<'a, K> {
    plan: &'a Plan,
    context: &'a Context,
    ledger: &'a Ledger,
    indexes: Vec<ByLast>,
    /// Bits of the left sums, one per row and level.
    sums: Vec<Vec<AtomicU64>>,
    /// Rows of last symbols whose rows may not be complete yet.
    pending: Vec<Found<K>>,
}

impl<'a, K: Key> LeftSums<'a, K> {
    /// # Errors
    /// [`Error::Memory`] if the index of the rows goes over the limit.
    pub(crate) fn new(
        levels: &[Level],
        plan: &'a Plan,
        context: &'a Context,
        ledger: &'a Ledger,
    ) -> Result<Self> {
        let rows: usize = levels.iter().map(Level::len).sum();
        ledger.take(8 * rows as u64)?;
        let indexes: Result<_> = context.pool().install(|| {
            let levels = levels.par_iter().enumerate();
            levels.map(|(at, level)| ByLast::new(level, at + 1, plan, context)).collect()
        });
        let sums = levels
            .iter()
            .map(|level| vec![0_u64; level.len()].into_iter().map(AtomicU64::new).collect())
            .collect();
        Ok(Self { plan, context, ledger, indexes: indexes?, sums, pending: Vec::new() })
    }

    /// The left sums in nats, one per row and level.
    pub(crate) fn finish(self) -> Vec<Vec<f64>> {
        let bits = |sums: Vec<AtomicU64>| {
            sums.into_iter().map(|bits| f64::from_bits(bits.into_inner())).collect()
        };
        self.sums.into_iter().map(bits).collect()
    }

    fn join(&self, at: usize, rows: &Rows<K>) -> Result<()> {
        let mut runs = Vec::new();
        let mut start = 0;
        for run in rows.firsts.chunk_by(|a, b| a == b) {
            runs.push(start..start + run.len());
            start += run.len();
        }
        runs.into_par_iter().with_min_len(16).try_for_each(|run| {
            self.context.check()?;
            let first = rows.firsts[run.start] as usize;
            let mut sorted: Vec<_> = rows.keys[run.clone()]
                .iter()
                .zip(&rows.sums[run])
                .map(|(key, &sum)| (key.reversed(at, self.plan.layout), sum))
                .collect();
            sorted.sort_unstable_by_key(|&(key, _)| key);
            let ByLast { starts, rows } = &self.indexes[at];
            let rows = &rows[starts[first]..starts[first + 1]];
            if rows.len() != sorted.len() {
                return Err(Error::Corpus("the parts of the corpus changed between passes".into()));
            }
            for (&row, (_, sum)) in rows.iter().zip(sorted) {
                self.sums[at][row].store(nats(sum).to_bits(), Ordering::Relaxed);
            }
            Ok(())
        })
    }
}

impl<K: Key> Sink<K> for LeftSums<'_, K> {
    type Found = Found<K>;
    type Taken = Found<K>;

    fn begin(&self) -> Found<K> {
        Found::new(self.plan.goal.order)
    }

    fn end(&self, found: Found<K>) -> Result<Found<K>> {
        self.ledger.take(found.bytes())?;
        Ok(found)
    }

    fn take(&mut self, found: Vec<Found<K>>) -> Result<()> {
        self.pending.extend(found);
        Ok(())
    }

    fn settled(&mut self) -> Result<()> {
        let pending = std::mem::take(&mut self.pending);
        self.ledger.give(pending.iter().map(Found::bytes).sum());
        let levels = Found::by_level(pending);
        self.context.check()?;
        let each = levels.par_iter().enumerate();
        self.context.pool().install(|| each.try_for_each(|(at, rows)| self.join(at, rows)))
    }
}
