//! Counting by partition and sort.

use rayon::prelude::*;

use super::join::LeftSums;
use super::key::{Key, Wide, Width};
use super::options::CountOptions;
use super::parts::IdParts;
use super::plan::{Goal, Limits, Plan};
use super::rows::{Found, Ledger};
use super::scatter::{Buffer, Direction, Scan};
use super::sums::nats;
use super::sweep::{Sink, Sweep};
use super::{Level, NgramTable};
use crate::support::{Context, Result, Stage};

/// Counts all n-grams of 1 to `order` symbols, and their neighbours; none reaches across a break.
///
/// The result does not depend on threads, parts or memory. Time is O(N * order) for a corpus of N
/// symbols as long as its windows fit the memory left, and one more reading of the ids for each time
/// they do not; `memory` bounds windows and rows together.
///
/// # Errors
/// [`Error::InvalidArgument`] for an order or a count out of range; [`Error::Memory`] if the rows
/// that are kept do not fit; [`Error::Cancelled`]; what loading a part meets.
pub fn count(
    corpus: &impl IdParts,
    options: CountOptions,
    context: &Context,
) -> Result<NgramTable> {
    count_within(corpus, options, context, |limits| limits)
}

/// [`count`] with limits changed by `adjust`, by which tests force many passes.
pub(crate) fn count_within(
    corpus: &impl IdParts,
    options: CountOptions,
    context: &Context,
    adjust: impl Fn(Limits) -> Limits,
) -> Result<NgramTable> {
    context.check()?;
    options.validate()?;
    let CountOptions { order, min_count, neighbours } = options;
    let plan = Plan::new(corpus.counts(), corpus.symbols(), Goal { order, min_count, neighbours });
    let limits = |key_bytes| adjust(Limits::new(corpus, &plan, key_bytes, context));
    let levels = match plan.layout.width() {
        Width::Narrow => levels::<u64>(corpus, &plan, limits(8), context),
        Width::Double => levels::<u128>(corpus, &plan, limits(16), context),
        Width::Wide => levels::<Wide>(corpus, &plan, limits(32), context),
    }?;
    Ok(NgramTable { symbols: corpus.symbols().clone(), total: corpus.total(), min_count, levels })
}

fn levels<K: Key>(
    corpus: &impl IdParts,
    plan: &Plan,
    limits: Limits,
    context: &Context,
) -> Result<Vec<Level>> {
    let buffer = Buffer::new::<K>(limits.buffer_keys, context.threads());
    let passes = plan.passes(limits.buffer_keys as u64).len() as u64;
    let both = plan.goal.neighbours.of_all();
    let sweeps = if both { 2 } else { 1 };
    context
        .progress()
        .begin(Stage::Counting, corpus.counts().iter().sum::<u64>() * passes * sweeps);
    let ledger = Ledger::new(limits.table_bytes);
    let sweep = |direction| Sweep::<_, K>::new(Scan::new(corpus, plan, direction, context), limits);
    let mut table =
        Table { plan, context, ledger: &ledger, levels: vec![Level::default(); plan.goal.order] };
    let forward = sweep(Direction::Forward);
    forward.run(&buffer, &mut table)?;
    let mut levels = table.levels;
    if plan.goal.gathers_left() {
        let (left, singles) = (forward.left_sums(), &mut levels[0]);
        let rank = |id: &u32| plan.ranks[*id as usize] as usize;
        let sum = |id: &u32| nats(left[rank(id)].total(plan));
        singles.left_sums = singles.grams.iter().map(sum).collect();
    }
    if both {
        let mut left = LeftSums::<K>::new(&levels, plan, context, &ledger)?;
        sweep(Direction::Backward).run(&buffer, &mut left)?;
        for (level, sums) in levels.iter_mut().zip(left.finish()) {
            level.left_sums = sums;
        }
    }
    Ok(levels)
}

/// Takes the rows of the forward sweep into the levels of a table.
struct Table<'a> {
    plan: &'a Plan,
    context: &'a Context,
    ledger: &'a Ledger,
    levels: Vec<Level>,
}

impl<K: Key> Sink<K> for Table<'_> {
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
        self.context.check()?;
        self.ledger.give(found.iter().map(Found::bytes).sum());
        let rows = |at: usize| found.iter().map(|task| task.levels[at].len()).sum::<usize>();
        // What a row takes in the end: n ids, a count, two sums.
        let bytes = (0..self.levels.len()).map(|at| rows(at) * (4 * (at + 1) + 24)).sum::<usize>();
        self.ledger.take(bytes as u64)?;
        let plan = self.plan;
        self.context.pool().install(|| {
            self.levels.par_iter_mut().enumerate().for_each(|(at, level)| {
                level.grams.reserve(rows(at) * (at + 1));
                for rows in found.iter().map(|task| &task.levels[at]) {
                    for (&first, key) in rows.firsts.iter().zip(&rows.keys) {
                        level.grams.push(plan.ids[first as usize]);
                        let ranks = (0..at).map(|field| key.field(field, plan.layout));
                        level.grams.extend(ranks.map(|rank| plan.ids[rank as usize]));
                    }
                    level.counts.extend_from_slice(&rows.counts);
                    level.right_sums.extend(rows.sums.iter().map(|&sum| nats(sum)));
                }
            });
        });
        Ok(())
    }

    fn settled(&mut self) -> Result<()> {
        Ok(())
    }
}
