//! One sweep over the corpus: passes over ranges of first symbols, each partitioned and worked off.

use std::ops::Range;
use std::sync::Mutex;

use rayon::prelude::*;

use super::group::{Job, Worker};
use super::key::Key;
use super::parts::IdParts;
use super::plan::{Limits, OpenSum, Plan};
use super::rows::Output;
use super::scatter::{Buffer, Scan, lock, put_back, take};
use crate::support::{Context, Result};

/// Takes rows as a sweep finds them.
///
/// All calls together hand over the rows of each length in lexicographic order, and with each row, in
/// the same call or later ones, the rows it begins.
pub(crate) trait Sink<K>: Sync {
    /// The rows of a task on their way.
    type Found: Output<K>;
    /// What it takes of a task.
    type Taken: Send;

    /// For the rows of a task that begins.
    fn begin(&self) -> Self::Found;

    /// Prepares the rows of a task that is done, on its thread.
    ///
    /// # Errors
    /// What the sink meets.
    fn end(&self, found: Self::Found) -> Result<Self::Taken>;

    /// Takes rows.
    ///
    /// # Errors
    /// What the sink meets.
    fn take(&mut self, found: Vec<Self::Taken>) -> Result<()>;

    /// All rows of the first symbols seen so far have been handed over.
    ///
    /// # Errors
    /// What the sink meets.
    fn settled(&mut self) -> Result<()>;
}

/// Keys of small buckets that make one task.
const TASK_KEYS: u64 = 1 << 15;

/// A sweep in one direction.
pub(crate) struct Sweep<'a, P, K> {
    pub scan: Scan<'a, P>,
    pub limits: Limits,
    workers: Mutex<Vec<Worker<K>>>,
    /// As [`Worker::left_sums`], of what no worker saw whole.
    left: Mutex<Vec<OpenSum>>,
}

impl<'a, P: IdParts, K: Key> Sweep<'a, P, K> {
    pub(crate) fn new(scan: Scan<'a, P>, limits: Limits) -> Self {
        Self { scan, limits, workers: Mutex::default(), left: Mutex::default() }
    }

    pub(crate) fn plan(&self) -> &'a Plan {
        self.scan.plan
    }

    pub(crate) fn context(&self) -> &'a Context {
        self.scan.context
    }

    /// Finds all rows. O(passes * N + N * order).
    ///
    /// # Errors
    /// Loading a part, the sink, a full ledger, or a cancelled job.
    pub(crate) fn run(&self, buffer: &Buffer, sink: &mut impl Sink<K>) -> Result<()> {
        let capacity = buffer.capacity::<K>() as u64;
        for firsts in self.plan().passes(capacity) {
            if self.plan().sizes[firsts.clone()].iter().sum::<u64>() > capacity {
                let first = self.only(firsts);
                self.oversize(first, (K::default(), 0), buffer, sink)?;
                sink.settled()?;
            } else {
                self.scan.partition::<K>(firsts.clone(), buffer)?;
                self.buckets(firsts, buffer, sink)?;
            }
        }
        Ok(())
    }

    /// Notes what the symbol `first` adds to the sums over the symbols before others; `counts` are
    /// those of its pairs.
    pub(crate) fn note_left(&self, first: u32, counts: &[u64]) {
        let mut left = lock(&self.left);
        left.resize(self.plan().ranks_len(), OpenSum::default());
        for (sum, &count) in left.iter_mut().zip(counts) {
            sum.add(first, count, self.plan());
        }
    }

    /// By rank: the sum over the symbols before it, after [`Sweep::run`]; where the goal gathers them.
    pub(crate) fn left_sums(&self) -> Vec<OpenSum> {
        let mut sums = lock(&self.left).clone();
        sums.resize(self.plan().ranks_len(), OpenSum::default());
        for worker in lock(&self.workers).iter() {
            sums.iter_mut().zip(worker.left_sums()).for_each(|(sum, more)| sum.join(*more));
        }
        sums
    }

    /// Works off the buckets of a pass on all threads, in batches that the sink can hold.
    fn buckets(
        &self,
        firsts: Range<usize>,
        buffer: &Buffer,
        sink: &mut impl Sink<K>,
    ) -> Result<()> {
        let sizes = &self.plan().sizes;
        let most = TASK_KEYS.min(self.split_above(buffer)).min(self.limits.batch_keys as u64);
        let mut tasks = super::plan::fit(&sizes[..firsts.end], firsts.start, most).into_iter();
        let mut start = 0;
        loop {
            let (mut batch, mut keys, mut alone) = (Vec::new(), 0, None);
            for task in tasks.by_ref() {
                let size: u64 = sizes[task.clone()].iter().sum();
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                let at = (task, start);
                start += size;
                if size > self.limits.batch_keys {
                    alone = Some(at);
                    break;
                }
                batch.push(at);
                keys += size;
                if keys >= self.limits.batch_keys {
                    break;
                }
            }
            if batch.is_empty() && alone.is_none() {
                return Ok(());
            }
            let found: Result<Vec<_>> = self.context().pool().install(|| {
                let tasks = batch.into_par_iter().with_max_len(1);
                tasks.map(|(firsts, start)| self.task(firsts, start, buffer, &*sink)).collect()
            });
            sink.take(found?.into_iter().flatten().collect())?;
            sink.settled()?;
            if let Some((firsts, at)) = alone {
                let first = self.only(firsts);
                self.stream(first, (K::default(), 0), &buffer.slice(at..start), sink)?;
                sink.settled()?;
            }
        }
    }

    /// The one symbol of a range that starts windows.
    fn only(&self, mut firsts: Range<usize>) -> u32 {
        let start = firsts.start;
        let first = firsts.find(|&rank| self.plan().sizes[rank] > 0).unwrap_or(start);
        u32::try_from(first).unwrap_or(u32::MAX)
    }

    /// Works off consecutive buckets, of which the first begins at `start`.
    fn task<S: Sink<K>>(
        &self,
        firsts: Range<usize>,
        start: usize,
        buffer: &Buffer,
        sink: &S,
    ) -> Result<Vec<S::Taken>> {
        let sizes = (0_u32..).zip(&self.plan().sizes).skip(firsts.start).take(firsts.len());
        let sizes = sizes.filter(|&(_, &size)| size > 0);
        let split = self.split_above(buffer);
        if let Some((first, &size)) = sizes.clone().find(|&(_, &size)| size > split) {
            // Larger than a task, so it is the only bucket of this one.
            let len = usize::try_from(size).unwrap_or(usize::MAX);
            return self.large(first, (K::default(), 0), &buffer.slice(start..start + len), sink);
        }
        self.with_worker(sink, |worker, found| {
            let mut start = start;
            for (first, &size) in sizes {
                let len = usize::try_from(size).unwrap_or(usize::MAX);
                let mut job = Job { plan: self.plan(), context: self.context(), first, found };
                worker.bucket(buffer.slice(start..start + len), &mut job)?;
                start += len;
            }
            Ok(())
        })
        .map(|found| vec![found])
    }

    /// Buckets above this size are split: they do not fit a worker, or would leave threads idle.
    fn split_above(&self, buffer: &Buffer) -> u64 {
        let fair = buffer.capacity::<K>() / (8 * self.context().threads());
        let fair = if self.context().threads() == 1 { usize::MAX } else { fair };
        (self.limits.scratch_keys.min(fair) as u64)
            .max(TASK_KEYS.min(self.limits.scratch_keys as u64))
    }

    /// Lends a worker.
    pub(crate) fn with_worker<S: Sink<K>>(
        &self,
        sink: &S,
        work: impl FnOnce(&mut Worker<K>, &mut S::Found) -> Result<()>,
    ) -> Result<S::Taken> {
        self.context().check()?;
        let mut worker = take(&self.workers).unwrap_or_else(|| Worker::new(self.plan()));
        let mut found = sink.begin();
        work(&mut worker, &mut found)?;
        put_back(&self.workers, worker);
        sink.end(found)
    }
}
