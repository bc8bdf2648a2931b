//! From ids to windows: the walk over a part, and the buffer the windows are partitioned into.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use super::key::Key;
use super::parts::IdParts;
use super::plan::{CHECK_EVERY, Plan};
use crate::support::{Context, Error, Result};

/// Which way windows reach from their first symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Over the symbols that follow; rows are n-grams.
    Forward,
    /// Over the symbols that precede; rows are n-grams read backwards.
    Backward,
}

/// Where windows are partitioned by their first symbol: a buffer of keys all threads write to.
///
/// The words are atomics so that disjoint places can be written from several threads in safe code; a
/// relaxed store is an ordinary store.
#[derive(Debug)]
pub(crate) struct Buffer {
    words: Vec<AtomicU64>,
    keys_end: usize,
}

/// Words of a cache line, twice over because lines are fetched in pairs.
const LINE: usize = 16;

impl Buffer {
    /// Room for `keys` keys, and a place for each of `threads` to write what it does not want. The
    /// system hands out zero pages lazily, so untouched room costs nothing.
    pub(crate) fn new<K: Key>(keys: usize, threads: usize) -> Self {
        let keys_end = keys * K::WORDS;
        let words = vec![0; keys_end + (threads + 1) * LINE];
        Self { words: words.into_iter().map(AtomicU64::new).collect(), keys_end }
    }

    /// The place for this thread's unwanted keys, behind all others and in a cache line of its own.
    fn waste(&self) -> usize {
        let thread = rayon::current_thread_index().unwrap_or(0);
        let last = self.words.len() - LINE;
        (self.keys_end + thread * LINE).min(last)
    }

    /// How many keys it holds.
    pub(crate) fn capacity<K: Key>(&self) -> usize {
        self.keys_end / K::WORDS
    }

    /// The keys of a range.
    pub(crate) fn slice<K: Key>(&self, range: Range<usize>) -> Slice<'_, K> {
        let words = &self.words[range.start * K::WORDS..range.end * K::WORDS];
        Slice { words, key: PhantomData }
    }

    #[inline]
    fn put<K: Key>(&self, at: usize, key: K) {
        key.store(&self.words[at..at + K::WORDS]);
    }
}

/// Keys that lie side by side in a [`Buffer`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slice<'b, K> {
    words: &'b [AtomicU64],
    key: PhantomData<K>,
}

impl<'b, K: Key> Slice<'b, K> {
    pub(crate) fn len(&self) -> usize {
        self.words.len() / K::WORDS
    }

    pub(crate) fn keys(self) -> impl Iterator<Item = K> + Clone + use<'b, K> {
        self.words.chunks_exact(K::WORDS).map(K::load)
    }

    /// Copies the keys into `to`, which has as many.
    pub(crate) fn copy_to(self, to: &mut [K]) {
        for (to, words) in to.iter_mut().zip(self.words.chunks_exact(K::WORDS)) {
            *to = K::load(words);
        }
    }

    /// Cuts the slice into pieces of `len` keys, the last may be shorter.
    pub(crate) fn chunks(self, len: usize) -> impl Iterator<Item = Self> + use<'b, K> {
        self.words.chunks(len * K::WORDS).map(|words| Self { words, key: PhantomData })
    }
}

/// Calls `each(rank, key)` for every rank of a part, with the window that starts there; the rank is 0 at
/// breaks and at symbols that act as one, which are not left out because a branch on them would
/// cost more than it saves. Every [`CHECK_EVERY`] symbols it looks at the cancel flag.
fn walk<K: Key>(
    ranks: &[u32],
    own: Range<usize>,
    (plan, direction, context): (&Plan, Direction, &Context),
    mut each: impl FnMut(u32, K),
) -> Result<()> {
    let layout = plan.layout;
    // The key goes from step to step by value, so that it stays in a register.
    let next = |key: K, rank: u32| {
        if rank == 0 { K::default() } else { key.push_front(rank, layout) }
    };
    let mut step = |key: K, rank: u32| {
        each(rank, key);
        next(key, rank)
    };
    let (before, rest) = ranks.split_at(own.start);
    let (own, after) = rest.split_at(own.len());
    match direction {
        Direction::Forward => {
            let mut key = after.iter().rev().fold(K::default(), |key, &rank| next(key, rank));
            for chunk in own.rchunks(CHECK_EVERY) {
                key = chunk.iter().rev().fold(key, |key, &rank| step(key, rank));
                context.check()?;
            }
        }
        Direction::Backward => {
            let mut key = before.iter().fold(K::default(), |key, &rank| next(key, rank));
            for chunk in own.chunks(CHECK_EVERY) {
                key = chunk.iter().fold(key, |key, &rank| step(key, rank));
                context.check()?;
            }
        }
    }
    Ok(())
}

/// What each thread reuses from part to part.
#[derive(Debug, Default)]
struct Reader {
    ranks: Vec<u32>,
    /// Next word of the buffer by rank; the waste place for breaks and for other passes' symbols.
    next: Vec<usize>,
}

/// A corpus read in one direction.
#[derive(Debug)]
pub(crate) struct Scan<'a, P> {
    pub corpus: &'a P,
    pub plan: &'a Plan,
    pub direction: Direction,
    pub context: &'a Context,
    readers: Mutex<Vec<Reader>>,
}

impl<'a, P: IdParts> Scan<'a, P> {
    pub(crate) fn new(
        corpus: &'a P,
        plan: &'a Plan,
        direction: Direction,
        context: &'a Context,
    ) -> Self {
        Self { corpus, plan, direction, context, readers: Mutex::default() }
    }

    fn each_part(&self, work: impl Fn(usize, &mut Reader) -> Result<()> + Sync) -> Result<()> {
        self.context.pool().install(|| {
            (0..self.corpus.parts()).into_par_iter().with_max_len(1).try_for_each(|part| {
                self.context.check()?;
                let mut reader = take(&self.readers).unwrap_or_default();
                let outcome = work(part, &mut reader);
                put_back(&self.readers, reader);
                outcome
            })
        })
    }

    fn windows<K: Key>(
        &self,
        part: usize,
        ranks: &mut Vec<u32>,
        each: impl FnMut(u32, K),
    ) -> Result<()> {
        let (context, names) = (self.plan.layout.fields(), &self.plan.ranks);
        let own = self.corpus.load_as(part, context, names, ranks)?;
        self.context.progress().advance(own.len() as u64);
        walk(ranks, own, (self.plan, self.direction, self.context), each)
    }

    /// Partitions the windows whose first symbols are in `firsts` into the buffer, bucket after
    /// bucket in the order of first symbols, unordered within a bucket.
    ///
    /// # Errors
    /// Loading a part, [`Error::Cancelled`], or part counts that do not add up.
    pub(crate) fn partition<K: Key>(&self, firsts: Range<usize>, buffer: &Buffer) -> Result<()> {
        let plan = self.plan;
        let mut start = 0;
        let heads: Vec<AtomicU64> = plan.sizes[firsts.clone()]
            .iter()
            .map(|&size| {
                start += size;
                AtomicU64::new(start - size)
            })
            .collect();
        self.each_part(|part, Reader { ranks, next }| {
            let waste = buffer.waste();
            next.clear();
            next.resize(plan.ranks_len(), waste);
            for (id, count) in self.corpus.part_counts(part)? {
                let rank = plan.ranks[id as usize] as usize;
                if firsts.contains(&rank) && plan.sizes[rank] > 0 {
                    let head = &heads[rank - firsts.start];
                    let at = head.fetch_add(u64::from(count), Ordering::Relaxed);
                    next[rank] = usize::try_from(at).map_or(waste, |at| at * K::WORDS);
                }
            }
            self.windows(part, ranks, |rank, key: K| {
                let at = &mut next[rank as usize];
                buffer.put(*at, key);
                *at += K::WORDS * usize::from(*at != waste);
            })
        })?;
        let mut end = 0;
        for (head, &size) in heads.iter().zip(&plan.sizes[firsts]) {
            end += size;
            if head.load(Ordering::Relaxed) != end {
                return Err(Error::Corpus(
                    "the counts of the corpus do not match its parts".into(),
                ));
            }
        }
        Ok(())
    }

    /// Counts field `depth` of the windows that start with `first` and share `prefix` up to it. O(N).
    ///
    /// # Errors
    /// Loading a part, or [`Error::Cancelled`].
    pub(crate) fn tally<K: Key>(&self, first: u32, prefix: K, depth: usize) -> Result<Vec<u64>> {
        let layout = self.plan.layout;
        let total = Mutex::new(vec![0_u64; self.plan.ranks_len()]);
        self.each_part(|part, reader| {
            let mut counts = vec![0_u64; self.plan.ranks_len()];
            self.windows(part, &mut reader.ranks, |rank, key: K| {
                if rank == first && key.common(prefix, layout) >= depth {
                    counts[key.field(depth, layout) as usize] += 1;
                }
            })?;
            let mut total = lock(&total);
            total.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
            Ok(())
        })?;
        Ok(total.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Gathers the windows that start with `first`, share `prefix` up to `depth` and go on with a
    /// `wanted` rank into the buffer; returns how many there are. O(N).
    ///
    /// # Errors
    /// Loading a part, or [`Error::Cancelled`].
    pub(crate) fn gather<K: Key>(
        &self,
        first: u32,
        (prefix, depth): (K, usize),
        wanted: impl Fn(u32) -> bool + Sync,
        buffer: &Buffer,
    ) -> Result<usize> {
        let layout = self.plan.layout;
        let head = AtomicU64::new(0);
        let flush = |batch: &mut Vec<K>| {
            let at = head.fetch_add(batch.len() as u64, Ordering::Relaxed);
            let at = usize::try_from(at).unwrap_or(usize::MAX);
            let room = buffer.capacity::<K>().saturating_sub(at);
            for (offset, key) in batch.drain(..).take(room).enumerate() {
                buffer.put((at + offset) * K::WORDS, key);
            }
        };
        self.each_part(|part, reader| {
            let mut batch = Vec::with_capacity(BATCH);
            self.windows(part, &mut reader.ranks, |rank, key: K| {
                let fits = rank == first && key.common(prefix, layout) >= depth;
                if fits && wanted(key.field(depth, layout)) {
                    batch.push(key);
                    if batch.len() == BATCH {
                        flush(&mut batch);
                    }
                }
            })?;
            flush(&mut batch);
            Ok(())
        })?;
        let gathered = usize::try_from(head.into_inner()).unwrap_or(usize::MAX);
        Ok(gathered.min(buffer.capacity::<K>()))
    }
}

/// Keys a thread gathers before it asks for room.
const BATCH: usize = 4096;

/// Locks whatever happened to other holders: all that is kept here is plain data.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Takes a tool that another task put back, if there is one.
pub(crate) fn take<T>(tools: &Mutex<Vec<T>>) -> Option<T> {
    lock(tools).pop()
}

/// Leaves a tool for the next task.
pub(crate) fn put_back<T>(tools: &Mutex<Vec<T>>, tool: T) {
    lock(tools).push(tool);
}
