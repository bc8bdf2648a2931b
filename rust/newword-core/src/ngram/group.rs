//! From a bucket of windows to rows: tally, drop the rare, distribute, go one symbol deeper.

use super::key::{Key, Layout};
use super::plan::{OpenSum, Plan};
use super::rows::Output;
use super::scatter::Slice;
use super::sums::{Sum, Terms};
use crate::support::{Context, Result};

/// Counts by rank of one field, cleared after use.
///
/// Invariant between uses: all of `slots` are 0 and `distinct` is 0.
#[derive(Debug)]
pub(crate) struct Tally {
    slots: Vec<u32>,
    touched: Vec<u32>,
    distinct: usize,
}

impl Tally {
    pub(crate) fn new(ranks: usize) -> Self {
        Self { slots: vec![0; ranks], touched: vec![0; ranks + 1], distinct: 0 }
    }

    /// Counts fewer than 2^32 ranks.
    #[inline]
    pub(crate) fn count(&mut self, ranks: impl Iterator<Item = u32>) {
        let mut distinct = 0;
        for rank in ranks {
            let slot = &mut self.slots[rank as usize];
            // Always written, only kept where the rank is new: no branch to predict.
            self.touched[distinct] = rank;
            distinct += usize::from(*slot == 0);
            *slot += 1;
        }
        self.distinct = distinct;
    }

    /// The sum of c ln c over the counts of all ranks but 0, which are set back to 0.
    pub(crate) fn sum_and_clear(&mut self, terms: &Terms) -> Sum {
        let ranks = self.touched[..self.distinct].iter().filter(|rank| **rank != 0);
        let sum = ranks.map(|&rank| terms.of(u64::from(self.slots[rank as usize]))).sum();
        self.clear();
        sum
    }

    /// Sets the counts of all ranks back to 0.
    fn clear(&mut self) {
        for &rank in &self.touched[..self.distinct] {
            self.slots[rank as usize] = 0;
        }
        self.distinct = 0;
    }
}

/// Adds to the sum over the symbols before the second symbol of a pair what the first adds. `left` is
/// empty if not needed.
#[inline]
pub(super) fn add_left(left: &mut [OpenSum], [first, second]: [u32; 2], count: u64, plan: &Plan) {
    if let Some(sum) = left.get_mut(second as usize) {
        sum.add(first, count, plan);
    }
}

/// A group within its parent: the rank of its next symbol and its size.
pub(crate) type Child = (u32, u32);

/// One thread's tools.
///
/// Invariant: the groups of one depth lie in one of `ping` and `pong`, those one deeper in the same
/// range of the other, so that two buffers are enough for any depth.
#[derive(Debug)]
pub(crate) struct Worker<K> {
    ping: Vec<K>,
    pong: Vec<K>,
    state: State,
}

#[derive(Debug)]
struct State {
    tally: Tally,
    /// Children of the groups being worked on, innermost last.
    children: Vec<Child>,
    /// By rank: the sum over the symbols before it, as far as this worker saw them; or empty.
    left: Vec<OpenSum>,
}

/// What stays the same while a bucket is worked on.
pub(crate) struct Job<'a, F> {
    pub plan: &'a Plan,
    pub context: &'a Context,
    pub first: u32,
    pub found: &'a mut F,
}

impl<K: Key> Worker<K> {
    pub(crate) fn new(plan: &Plan) -> Self {
        let ranks = if plan.goal.gathers_left() { plan.ranks_len() } else { 0 };
        let left = vec![OpenSum::default(); ranks];
        let state = State { tally: Tally::new(plan.ranks_len()), children: Vec::new(), left };
        Self { ping: Vec::new(), pong: Vec::new(), state }
    }

    /// By rank: the sums over the symbols before, as far as this worker saw them.
    pub(crate) fn left_sums(&self) -> &[OpenSum] {
        &self.state.left
    }

    fn reserve(&mut self, keys: usize) {
        if self.ping.len() < keys {
            self.ping.resize(keys, K::default());
            self.pong.resize(keys, K::default());
        }
    }

    /// Finds the rows of a bucket of keys that share the first symbol.
    ///
    /// # Errors
    /// [`crate::support::Error::Cancelled`].
    pub(crate) fn bucket<F: Output<K>>(&mut self, keys: Slice<K>, job: &mut Job<F>) -> Result<()> {
        let len = keys.len();
        self.reserve(len);
        let Self { ping, pong, state } = self;
        keys.copy_to(&mut ping[..len]);
        state.group(&mut ping[..len], &mut pong[..len], 0, job)
    }

    /// Finds the rows of those `children` of one group at `depth` that are to be looked into; `keys` is
    /// the whole group, from which they are picked.
    ///
    /// # Errors
    /// [`crate::support::Error::Cancelled`].
    pub(crate) fn pick<F: Output<K>>(
        &mut self,
        keys: impl Iterator<Item = K>,
        children: &[Child],
        depth: usize,
        job: &mut Job<F>,
    ) -> Result<()> {
        self.reserve(children.iter().map(|&(_, size)| size as usize).sum());
        let base = self.state.children.len();
        self.state.children.extend_from_slice(children);
        let Self { ping, pong, state } = self;
        state.pick(keys, ping, (depth, base), job.plan.layout);
        state.descend(ping, pong, (depth + 1, base), job)
    }
}

impl State {
    /// Notes of the group just tallied, whose keys share nothing but the symbol `first`, what that
    /// symbol adds to the sums of those that follow it.
    fn note_left(&mut self, first: u32, plan: &Plan) {
        let Tally { slots, touched, distinct } = &self.tally;
        for &rank in &touched[..*distinct] {
            let count = u64::from(slots[rank as usize]);
            add_left(&mut self.left, [first, rank], count, plan);
        }
    }

    /// Sums over all children of the group of `len` keys just tallied and stacks those worth looking
    /// into, sorted. The slots of the others become places at the end of the group.
    fn keep_children(&mut self, len: usize, plan: &Plan) -> Sum {
        let (mut sum, base) = (OpenSum::default(), self.children.len());
        // A group has fewer than 2^32 keys, since it fits a worker.
        let mut end = u32::try_from(len).unwrap_or(u32::MAX);
        let Tally { slots, touched, distinct } = &mut self.tally;
        for &rank in &touched[..*distinct] {
            let slot = &mut slots[rank as usize];
            if rank != 0 {
                sum.add(rank, u64::from(*slot), plan);
                if u64::from(*slot) >= plan.goal.min_count {
                    self.children.push((rank, *slot));
                    continue;
                }
            }
            end -= *slot;
            *slot = end;
        }
        self.children[base..].sort_unstable();
        sum.total(plan)
    }

    /// Whether the children stacked from `base` of a group at `depth` are to be distributed; where
    /// not, their rows are made here, if there are any, they are unstacked, and the tally is cleared.
    fn goes_deeper<K: Key, F: Output<K>>(
        &mut self,
        (depth, base, prefix): (usize, usize, K),
        job: &mut Job<F>,
    ) -> bool {
        if depth < job.plan.last_depth() && job.plan.opens(depth + 1) {
            return true;
        }
        if depth < job.plan.last_depth() {
            for &(rank, size) in &self.children[base..] {
                let key = prefix.with(depth, rank, job.plan.layout);
                job.found.push(depth + 1, job.first, key, u64::from(size), None);
            }
        }
        self.children.truncate(base);
        self.tally.clear();
        false
    }

    /// Distributes a group just tallied into `to`: the children stacked from `base` in front, the keys
    /// of no child behind them. So every key is moved without asking what it is. Clears the tally.
    fn place<K: Key>(
        &mut self,
        keys: &[K],
        to: &mut [K],
        (depth, base): (usize, usize),
        layout: Layout,
    ) {
        let slots = &mut self.tally.slots;
        let mut next = 0;
        for &(rank, size) in &self.children[base..] {
            slots[rank as usize] = next;
            next += size;
        }
        for &key in keys {
            let slot = &mut slots[key.field(depth, layout) as usize];
            to[*slot as usize] = key;
            *slot += 1;
        }
        self.tally.clear();
    }

    /// Picks the children stacked from `base` out of keys that were not tallied, into `to`.
    fn pick<K: Key>(
        &mut self,
        keys: impl Iterator<Item = K>,
        to: &mut [K],
        (depth, base): (usize, usize),
        layout: Layout,
    ) {
        let slots = &mut self.tally.slots;
        let mut next = 1;
        for &(rank, size) in &self.children[base..] {
            slots[rank as usize] = next;
            next += size;
        }
        keys.for_each(|key| {
            let slot = &mut slots[key.field(depth, layout) as usize];
            if *slot != 0 {
                to[*slot as usize - 1] = key;
                *slot += 1;
            }
        });
        for &(rank, _) in &self.children[base..] {
            slots[rank as usize] = 0;
        }
    }

    /// Works on the children stacked from `base`, which lie in `keys` one after the other and share
    /// their first `depth` fields each, and unstacks them.
    fn descend<K: Key, F: Output<K>>(
        &mut self,
        keys: &mut [K],
        spare: &mut [K],
        (depth, base): (usize, usize),
        job: &mut Job<F>,
    ) -> Result<()> {
        // A cancelled job may have ended the keys early: look before they are used.
        job.context.check()?;
        let mut start = 0;
        for at in base..self.children.len() {
            let end = start + self.children[at].1 as usize;
            self.group(&mut keys[start..end], &mut spare[start..end], depth, job)?;
            start = end;
        }
        self.children.truncate(base);
        Ok(())
    }

    /// Works on a group: `keys` share their first `depth` fields.
    fn group<K: Key, F: Output<K>>(
        &mut self,
        keys: &mut [K],
        spare: &mut [K],
        depth: usize,
        job: &mut Job<F>,
    ) -> Result<()> {
        if keys.len() <= F::SORTED {
            keys.sort_unstable();
            job.found.sorted(keys, depth, (job.first, job.plan), &mut self.left);
            return Ok(());
        }
        let prefix = keys[0].prefix(depth, job.plan.layout);
        if !job.plan.opens(depth) {
            job.found.push(depth, job.first, prefix, keys.len() as u64, None);
            return Ok(());
        }
        let layout = job.plan.layout;
        self.tally.count(keys.iter().map(|key| key.field(depth, layout)));
        if depth == 0 && !self.left.is_empty() {
            self.note_left(job.first, job.plan);
        }
        let base = self.children.len();
        let sum = self.keep_children(keys.len(), job.plan);
        let sum = job.plan.goal.sums(depth).then_some(sum);
        // Only a single symbol can be looked at for another's sake.
        if depth > 0 || keys.len() as u64 >= job.plan.goal.min_count {
            job.found.push(depth, job.first, prefix, keys.len() as u64, sum);
        }
        if self.goes_deeper((depth, base, prefix), job) {
            self.place(keys, spare, (depth, base), job.plan.layout);
            self.descend(spare, keys, (depth + 1, base), job)?;
        }
        Ok(())
    }
}
