//! Writing count files: straight from a sweep, in bounded memory.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use tempfile::{NamedTempFile, TempPath};

use super::format::{Kind, MAGIC, MAX_GRAM, VERSION, is_full, put_block, put_name};
use super::records::{Encoder, Gram, Record};
use super::{CountHeader, CountMeta};
use crate::corpus::Symbols;
use crate::ngram::key::{Key, Wide, Width};
use crate::ngram::options::{CountOptions, Neighbours};
use crate::ngram::parts::IdParts;
use crate::ngram::plan::{Goal, Limits, Plan};
use crate::ngram::rows::{Found, Ledger};
use crate::ngram::scatter::{Buffer, Direction, Scan};
use crate::ngram::sweep::{Sink, Sweep};
use crate::support::hash::of_bytes;
use crate::support::{Context, Error, Result, Stage};

/// A count file under a temporary name in the target's folder; gone unless finished.
pub(super) struct Writer {
    path: PathBuf,
    out: BufWriter<NamedTempFile>,
    /// Whether the file must survive a crash of the system.
    pub durable: bool,
}

/// Bytes that a file gathers before it is written to.
const BUFFER: usize = 1 << 20;

impl Writer {
    /// Begins a file that will be `path`: header and symbols.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be written.
    pub(super) fn create(path: &Path, header: &CountHeader, symbols: &Symbols) -> Result<Self> {
        Self::buffered(path, header, symbols, BUFFER)
    }

    /// [`Writer::create`] with a buffer of so many bytes.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be written.
    pub(super) fn buffered(
        path: &Path,
        header: &CountHeader,
        symbols: &Symbols,
        bytes: usize,
    ) -> Result<Self> {
        let out = BufWriter::with_capacity(bytes, next_to(path)?);
        let mut writer = Self { path: path.to_owned(), out, durable: true };
        let begun = writer.begin(header, symbols);
        begun.map_err(|error| writer.failed(error))?;
        Ok(writer)
    }

    fn begin(&mut self, header: &CountHeader, symbols: &Symbols) -> std::io::Result<()> {
        self.out.write_all(&MAGIC)?;
        self.out.write_all(&VERSION.to_le_bytes())?;
        put_block(&mut self.out, Kind::Header, header.to_json().as_bytes())?;
        let (mut payload, mut before) = (Vec::new(), "");
        for name in (1..).take(symbols.len()).map(|id| symbols.name(id)) {
            put_name(&mut payload, before, name);
            before = name;
            if is_full(&payload) {
                put_block(&mut self.out, Kind::Symbols, &payload)?;
                payload.clear();
                before = "";
            }
        }
        if payload.is_empty() {
            return Ok(());
        }
        put_block(&mut self.out, Kind::Symbols, &payload)
    }

    fn failed(&self, error: std::io::Error) -> Error {
        Error::io(&self.path, "cannot write", error)
    }

    /// Appends blocks of n-grams as an [`Encoder`] made them.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn blocks(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes).map_err(|error| self.failed(error))
    }

    /// Appends one n-gram through `encoder`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn push(&mut self, gram: Gram, count: u64, encoder: &mut Encoder) -> Result<()> {
        encoder.push(gram, count, &mut self.out).map_err(|error| self.failed(error))
    }

    /// Appends one n-gram, all but the last symbol of which are those of the one before, through `encoder`.
    ///
    /// # Errors
    /// [`Error::Io`].
    #[inline]
    pub(super) fn append(&mut self, record: Record, encoder: &mut Encoder) -> Result<()> {
        encoder.append(record, &mut self.out).map_err(|error| self.failed(error))
    }

    /// Closes the block of `encoder`.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn flush(&mut self, encoder: &mut Encoder) -> Result<()> {
        encoder.flush(&mut self.out).map_err(|error| self.failed(error))
    }

    /// Ends the file and gives it its name.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn finish(mut self, rows: &[u64; MAX_GRAM]) -> Result<()> {
        let end = serde_json::json!({ "rows": rows }).to_string();
        put_block(&mut self.out, Kind::End, end.as_bytes()).map_err(|error| self.failed(error))?;
        let path = self.path;
        let failed = |error| Error::io(&path, "cannot write", error);
        let temp = self.out.into_inner().map_err(|error| failed(error.into_error()))?;
        if self.durable {
            temp.as_file().sync_all().map_err(failed)?;
        }
        temp.persist(&path).map_err(|error| Error::io(&path, "cannot replace", error.error))?;
        Ok(())
    }
}

/// A file under a temporary name in the folder of `path`, which vanishes unless it is kept.
///
/// # Errors
/// [`Error::Io`] if `path` is a folder or the folder cannot be written.
fn next_to(path: &Path) -> Result<NamedTempFile> {
    if path.is_dir() {
        let reason = std::io::ErrorKind::IsADirectory.into();
        return Err(Error::io(path, "cannot replace", reason));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".newword-counts-");
    // A result has the permissions of any new file, not those of a secret.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(|error| Error::io(path, "cannot write in the folder of", error))
}

/// A temporary name next to `path` for a file on the way to it; the file vanishes with the value.
pub(super) fn temporary(path: &Path) -> Result<TempPath> {
    next_to(path).map(NamedTempFile::into_temp_path)
}

/// Counts all n-grams of 1 to `order` + 1 symbols into the file `path`; with `min_count` 1 the file is
/// exact. Above that it is pruned: it leaves out the n-grams that occur once. They are most of them,
/// and add nothing to the sums over neighbours, so that what is kept can be scored as if all were
/// there. The others stay, because each may be a neighbour of what is frequent.
///
/// Memory stays within the budget whatever the corpus holds; the time is that of [`super::super::count`]
/// without neighbours and that of writing. Nothing is at `path` before the file is complete.
///
/// # Errors
/// [`Error::InvalidArgument`] for an order or a count out of range, [`Error::Io`],
/// [`Error::Cancelled`], what loading a part meets.
pub fn write_counts(
    corpus: &impl IdParts,
    order: usize,
    min_count: u64,
    meta: &CountMeta,
    path: &Path,
    context: &Context,
) -> Result<()> {
    write_within(corpus, (order, min_count), meta, path, context, |limits| limits)
}

/// [`write_counts`] with limits changed by `adjust`, by which tests force many passes and batches.
pub(super) fn write_within(
    corpus: &impl IdParts,
    (order, min_count): (usize, u64),
    meta: &CountMeta,
    path: &Path,
    context: &Context,
    adjust: impl Fn(Limits) -> Limits,
) -> Result<()> {
    let neighbours = Neighbours::OfNone;
    CountOptions { order, min_count, neighbours }.validate()?;
    let header = CountHeader { order, min_count, total: corpus.total(), meta: meta.clone() };
    let goal = Goal { order: order + 1, min_count: min_count.min(2), neighbours };
    let plan = Plan::new(corpus.counts(), corpus.symbols(), goal);
    let create = |_| Writer::create(path, &header, corpus.symbols());
    // A file without n-grams is one, too.
    let mut files = Files { all: vec![Some((create(0)?, [0; MAX_GRAM]))], create };
    sweep_into(corpus, &plan, &Route::one(), &mut files, context, adjust)?;
    files.finish().map(|_| ())
}

/// Counts as [`write_counts`] does, exactly, into a file for each of `buckets` groups of first symbols: an
/// n-gram is in the group that the names of its first two symbols decide, whatever the corpus.
///
/// So an n-gram of two symbols or more is in the file of those that it begins; a single symbol is in one file,
/// which need not have its pairs. The files of a group can be merged. Returns the groups that have n-grams, with
/// their files in `folder`; they are not synced to the disk.
///
/// # Errors
/// As [`write_counts`].
pub fn write_buckets(
    corpus: &impl IdParts,
    order: usize,
    buckets: u32,
    meta: &CountMeta,
    folder: &Path,
    context: &Context,
) -> Result<Vec<(u32, PathBuf)>> {
    let neighbours = Neighbours::OfNone;
    CountOptions { order, min_count: 1, neighbours }.validate()?;
    if buckets == 0 {
        return Err(Error::invalid("buckets", "must be at least 1", buckets));
    }
    let (symbols, counts) = (corpus.symbols(), corpus.counts());
    let route = Route::new(symbols, buckets);
    let mut totals = vec![0; buckets as usize];
    for (id, count) in (0..).zip(counts).skip(1) {
        totals[route.of(&[id])] += count;
    }
    let path = |bucket: usize| folder.join(format!("{bucket}.counts"));
    let create = |bucket: usize| {
        let header = CountHeader { order, min_count: 1, total: totals[bucket], meta: meta.clone() };
        let writer = Writer::buffered(&path(bucket), &header, symbols, BUFFER >> 4);
        writer.map(|writer| Writer { durable: false, ..writer })
    };
    let all = std::iter::repeat_with(|| None).take(buckets as usize).collect();
    let mut files = Files { all, create };
    let plan = Plan::new(counts, symbols, Goal { order: order + 1, min_count: 1, neighbours });
    sweep_into(corpus, &plan, &route, &mut files, context, |limits| limits)?;
    let written = files.finish()?.into_iter();
    Ok(written.map(|bucket| (u32::try_from(bucket).unwrap_or(u32::MAX), path(bucket))).collect())
}

/// Which file takes an n-gram.
struct Route {
    /// A hash of the symbol by id, the same on every machine; none for a single file.
    hashes: Vec<u64>,
    files: usize,
}

impl Route {
    /// Everything to one file.
    fn one() -> Self {
        Self { hashes: Vec::new(), files: 1 }
    }

    fn new(symbols: &Symbols, files: u32) -> Self {
        // All numbers as one, because they are added up as one neighbour.
        let name = |id| if symbols.is_number(id) { "0" } else { symbols.name(id) };
        let hashes = (1..).take(symbols.len()).map(|id| of_bytes(name(id).as_bytes()));
        Self { hashes: std::iter::once(0).chain(hashes).collect(), files: files as usize }
    }

    /// The file of the n-grams that begin with these one or two ids.
    // The remainder is less than a usize.
    #[allow(clippy::cast_possible_truncation)]
    fn of(&self, first: &[u32]) -> usize {
        if self.files == 1 {
            return 0;
        }
        // A product spreads a hash over its high bits, and its order of factors tells 天气 from 气天.
        let mixed = first.iter().fold(0_u64, |mixed, id| {
            (mixed ^ self.hashes[*id as usize]).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
        });
        (mixed % self.files as u64) as usize
    }
}

fn sweep_into(
    corpus: &impl IdParts,
    plan: &Plan,
    route: &Route,
    files: &mut Files<impl Fn(usize) -> Result<Writer>>,
    context: &Context,
    adjust: impl Fn(Limits) -> Limits,
) -> Result<()> {
    let limits = |bytes| adjust(Limits::new(corpus, plan, bytes, context).streamed(plan, bytes));
    match plan.layout.width() {
        Width::Narrow => sweep::<u64>(corpus, plan, limits(8), route, files, context),
        Width::Double => sweep::<u128>(corpus, plan, limits(16), route, files, context),
        Width::Wide => sweep::<Wide>(corpus, plan, limits(32), route, files, context),
    }
}

fn sweep<K: Key>(
    corpus: &impl IdParts,
    plan: &Plan,
    limits: Limits,
    route: &Route,
    files: &mut Files<impl Fn(usize) -> Result<Writer>>,
    context: &Context,
) -> Result<()> {
    let buffer = Buffer::new::<K>(limits.buffer_keys, context.threads());
    let passes = plan.passes(limits.buffer_keys as u64).len() as u64;
    context.progress().begin(Stage::Counting, corpus.counts().iter().sum::<u64>() * passes);
    // Rows are on their way only; batches bound them, so that the ledger never refuses.
    let ledger = Ledger::new(u64::MAX);
    let scan = Scan::new(corpus, plan, Direction::Forward, context);
    let mut sink = FileSink { plan, context, ledger: &ledger, route, files };
    Sweep::<_, K>::new(scan, limits, &ledger).run(&buffer, &mut sink)
}

/// The files of a count. Those of groups are created when they have something to hold.
struct Files<C> {
    /// The files with how many n-grams of each length are in them.
    all: Vec<Option<(Writer, [u64; MAX_GRAM])>>,
    create: C,
}

impl<C: Fn(usize) -> Result<Writer>> Files<C> {
    fn append(&mut self, at: usize, (bytes, rows): &Blocks) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let file = &mut self.all[at];
        let (writer, sums) = match file {
            Some(file) => file,
            None => file.insert(((self.create)(at)?, [0; MAX_GRAM])),
        };
        writer.blocks(bytes)?;
        sums.iter_mut().zip(rows).for_each(|(sum, rows)| *sum += rows);
        Ok(())
    }

    /// Ends all files; which of them there are.
    fn finish(self) -> Result<Vec<usize>> {
        let files = self.all.into_iter().enumerate();
        let files = files.filter_map(|(at, file)| file.map(|file| (at, file)));
        files.map(|(at, (writer, rows))| writer.finish(&rows).map(|()| at)).collect()
    }
}

struct FileSink<'a, C> {
    plan: &'a Plan,
    context: &'a Context,
    ledger: &'a Ledger,
    route: &'a Route,
    files: &'a mut Files<C>,
}

impl<K: Key, C: Fn(usize) -> Result<Writer>> Sink<K> for FileSink<'_, C> {
    fn take(&mut self, found: Vec<Found<K>>) -> Result<()> {
        let Self { plan, context, route, .. } = *self;
        let encode = |found: &Found<K>| encode(found, plan, route);
        let encoded: std::io::Result<Vec<_>> =
            context.pool().install(|| found.par_iter().map(encode).collect());
        // Bytes in memory do not fail.
        let encoded = encoded.map_err(|error| Error::io(context.temp_dir(), "cannot write", error));
        for task in encoded? {
            context.check()?;
            task.iter().enumerate().try_for_each(|(at, blocks)| self.files.append(at, blocks))?;
        }
        self.ledger.give(found.iter().map(Found::bytes).sum());
        Ok(())
    }

    fn settled(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Blocks, and how many n-grams of each length are in them.
type Blocks = (Vec<u8>, [u64; MAX_GRAM]);

/// The rows of a task as blocks for each file, in the order of the file.
fn encode<K: Key>(found: &Found<K>, plan: &Plan, route: &Route) -> std::io::Result<Vec<Blocks>> {
    let mut encoders: Vec<(Encoder, Vec<u8>)> = Vec::new();
    encoders.resize_with(route.files, Default::default);
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
            file = route.of(&head.0[..2.min(level + 1)]);
            let (encoder, bytes) = &mut encoders[file];
            encoder.push(head, count, bytes)?;
        } else {
            // The last n-gram went to the same file.
            let (encoder, bytes) = &mut encoders[file];
            encoder.append(Record { length: level + 1, last: head.0[level], count }, bytes)?;
        }
        next[level] += 1;
        heads[level] = gram(level, next[level]);
        last = head;
        deepest = (level + 2).min(heads.len());
    }
    debug_assert!(heads.iter().all(Option::is_none));
    let flushed = |(mut encoder, mut bytes): (Encoder, Vec<u8>)| {
        encoder.flush(&mut bytes)?;
        Ok((bytes, encoder.rows))
    };
    encoders.into_iter().map(flushed).collect()
}
