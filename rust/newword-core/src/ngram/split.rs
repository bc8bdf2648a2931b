//! Groups too large for one thread or for the buffer: a corpus may be one symbol a million times.

use rayon::prelude::*;

use super::group::{Child, Job};
use super::key::Key;
use super::parts::IdParts;
use super::plan::{CHECK_EVERY, OpenSum, fit};
use super::rows::Output as _;
use super::scatter::{Buffer, Slice};
use super::sweep::{Sink, Sweep};
use crate::support::Result;

/// Ranks that extend a group, each with the number of its windows.
type Children = Vec<(u32, u64)>;

/// Least keys that are worth a task of their own.
const LEAST_TASK: usize = 1 << 14;

impl<P: IdParts, K: Key> Sweep<'_, P, K> {
    /// Finds the rows of the windows in `slice` that start with `first` and share `prefix`, the first
    /// `depth` fields, on all threads. Keys of other prefixes in the slice are passed over.
    ///
    /// The group is not moved: ranges of its children are picked out of it, each by one task; a child
    /// too large for a worker is worked off the same way, where it lies.
    pub(crate) fn large<S: Sink<K>>(
        &self,
        first: u32,
        group: (K, usize),
        slice: &Slice<K>,
        sink: &S,
    ) -> Result<Vec<S::Taken>> {
        let counts = self.sizes_in(group, slice)?;
        let (found, children) = self.open(first, group, &counts, sink)?;
        let mut all = vec![found];
        all.extend(self.children(first, group, &children, slice, sink)?);
        Ok(all)
    }

    /// The same for windows that do not even fit the buffer: they are counted and gathered from the
    /// corpus, one range of children after the other.
    pub(crate) fn oversize(
        &self,
        first: u32,
        (prefix, depth): (K, usize),
        buffer: &Buffer,
        sink: &mut impl Sink<K>,
    ) -> Result<()> {
        let counts = self.scan.tally(first, prefix, depth)?;
        let (found, children) = self.open(first, (prefix, depth), &counts, sink)?;
        sink.take(vec![found])?;
        let mut sizes = vec![0_u64; counts.len()];
        for &(rank, size) in &children {
            sizes[rank as usize] = size;
        }
        let capacity = buffer.capacity::<K>();
        for ranks in fit(&sizes, 1, capacity as u64) {
            let (low, high) = (ranks.start, ranks.end);
            let within: Vec<_> = children
                .iter()
                .copied()
                .filter(|&(rank, _)| (low..high).contains(&(rank as usize)))
                .collect();
            match within[..] {
                [(rank, size)] if size > capacity as u64 => {
                    let longer = prefix.with(depth, rank, self.plan().layout);
                    self.oversize(first, (longer, depth + 1), buffer, sink)?;
                }
                _ => {
                    let wanted =
                        |rank: u32| ranks.contains(&(rank as usize)) && sizes[rank as usize] > 0;
                    let held = self.scan.gather(first, (prefix, depth), wanted, buffer)?;
                    let slice = buffer.slice(0..held);
                    self.stream_children(first, (prefix, depth), &within, &slice, sink)?;
                }
            }
        }
        Ok(())
    }

    /// [`Sweep::large`] for a group whose rows may be too many to hold: the sink is handed them in
    /// batches.
    pub(crate) fn stream(
        &self,
        first: u32,
        group: (K, usize),
        slice: &Slice<K>,
        sink: &mut impl Sink<K>,
    ) -> Result<()> {
        let counts = self.sizes_in(group, slice)?;
        let (found, children) = self.open(first, group, &counts, sink)?;
        sink.take(vec![found])?;
        self.stream_children(first, group, &children, slice, sink)
    }

    fn stream_children(
        &self,
        first: u32,
        (prefix, depth): (K, usize),
        children: &[(u32, u64)],
        slice: &Slice<K>,
        sink: &mut impl Sink<K>,
    ) -> Result<()> {
        let sizes: Vec<u64> = children.iter().map(|&(_, size)| size).collect();
        let most = self.limits.batch_keys as u64;
        for range in fit(&sizes, 0, most) {
            match children[range] {
                [(rank, size)] if size > most => {
                    let longer = prefix.with(depth, rank, self.plan().layout);
                    self.stream(first, (longer, depth + 1), slice, sink)?;
                }
                ref few => sink.take(self.children(first, (prefix, depth), few, slice, sink)?)?,
            }
        }
        Ok(())
    }

    /// The row of a group, from the counts of its next symbols, and the children to look into.
    fn open<S: Sink<K>>(
        &self,
        first: u32,
        (prefix, depth): (K, usize),
        counts: &[u64],
        sink: &S,
    ) -> Result<(S::Taken, Children)> {
        let plan = self.plan();
        let mut found = sink.begin();
        let mut sum = OpenSum::default();
        let mut children = Vec::new();
        for (rank, &count) in (0_u32..).zip(counts).skip(1).filter(|&(_, &count)| count > 0) {
            sum.add(rank, count, plan);
            if count >= plan.goal.min_count {
                children.push((rank, count));
            }
        }
        let (size, sum) = (counts.iter().sum(), plan.goal.sums(depth).then(|| sum.total(plan)));
        if depth == 0 && plan.goal.gathers_left() {
            self.note_left(first, counts);
        }
        if depth > 0 || size >= plan.goal.min_count {
            found.push(depth, first, prefix, size, sum);
        }
        if depth == plan.last_depth() {
            children.clear();
        } else if !plan.opens(depth + 1) {
            for (rank, count) in children.drain(..) {
                found.push(depth + 1, first, prefix.with(depth, rank, plan.layout), count, None);
            }
        }
        Ok((sink.end(found)?, children))
    }

    /// Works off the `children` of a group, in ranges that fit a worker, on all threads.
    fn children<S: Sink<K>>(
        &self,
        first: u32,
        (prefix, depth): (K, usize),
        children: &[(u32, u64)],
        slice: &Slice<K>,
        sink: &S,
    ) -> Result<Vec<S::Taken>> {
        let sizes: Vec<u64> = children.iter().map(|&(_, size)| size).collect();
        let fair = slice.len() / (4 * self.context().threads());
        let most = fair.max(LEAST_TASK).min(self.limits.scratch_keys) as u64;
        let found: Result<Vec<_>> = self.context().pool().install(|| {
            let tasks = fit(&sizes, 0, most).into_par_iter().with_max_len(1);
            tasks
                .map(|range| match children[range] {
                    [(rank, size)] if size > self.limits.scratch_keys as u64 => {
                        let longer = prefix.with(depth, rank, self.plan().layout);
                        self.large(first, (longer, depth + 1), slice, sink)
                    }
                    ref few => self.picked(first, (prefix, depth), few, slice, sink),
                })
                .collect()
        });
        Ok(found?.into_iter().flatten().collect())
    }

    /// Works off children that fit a worker together.
    fn picked<S: Sink<K>>(
        &self,
        first: u32,
        (prefix, depth): (K, usize),
        children: &[(u32, u64)],
        slice: &Slice<K>,
        sink: &S,
    ) -> Result<Vec<S::Taken>> {
        let layout = self.plan().layout;
        let few: Vec<Child> = children
            .iter()
            .map(|&(rank, size)| (rank, u32::try_from(size).unwrap_or(u32::MAX)))
            .collect();
        // A cancelled job ends the keys early; the worker looks before it uses them.
        let keys = slice
            .chunks(CHECK_EVERY)
            .take_while(|_| self.context().check().is_ok())
            .flat_map(Slice::keys)
            .filter(|key| key.common(prefix, layout) >= depth);
        self.with_worker(sink, |worker, found| {
            let mut job = Job { plan: self.plan(), context: self.context(), first, found };
            worker.pick(keys, &few, depth, &mut job)
        })
        .map(|found| vec![found])
    }

    /// Counts by next symbol; of a group that is not looked into, its size alone.
    fn sizes_in(&self, group: (K, usize), slice: &Slice<K>) -> Result<Vec<u64>> {
        if self.plan().opens(group.1) {
            self.tally_slice(group, slice)
        } else {
            Ok(vec![self.size_of(group, slice)?])
        }
    }

    fn tally_slice(&self, (prefix, depth): (K, usize), slice: &Slice<K>) -> Result<Vec<u64>> {
        let layout = self.plan().layout;
        let ranks = self.plan().ranks_len();
        let chunk = (slice.len() / self.context().threads()).max(CHECK_EVERY);
        let tallies = |share: Slice<K>| {
            let mut counts = vec![0_u64; ranks];
            for chunk in share.chunks(CHECK_EVERY) {
                self.context().check()?;
                for key in chunk.keys().filter(|key| key.common(prefix, layout) >= depth) {
                    counts[key.field(depth, layout) as usize] += 1;
                }
            }
            Ok(counts)
        };
        let shares: Vec<_> = slice.chunks(chunk).collect();
        self.context().pool().install(|| {
            shares.into_par_iter().with_max_len(1).map(tallies).try_reduce(Vec::new, |a, b| {
                let (mut more, less) = if a.len() < b.len() { (b, a) } else { (a, b) };
                more.iter_mut().zip(less).for_each(|(sum, count)| *sum += count);
                Ok(more)
            })
        })
    }

    /// The size of a group that is not looked into.
    fn size_of(&self, (prefix, depth): (K, usize), slice: &Slice<K>) -> Result<u64> {
        let layout = self.plan().layout;
        let mut size = 0;
        for chunk in slice.chunks(CHECK_EVERY) {
            self.context().check()?;
            size += chunk.keys().filter(|key| key.common(prefix, layout) >= depth).count() as u64;
        }
        Ok(size)
    }
}
