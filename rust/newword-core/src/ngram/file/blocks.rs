//! The n-grams of a sweep as blocks of count files.

use std::sync::Mutex;

use super::format::MAX_GRAM;
use super::records::{Encoder, Record};
use crate::ngram::key::{Key, Wide, Width};
use crate::ngram::listed::Listed;
use crate::ngram::parts::IdParts;
use crate::ngram::plan::{Limits, Plan};
use crate::ngram::scatter::{Buffer, Direction, Scan, lock, put_back, take};
use crate::ngram::sweep::{Sink, Sweep};
use crate::support::{Context, Error, Result, Stage};

/// The files that share the n-grams of a sweep.
pub(super) trait Files: Sync {
    /// How many there may be.
    fn count(&self) -> usize;

    /// The file of the n-grams that begin with these one or two ids.
    fn of(&self, first: &[u32]) -> usize;

    /// Notes that a file has an n-gram with this symbol.
    fn note(&self, file: usize, id: u32);

    /// Takes the blocks that come next, those of a file in its order.
    ///
    /// # Errors
    /// [`Error::Io`].
    fn append(&mut self, blocks: Vec<Blocks>) -> Result<()>;

    /// Adds to how many n-grams of each length are in a file.
    fn add_rows(&mut self, file: usize, rows: &[u64; MAX_GRAM]);
}

/// Blocks of n-grams for some files.
pub(super) struct Blocks {
    /// As the files have them, those of a file side by side.
    pub bytes: Vec<u8>,
    /// The files in the order of their blocks, with how many bytes each has.
    pub files: Vec<(usize, usize)>,
}

/// Sweeps over a corpus and hands the n-grams over to `files`; `adjust` changes the limits.
///
/// # Errors
/// As [`super::write_counts`].
pub(super) fn sweep_into(
    corpus: &impl IdParts,
    plan: &Plan,
    files: &mut impl Files,
    context: &Context,
    adjust: impl Fn(Limits) -> Limits,
) -> Result<()> {
    let limits = |bytes| adjust(Limits::new(corpus, plan, bytes, context).streamed(plan, bytes));
    match plan.layout.width() {
        Width::Narrow => sweep::<u64>(corpus, plan, limits(8), files, context),
        Width::Double => sweep::<u128>(corpus, plan, limits(16), files, context),
        Width::Wide => sweep::<Wide>(corpus, plan, limits(32), files, context),
    }
}

fn sweep<K: Key>(
    corpus: &impl IdParts,
    plan: &Plan,
    limits: Limits,
    files: &mut impl Files,
    context: &Context,
) -> Result<()> {
    let buffer = Buffer::new::<K>(limits.buffer_keys, context.threads());
    let passes = plan.passes(limits.buffer_keys as u64).len() as u64;
    context.progress().begin(Stage::Counting, corpus.counts().iter().sum::<u64>() * passes);
    let scan = Scan::new(corpus, plan, Direction::Forward, context);
    let (tools, encoders) = (Mutex::default(), Mutex::default());
    let mut sink = FileSink { plan, context, files, tools, encoders };
    Sweep::<_, K>::new(scan, limits).run(&buffer, &mut sink)?;
    let FileSink { files, encoders, .. } = sink;
    for Encoders { all, .. } in lock(&encoders).iter() {
        all.iter().enumerate().for_each(|(file, slot)| files.add_rows(file, &slot.encoder.rows));
    }
    Ok(())
}

struct FileSink<'a, K, F> {
    plan: &'a Plan,
    context: &'a Context,
    files: &'a mut F,
    /// What tasks reuse.
    tools: Mutex<Vec<Listed<K>>>,
    encoders: Mutex<Vec<Encoders>>,
}

impl<K: Key, F: Files> Sink<K> for FileSink<'_, K, F> {
    type Found = Listed<K>;
    type Taken = Blocks;

    fn begin(&self) -> Listed<K> {
        take(&self.tools).unwrap_or_else(|| Listed::new(self.plan))
    }

    fn end(&self, mut found: Listed<K>) -> Result<Blocks> {
        let encoders = take(&self.encoders);
        let mut encoders = encoders.unwrap_or_else(|| Encoders::new(self.files.count()));
        let blocks = encode(&found, self.plan, &*self.files, &mut encoders);
        // Bytes in memory do not fail.
        let failed = |error| Error::io(self.context.temp_dir(), "cannot write", error);
        let blocks = blocks.map_err(failed)?;
        put_back(&self.encoders, encoders);
        found.rows.clear();
        put_back(&self.tools, found);
        Ok(blocks)
    }

    fn take(&mut self, found: Vec<Blocks>) -> Result<()> {
        self.context.check()?;
        self.files.append(found)
    }

    fn settled(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The rows of a task as blocks for each file, in the order of the file.
fn encode<K: Key>(
    found: &Listed<K>,
    plan: &Plan,
    files: &impl Files,
    encoders: &mut Encoders,
) -> std::io::Result<Blocks> {
    let Some(first) = found.rows.first() else { return encoders.flushed() };
    let mut ids = [0; MAX_GRAM];
    ids[0] = plan.ids[found.start.0 as usize];
    for (at, id) in ids[1..first.length as usize].iter_mut().enumerate() {
        *id = plan.ids[found.start.1.field(at, plan.layout) as usize];
    }
    // The file of the last n-gram. What comes next is in it, unless its first two symbols may be others.
    let mut file = None;
    for row in &found.rows {
        let (length, last, count) = (row.length as usize, plan.ids[row.last as usize], row.count);
        ids[length - 1] = last;
        if let Some(file) = file.filter(|_| length > 2) {
            files.note(file, last);
            let Slot { encoder, blocks, .. } = &mut encoders.all[file];
            encoder.append(Record { length, last, count }, blocks)?;
        } else {
            let gram = &ids[..length];
            let of = *file.insert(files.of(&gram[..length.min(2)]));
            for &id in gram {
                files.note(of, id);
            }
            let Slot { encoder, blocks, .. } = encoders.slot(of);
            encoder.push(gram, count, blocks)?;
        }
    }
    encoders.flushed()
}

/// The encoders of all files, kept from task to task because there may be many.
struct Encoders {
    /// By file.
    all: Vec<Slot>,
    /// The files that this task has n-grams of.
    used: Vec<usize>,
}

#[derive(Default)]
struct Slot {
    encoder: Encoder,
    /// Blocks that are finished.
    blocks: Vec<u8>,
    used: bool,
}

impl Encoders {
    fn new(files: usize) -> Self {
        Self { all: std::iter::repeat_with(Slot::default).take(files).collect(), used: Vec::new() }
    }

    fn slot(&mut self, file: usize) -> &mut Slot {
        let slot = &mut self.all[file];
        if !slot.used {
            slot.used = true;
            self.used.push(file);
        }
        slot
    }

    /// The blocks of the task, which is done.
    fn flushed(&mut self) -> std::io::Result<Blocks> {
        let (mut bytes, mut files) = (Vec::new(), Vec::with_capacity(self.used.len()));
        for file in self.used.drain(..) {
            let (Slot { encoder, blocks, used }, start) = (&mut self.all[file], bytes.len());
            bytes.extend_from_slice(blocks);
            blocks.clear();
            encoder.flush(&mut bytes)?;
            *used = false;
            files.push((file, bytes.len() - start));
        }
        Ok(Blocks { bytes, files })
    }
}
