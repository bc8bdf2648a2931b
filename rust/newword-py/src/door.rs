//! The entry point from the interpreter into the core.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use newword_core::corpus::{Remote, TextBatch};
use newword_core::support::{Context, Error, MemoryBudget, Result, Workers};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::errors::to_python;
use crate::items::Items;

/// How often the waiting thread checks for Ctrl-C.
const TICK: Duration = Duration::from_millis(40);
/// How often progress is reported.
const REPORT: Duration = Duration::from_millis(100);

/// The arguments shared by all long calls.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Job {
    threads: Option<usize>,
    memory: Option<String>,
    temp_dir: Option<std::path::PathBuf>,
    progress: Option<Py<PyAny>>,
}

impl Job {
    /// A job with default options except for its threads.
    pub fn plain(threads: Option<usize>) -> Self {
        Self { threads, memory: None, temp_dir: None, progress: None }
    }

    /// The core's view of these arguments.
    pub fn context(&self) -> Result<Context> {
        let memory = match &self.memory {
            Some(text) => text.parse()?,
            None => MemoryBudget::share_of_available(),
        };
        Context::new(self.threads, memory, self.temp_dir.clone())
    }

    fn report(&self, py: Python<'_>, context: &Context) -> PyResult<()> {
        let Some(callback) = &self.progress else { return Ok(()) };
        let (stage, done, total) = context.progress().read();
        callback.call1(py, (stage.name(), done, total)).map(drop)
    }
}

/// Asks the interpreter's thread for more items, from a thread that has no interpreter.
type Refill = SyncSender<Result<Option<TextBatch>>>;

enum Event {
    Refill(Refill),
    /// A pass over a text elsewhere: the request, the smallest count of a word, and who waits.
    Pass(Vec<u8>, u64, SyncSender<Result<Vec<u8>>>),
    Done,
}

/// Hands a worker's requests for items to the thread inside [`enter`].
#[derive(Clone)]
pub struct Caller(SyncSender<Event>);

impl Caller {
    /// The next items of the caller's iterable; `None` at its end.
    ///
    /// # Errors
    /// What the iterable raised, or [`Error::Cancelled`].
    pub fn refill(&self) -> Result<Option<TextBatch>> {
        let (answer, wait) = sync_channel(1);
        self.0.send(Event::Refill(answer)).map_err(|_| Error::Cancelled)?;
        wait.recv().unwrap_or(Err(Error::Cancelled))
    }
}

impl Remote for Caller {
    fn pass(&self, request: &[u8], min_count: u64) -> Result<Vec<u8>> {
        let (answer, wait) = sync_channel(1);
        let event = Event::Pass(request.to_vec(), min_count, answer);
        self.0.send(event).map_err(|_| Error::Cancelled)?;
        wait.recv().unwrap_or(Err(Error::Cancelled))
    }
}

/// What the caller's thread does for a worker.
#[derive(Default)]
pub struct Services {
    /// The iterable that is read.
    pub items: Option<Items>,
    /// A function of a request and of the smallest count of a word, which returns sums end to end.
    pub passes: Option<Py<PyAny>>,
}

impl Services {
    fn pass(&self, py: Python<'_>, request: &[u8], min_count: u64) -> Result<Vec<u8>> {
        let call = || -> PyResult<Vec<u8>> {
            let Some(passes) = &self.passes else { return Ok(Vec::new()) };
            let sums = passes.bind(py).call1((PyBytes::new(py, request), min_count))?;
            Ok(sums.extract::<Bound<'_, PyBytes>>()?.as_bytes().to_vec())
        };
        call().map_err(|error| Error::External(Box::new(error)))
    }
}

/// Runs `work` on a separate thread without the GIL, while this thread checks for Ctrl-C,
/// reports progress and iterates over the iterable that `work` reads, if any.
///
/// The iterable runs on the caller's thread, because some iterables, such as database cursors, may only be
/// used there. Only this function and [`enter_briefly`] release the GIL.
pub fn enter<T: Send>(
    py: Python<'_>,
    job: &Job,
    items: Option<Items>,
    work: impl FnOnce(&Context, Caller) -> Result<T> + Send,
) -> PyResult<T> {
    enter_served(py, job, Services { items, passes: None }, work)
}

/// [`enter`] with more that the caller's thread does.
pub fn enter_served<T: Send>(
    py: Python<'_>,
    job: &Job,
    services: Services,
    work: impl FnOnce(&Context, Caller) -> Result<T> + Send,
) -> PyResult<T> {
    let context = job.context().map_err(to_python)?;
    std::thread::scope(|scope| {
        let (send, mut events) = sync_channel(1);
        let worker = scope.spawn({
            let context = &context;
            move || {
                let result = work(context, Caller(send.clone()));
                // The receiver waits for this very message, so it is still there.
                let _ = send.send(Event::Done);
                result
            }
        });
        let watched = watch(py, job, &context, &mut events, services);
        // A panic in the core is a bug; it surfaces as pyo3's PanicException with its message.
        let result = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        watched?;
        result.map_err(to_python)
    })
}

/// Up to this much work keeps the GIL: releasing it would take as long.
const TINY: usize = 1 << 14;
/// Up to this much work runs on the caller's thread: waking others would take as long.
const SMALL: usize = 1 << 18;
/// Up to this much, a tenth of a second at three nanoseconds per unit, is not checked for Ctrl-C.
const SHORT: usize = 1 << 25;

/// Runs work that is often short, on `threads` threads (all cores if None), which are kept for the next
/// call. A unit of `work` is some nanoseconds at most. Long work can be interrupted like a job.
pub fn enter_briefly<T: Send>(
    py: Python<'_>,
    threads: Option<usize>,
    work: usize,
    solver: impl FnOnce(&Workers<'_>) -> Result<T> + Send,
) -> PyResult<T> {
    let result = if work <= TINY {
        solver(&Workers::caller())
    } else if work <= SMALL {
        py.detach(|| solver(&Workers::caller()))
    } else if work <= SHORT {
        py.detach(|| solver(&Workers::kept(threads)?))
    } else {
        return enter(py, &Job::plain(Some(1)), None, |context, _| {
            solver(&Workers::kept(threads)?.stopped_by(context))
        });
    };
    result.map_err(to_python)
}

/// Serves the worker until it is done. On Ctrl-C, or when the progress callback raises, the job is
/// cancelled and the exception returned once the worker has released everything.
fn watch(
    py: Python<'_>,
    job: &Job,
    context: &Context,
    events: &mut Receiver<Event>,
    mut services: Services,
) -> PyResult<()> {
    let mut outcome = Ok(());
    let mut reported = Instant::now();
    loop {
        // Moved in: a receiver may go to another thread, but not be shared with one.
        let receiver = &mut *events;
        let event = py.detach(move || receiver.recv_timeout(TICK));
        match event {
            Ok(Event::Done) | Err(RecvTimeoutError::Disconnected) => break,
            Ok(Event::Refill(answer)) => {
                let next = match &mut services.items {
                    Some(items) if outcome.is_ok() => items.next_batch(py),
                    _ => Err(Error::Cancelled),
                };
                // A worker that gave up no longer listens, which is as good as an answer.
                let _ = answer.send(next);
            }
            Ok(Event::Pass(request, min_count, answer)) => {
                let sums = match &outcome {
                    Ok(()) => services.pass(py, &request, min_count),
                    Err(_) => Err(Error::Cancelled),
                };
                let _ = answer.send(sums);
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
        if outcome.is_ok() {
            outcome = py.check_signals();
            if outcome.is_ok() && reported.elapsed() >= REPORT {
                reported = Instant::now();
                outcome = job.report(py, context);
            }
            if outcome.is_err() {
                context.cancel();
            }
        }
    }
    if outcome.is_ok() { job.report(py, context) } else { outcome }
}
