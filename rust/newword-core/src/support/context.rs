//! The context of a job, passed to every function: cancellation, progress, threads and memory.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use super::{Error, MemoryBudget, Result};

/// The current stage of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Stage {
    /// Reading, decoding and encoding text; the unit is bytes of the files as stored.
    Reading,
    /// Counting n-grams; the unit is symbols of the corpus times passes.
    Counting,
    /// Scoring candidates; the unit is candidates.
    Scoring,
    /// Segmenting the corpus with the strong set; the unit is symbols.
    Segmenting,
    /// Merging count files; the unit is bytes.
    Merging,
    /// Writing a result; the unit is bytes.
    Writing,
}

impl Stage {
    const ALL: [Self; 6] = [
        Self::Reading,
        Self::Counting,
        Self::Scoring,
        Self::Segmenting,
        Self::Merging,
        Self::Writing,
    ];

    /// The name of the stage, for display.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Counting => "counting",
            Self::Scoring => "scoring",
            Self::Segmenting => "segmenting",
            Self::Merging => "merging",
            Self::Writing => "writing",
        }
    }
}

/// The progress of a job: lock-free, written by its workers and read by observers.
#[derive(Debug, Default)]
pub struct Progress {
    stage: AtomicU8,
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Begins a stage. `total` is 0 if it is unknown.
    pub fn begin(&self, stage: Stage, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    /// Reports `amount` more units done.
    pub fn advance(&self, amount: u64) {
        self.done.fetch_add(amount, Ordering::Relaxed);
    }

    /// The stage, the units done and the total units (0 if unknown).
    pub fn read(&self) -> (Stage, u64, u64) {
        let stage = Stage::ALL[usize::from(self.stage.load(Ordering::Relaxed))];
        (stage, self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }
}

/// The context of a job. Cheap to clone; clones share one job.
#[derive(Debug, Clone)]
pub struct Context {
    cancelled: Arc<AtomicBool>,
    progress: Arc<Progress>,
    pool: Arc<rayon::ThreadPool>,
    memory: MemoryBudget,
    temp_dir: PathBuf,
}

impl Context {
    /// Creates a job of `threads` threads (all cores if `None`) within `memory`, spilling to `temp_dir`
    /// (the system's default if `None`).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if `threads` is zero or more than 4096.
    pub fn new(
        threads: Option<usize>,
        memory: MemoryBudget,
        temp_dir: Option<PathBuf>,
    ) -> Result<Self> {
        if threads.is_some_and(|count| count == 0 || count > 4096) {
            let value = threads.unwrap_or_default();
            return Err(Error::invalid("threads", "must be between 1 and 4096", value));
        }
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads.unwrap_or(0))
            .thread_name(|index| format!("newword-{index}"))
            .build()
            .map_err(|error| Error::invalid("threads", "threads must start", error))?;
        Ok(Self {
            cancelled: Arc::default(),
            progress: Arc::default(),
            pool: Arc::new(pool),
            memory,
            temp_dir: temp_dir.unwrap_or_else(std::env::temp_dir),
        })
    }

    /// Cancels the job; its functions return [`Error::Cancelled`] within the time of a chunk.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// Checks for cancellation; call once per chunk (about a millisecond of work).
    ///
    /// # Errors
    /// [`Error::Cancelled`] after [`Context::cancel`] was called.
    pub fn check(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// The progress of the job.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The thread pool of this job, which is not shared.
    pub fn pool(&self) -> &rayon::ThreadPool {
        &self.pool
    }

    /// The number of threads.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// The memory budget.
    pub fn memory(&self) -> MemoryBudget {
        self.memory
    }

    /// The directory of spill files.
    pub fn temp_dir(&self) -> &std::path::Path {
        &self.temp_dir
    }
}
