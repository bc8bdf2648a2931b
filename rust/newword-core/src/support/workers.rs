//! Execution of short jobs: on the caller's thread, or on a thread pool kept between calls.

use std::cmp::Ordering;
use std::num::NonZero;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::hash::HashMap;
use super::{Context, Error, Result};

/// The thread pools of one process, by number of threads.
struct Pools {
    process: u32,
    by_size: Option<HashMap<usize, Arc<rayon::ThreadPool>>>,
}

static POOLS: Mutex<Pools> = Mutex::new(Pools { process: 0, by_size: None });

/// Returns a pool of `threads` threads that is kept for the next call, because starting one takes
/// longer than decoding a batch.
fn kept_pool(threads: usize) -> Result<Arc<rayon::ThreadPool>> {
    let mut pools = lock(&POOLS);
    let process = std::process::id();
    if pools.process != process {
        // A forked child inherits the pools but not their threads; joining those would block forever.
        std::mem::forget(pools.by_size.take());
        pools.process = process;
    }
    let by_size = pools.by_size.get_or_insert_with(HashMap::default);
    if let Some(pool) = by_size.get(&threads) {
        return Ok(Arc::clone(pool));
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("newword-{index}"))
        .build()
        .map_err(|error| Error::invalid("threads", "threads must start", error))?;
    let pool = Arc::new(pool);
    by_size.insert(threads, Arc::clone(&pool));
    Ok(pool)
}

/// Where items are divided among threads is decided by the keys of about so many.
const SAMPLE: usize = 1 << 12;

/// Executes a job that is split into pieces, with optional cancellation.
pub struct Workers<'a> {
    /// The threads that help the caller's thread.
    helpers: Option<Arc<rayon::ThreadPool>>,
    context: Option<&'a Context>,
}

impl Workers<'static> {
    /// Runs on the caller's thread only.
    pub fn caller() -> Self {
        Self { helpers: None, context: None }
    }

    /// Runs on `threads` threads, all cores if `None`.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if they cannot be started.
    pub fn kept(threads: Option<usize>) -> Result<Self> {
        let cores = || std::thread::available_parallelism().map_or(1, NonZero::get);
        match threads.unwrap_or_else(cores) {
            0 | 1 => Ok(Self::caller()),
            several => Ok(Self { helpers: Some(kept_pool(several - 1)?), context: None }),
        }
    }
}

impl<'a> Workers<'a> {
    /// The same workers, which stop between two pieces if the job of `context` is cancelled.
    #[must_use]
    pub fn stopped_by(self, context: &'a Context) -> Self {
        Self { helpers: self.helpers, context: Some(context) }
    }

    /// Checks for cancellation; call once per step of a long piece.
    ///
    /// # Errors
    /// [`Error::Cancelled`] if the job is cancelled.
    pub fn check(&self) -> Result<()> {
        self.context.map_or(Ok(()), Context::check)
    }

    /// How many threads there are, that of the caller among them.
    fn threads(&self) -> usize {
        1 + self.helpers.as_ref().map_or(0, |pool| pool.current_num_threads())
    }

    /// Sorts the items of `pieces` and applies `work` to consecutive parts of them, one for each thread or
    /// fewer. Items with the same `key` are in the same part; keys rise as items do by `compare`.
    /// Returns the results in order. O(n log n).
    ///
    /// # Errors
    /// As [`Workers::map`].
    pub fn map_sorted<I: Copy + Send + Sync, T: Send>(
        &self,
        pieces: &[Vec<I>],
        key: impl Fn(&I) -> u64 + Sync,
        compare: impl Fn(&I, &I) -> Ordering + Sync,
        work: impl Fn(Vec<I>) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let count: usize = pieces.iter().map(Vec::len).sum();
        let items = || pieces.iter().flatten();
        let step = count / SAMPLE + 1;
        let mut sample: Vec<u64> = items().step_by(step).map(&key).collect();
        sample.sort_unstable();
        let starts = self.ranges(sample.len(), 1);
        let mut starts: Vec<u64> = starts.iter().skip(1).map(|range| sample[range.start]).collect();
        starts.insert(0, 0);
        starts.dedup();
        let ends = starts.iter().skip(1).map(|start| Some(*start)).chain([None]);
        let parts = starts.iter().copied().zip(ends).collect();
        self.map(parts, |(start, end): (u64, Option<u64>)| {
            let is_in =
                |item: &&I| (start..).contains(&key(item)) && end.is_none_or(|end| key(item) < end);
            let mut part: Vec<I> = items().filter(is_in).copied().collect();
            part.sort_unstable_by(&compare);
            work(part)
        })
    }

    /// `0..len` as one range for each thread, or as fewer of at least `least`.
    pub fn ranges(&self, len: usize, least: usize) -> Vec<Range<usize>> {
        let count = self.threads().min(len / least.max(1)).max(1);
        (0..count).map(|at| at * len / count..(at + 1) * len / count).collect()
    }

    /// Applies `work` to each of `pieces` and returns the results in order.
    ///
    /// # Errors
    /// The error of the first failed piece, for any number of threads, or
    /// [`Error::Cancelled`].
    pub fn map<P: Send, T: Send>(
        &self,
        pieces: Vec<P>,
        work: impl Fn(P) -> Result<T> + Sync,
    ) -> Result<Vec<T>> {
        let one = |piece| {
            self.check()?;
            work(piece)
        };
        let Some(pool) = self.helpers.as_ref().filter(|_| pieces.len() > 1) else {
            return pieces.into_iter().map(one).collect();
        };
        let helpers = pool.current_num_threads().min(pieces.len() - 1);
        let queue = Mutex::new(pieces.into_iter().enumerate());
        let done = Mutex::new(Vec::new());
        let drain = || {
            while let Some((place, piece)) = { lock(&queue).next() } {
                let result = one(piece);
                lock(&done).push((place, result));
            }
        };
        // The caller begins at once, because sleeping helpers take a while to wake.
        pool.in_place_scope(|scope| {
            for _ in 0..helpers {
                scope.spawn(|_| drain());
            }
            drain();
        });
        let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
        done.sort_unstable_by_key(|(place, _)| *place);
        done.into_iter().map(|(_, result)| result).collect()
    }
}

/// Texts are handed to a thread in portions of about this many bytes: enough that handing over
/// costs nothing, and that few threads wait for the last.
const PORTION: usize = 1 << 16;

/// `texts` in portions for threads, in order. O(texts).
pub fn portions<S: AsRef<str>>(texts: &[S]) -> Vec<&[S]> {
    let mut bytes = 0;
    let is_full = |text: &S, _: &S| {
        bytes += text.as_ref().len();
        let is_full = bytes >= PORTION;
        bytes *= usize::from(!is_full);
        !is_full
    };
    texts.chunk_by(is_full).collect()
}

/// Ignores poisoning: the panic is reported where it happened, and the data stay consistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_the_first_error_at_any_number_of_threads() {
        for threads in [1, 2, 5] {
            let workers = Workers::kept(Some(threads)).unwrap();
            let doubled = workers.map((0..100).collect(), |piece| Ok(2 * piece)).unwrap();
            assert_eq!(doubled, (0..100).map(|piece| 2 * piece).collect::<Vec<_>>());
            let error = workers.map((0..100).collect(), |piece: u32| {
                if piece % 30 == 29 {
                    Err(Error::invalid("piece", "is bad", piece))
                } else {
                    Ok(())
                }
            });
            assert_eq!(error.unwrap_err().to_string(), "piece: is bad, got 29");
        }
    }

    #[test]
    fn ranges_are_even_and_large_enough() {
        let workers = Workers::kept(Some(3)).unwrap();
        assert_eq!(workers.ranges(10, 2), [0..3, 3..6, 6..10]);
        assert_eq!(workers.ranges(5, 2), [0..2, 2..5]);
        assert_eq!(workers.ranges(0, 2), vec![0..0; 1]);
        assert_eq!(Workers::caller().ranges(10, 2), vec![0..10; 1]);
    }

    #[test]
    fn items_are_sorted_on_any_number_of_threads() {
        let pieces = vec![vec![(1, 'a'), (3, 'a'), (0, 'a')], vec![], vec![(3, 'b'), (0, 'b')]];
        for threads in [1, 2, 5] {
            let workers = Workers::kept(Some(threads)).unwrap();
            let parts = workers.map_sorted(&pieces, |item| item.0, Ord::cmp, Ok).unwrap();
            assert!(parts.len() <= threads);
            let sorted = [(0, 'a'), (0, 'b'), (1, 'a'), (3, 'a'), (3, 'b')];
            assert_eq!(parts.concat(), sorted, "{threads} threads");
            for pair in parts.windows(2) {
                assert!(pair[0].last().map(|item| item.0) < pair[1].first().map(|item| item.0));
            }
        }
    }

    #[test]
    fn a_cancelled_job_stops() {
        let context =
            Context::new(Some(1), super::super::MemoryBudget::share_of_available(), None).unwrap();
        context.cancel();
        let workers = Workers::caller().stopped_by(&context);
        assert!(matches!(workers.map(vec![1], Ok), Err(Error::Cancelled)));
    }
}
