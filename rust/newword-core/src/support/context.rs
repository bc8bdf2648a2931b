//! What a job carries through every function: who may stop it, who watches it, what it may use.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use super::{Error, MemoryBudget, Result};

/// What a job is doing at the moment.
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

    /// The stage as a word for people.
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

/// How far a job is; written by its workers, read by whoever watches, without a lock.
#[derive(Debug, Default)]
pub struct Progress {
    stage: AtomicU8,
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Opens a stage. `total` is 0 where it is not known beforehand.
    pub fn begin(&self, stage: Stage, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        self.stage.store(stage as u8, Ordering::Relaxed);
    }

    /// Reports `amount` more units done.
    pub fn advance(&self, amount: u64) {
        self.done.fetch_add(amount, Ordering::Relaxed);
    }

    /// The stage, the units done and the units in total (0: not known).
    pub fn read(&self) -> (Stage, u64, u64) {
        let stage = Stage::ALL[usize::from(self.stage.load(Ordering::Relaxed))];
        (stage, self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }
}

/// What a job carries through every function. Cheap to clone; clones share one job.
#[derive(Debug, Clone)]
pub struct Context {
    cancelled: Arc<AtomicBool>,
    progress: Arc<Progress>,
    pool: Arc<rayon::ThreadPool>,
    memory: MemoryBudget,
    temp_dir: PathBuf,
}

impl Context {
    /// A job of `threads` threads (all cores where `None`) within `memory`, spilling to `temp_dir`
    /// (the system's own where `None`).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where `threads` is zero or more than 4096.
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

    /// Asks the job to stop; its functions return [`Error::Cancelled`] within a chunk's time.
    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }

    /// To be called once a chunk (about a millisecond of work).
    ///
    /// # Errors
    /// [`Error::Cancelled`] once somebody called [`Context::cancel`].
    pub fn check(&self) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) { Err(Error::Cancelled) } else { Ok(()) }
    }

    /// How far the job is.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// The threads of this job, and of nobody else.
    pub fn pool(&self) -> &rayon::ThreadPool {
        &self.pool
    }

    /// How many threads the job has.
    pub fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    /// The bytes the job may take.
    pub fn memory(&self) -> MemoryBudget {
        self.memory
    }

    /// Where spill files go.
    pub fn temp_dir(&self) -> &std::path::Path {
        &self.temp_dir
    }
}
