//! The n-grams of a sweep as blocks of count files.

use rayon::prelude::*;

use super::format::MAX_GRAM;
use super::records::{Encoder, Gram, Record};
use crate::ngram::key::{Key, Wide, Width};
use crate::ngram::parts::IdParts;
use crate::ngram::plan::{Limits, Plan};
use crate::ngram::rows::{Found, Ledger};
use crate::ngram::scatter::{Buffer, Direction, Scan};
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
}

/// Blocks of n-grams for a file.
pub(super) struct Blocks {
    /// Its number.
    pub file: usize,
    /// The blocks as the file has them.
    pub bytes: Vec<u8>,
    /// How many n-grams of each length are in them.
    pub rows: [u64; MAX_GRAM],
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
    // Rows are on their way only; batches bound them, so that the ledger never refuses.
    let ledger = Ledger::new(u64::MAX);
    let scan = Scan::new(corpus, plan, Direction::Forward, context);
    let mut sink = FileSink { plan, context, ledger: &ledger, files };
    Sweep::<_, K>::new(scan, limits, &ledger).run(&buffer, &mut sink)
}

struct FileSink<'a, F> {
    plan: &'a Plan,
    context: &'a Context,
    ledger: &'a Ledger,
    files: &'a mut F,
}

impl<K: Key, F: Files> Sink<K> for FileSink<'_, F> {
    fn take(&mut self, found: Vec<Found<K>>) -> Result<()> {
        let Self { plan, context, .. } = *self;
        let files = &*self.files;
        let encode = |found: &Found<K>| encode(found, plan, files);
        let encoded: std::io::Result<Vec<_>> =
            context.pool().install(|| found.par_iter().map(encode).collect());
        // Bytes in memory do not fail.
        let encoded = encoded.map_err(|error| Error::io(context.temp_dir(), "cannot write", error));
        context.check()?;
        self.files.append(encoded?.into_iter().flatten().collect())?;
        self.ledger.give(found.iter().map(Found::bytes).sum());
        Ok(())
    }

    fn settled(&mut self) -> Result<()> {
        Ok(())
    }
}

/// The rows of a task as blocks for each file, in the order of the file.
fn encode<K: Key>(
    found: &Found<K>,
    plan: &Plan,
    files: &impl Files,
) -> std::io::Result<Vec<Blocks>> {
    let mut encoders: Vec<(Encoder, Vec<u8>)> = Vec::new();
    encoders.resize_with(files.count(), Default::default);
    let mut next = [0; MAX_GRAM];
    let gram = |level: usize, row: usize| -> Option<Gram> {
        let rows = &found.levels[level];
        let mut gram = Gram::default();
        gram.0[0] = plan.ids[*rows.firsts.get(row)? as usize];
        for (at, id) in gram.0[1..=level].iter_mut().enumerate() {
            *id = plan.ids[rows.keys[row].field(at, plan.layout) as usize];
        }
        Some(gram)
    };
    let mut heads: Vec<_> = (0..found.levels.len()).map(|level| gram(level, 0)).collect();
    let (mut last, mut file) = (Gram::default(), 0);
    let mut deepest = heads.len();
    // What comes next is the longest n-gram that extends a prefix of the last one. At the start,
    // where there is no last one, it is the shortest: the others begin with it.
    while let Some(level) = match deepest {
        _ if last == Gram::default() => (0..heads.len()).find(|&level| heads[level].is_some()),
        _ => (0..deepest)
            .rev()
            .find(|&level| heads[level].is_some_and(|head| head.agrees(&last, level))),
    } {
        let Some(head) = heads[level] else { break };
        let count = found.levels[level].counts[next[level]];
        if level < 2 || last == Gram::default() {
            file = files.of(&head.0[..2.min(level + 1)]);
            for &id in &head.0[..=level] {
                files.note(file, id);
            }
            let (encoder, bytes) = &mut encoders[file];
            encoder.push(head, count, bytes)?;
        } else {
            // The last n-gram went to the same file.
            files.note(file, head.0[level]);
            let (encoder, bytes) = &mut encoders[file];
            encoder.append(Record { length: level + 1, last: head.0[level], count }, bytes)?;
        }
        next[level] += 1;
        heads[level] = gram(level, next[level]);
        last = head;
        deepest = (level + 2).min(heads.len());
    }
    debug_assert!(heads.iter().all(Option::is_none));
    flushed(encoders)
}

/// The blocks of the files that have some.
fn flushed(encoders: Vec<(Encoder, Vec<u8>)>) -> std::io::Result<Vec<Blocks>> {
    let mut blocks = Vec::new();
    for (file, (mut encoder, mut bytes)) in encoders.into_iter().enumerate() {
        encoder.flush(&mut bytes)?;
        if !bytes.is_empty() {
            blocks.push(Blocks { file, bytes, rows: encoder.rows });
        }
    }
    Ok(blocks)
}
