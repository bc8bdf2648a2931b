//! Merging of exact count files.

use std::path::Path;

use super::format::MALFORMED;
use super::names::union;
use super::packed::{Layout, Packed, Tournament};
use super::records::{Encoder, Gram, Record};
use super::write::{Writer, temporary};
use super::{CountFile, CountHeader, Grams};
use crate::support::{Context, Error, Result, Stage};

/// Files merged at once, well below what systems let a process open.
const MOST_OPEN: usize = 200;
/// Bytes an open file takes: a block as read and as held, and the system's own.
const OPEN_BYTES: u64 = 1 << 20;

/// Merges exact count files into `out`, the file of all their corpora one after the other.
///
/// The files may have different symbols, and be those of groups; they must agree in order and alphabet. Memory is that of the
/// symbol tables and one block per file; O(n-grams * log files). If the files are too many for the budget,
/// they are merged in groups, with temporary files next to `out`. `out` is written atomically and may be
/// one of `paths`. A file that is named twice counts twice.
///
/// # Errors
/// [`Error::InvalidArgument`] without any path; [`Error::Format`] for files that are corrupt, pruned,
/// or do not match the first; [`Error::Io`]; [`Error::Cancelled`].
pub fn merge(paths: &[impl AsRef<Path>], out: &Path, context: &Context) -> Result<()> {
    let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
    merge_by(&paths, (out, Kept::All), most_open(context), context)
}

/// Merges exact count files as [`merge`] does into a file that has what sums over neighbours need where
/// every n-gram that is kept occurs at least twice; it is smaller and not synced to the disk.
///
/// A neighbour seen once adds 1 ln 1 = 0 to a sum, unless it is a number and all numbers are added up as one
/// neighbour. So the file lacks the n-grams that occur once, but has the single symbols, the n-grams that
/// begin with a number, and the n-grams that end with one and whose prefix is a single symbol or in the file.
///
/// # Errors
/// As [`merge`].
pub fn merge_for_sums(paths: &[impl AsRef<Path>], out: &Path, context: &Context) -> Result<()> {
    let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
    merge_by(&paths, (out, Kept::ForSums), most_open(context), context)
}

/// Which n-grams a merged file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    All,
    /// Those of [`merge_for_sums`].
    ForSums,
}

fn most_open(context: &Context) -> usize {
    let most = usize::try_from(context.memory().bytes() / 4 / OPEN_BYTES).unwrap_or(MOST_OPEN);
    most.clamp(2, MOST_OPEN)
}

/// [`merge`], at most `most` files at once.
pub(super) fn merge_by(
    paths: &[&Path],
    (out, kept): (&Path, Kept),
    most: usize,
    context: &Context,
) -> Result<()> {
    let Some(first) = paths.first() else {
        return Err(Error::invalid("paths", "must name at least one count file", "none"));
    };
    let like = CountFile::open(first)?.header().clone();
    let opened = |path: &&Path| {
        let file = CountFile::open(path)?;
        check(&file, (&like, first)).map(|()| file)
    };
    if paths.len() <= most {
        let files: Result<Vec<_>> = paths.iter().map(opened).collect();
        return merge_at_once(&files?, (out, kept), kept == Kept::All, context);
    }
    // All files are checked first, so that an error does not come after hours.
    paths.iter().try_for_each(|path| opened(path).map(drop))?;
    let mut merged = Vec::new();
    for group in paths.chunks(most) {
        let path = temporary(out)?;
        let files: Result<Vec<_>> = group.iter().map(opened).collect();
        merge_at_once(&files?, (&path, Kept::All), false, context)?;
        merged.push(path);
    }
    let merged: Vec<&Path> = merged.iter().map(|path| -> &Path { path }).collect();
    merge_by(&merged, (out, kept), most, context)
}

fn merge_at_once(
    files: &[CountFile],
    (out, kept): (&Path, Kept),
    durable: bool,
    context: &Context,
) -> Result<()> {
    let mut header = common_header(files)?;
    if kept == Kept::ForSums {
        header.min_count = 2;
    }
    let mut bytes = 0;
    for file in files {
        let length = std::fs::metadata(file.path());
        bytes += length.map_err(|error| Error::io(file.path(), "cannot read", error))?.len();
    }
    context.progress().begin(Stage::Merging, bytes);
    let (symbols, ids) = union(files, context)?;
    let mut writer = Writer::create(out, &header, &symbols)?;
    writer.durable = durable;
    let numbers = match kept {
        Kept::All => None,
        Kept::ForSums => Some(symbols.numbers()),
    };
    let streams = files.iter().zip(ids);
    match Layout::new(symbols.len(), header.order + 1) {
        Some(layout) => sum::<u128>(streams, &layout, Output::new(writer, numbers), context),
        None => sum::<Gram>(streams, &(), Output::new(writer, numbers), context),
    }
}

/// Whether a file can be merged with the first.
pub(super) fn check(file: &CountFile, (like, first): (&CountHeader, &Path)) -> Result<()> {
    let header = file.header();
    let wrong = |message: String| Err(Error::format(file.path(), message));
    if !header.is_exact() {
        return wrong(format!(
            "pruned at min_count {}, so sums with it would be wrong; count it again with min_count 1",
            header.min_count
        ));
    }
    if header.order != like.order {
        return wrong(format!(
            "counted for order {}, but {} for order {}; count one of them again",
            header.order,
            first.display(),
            like.order
        ));
    }
    if header.meta.alphabet != like.meta.alphabet {
        return wrong(format!(
            "counted with the alphabet {:?}, but {} with {:?}; count one of them again",
            header.meta.alphabet,
            first.display(),
            like.meta.alphabet
        ));
    }
    Ok(())
}

/// The header of the merged file.
fn common_header(files: &[CountFile]) -> Result<CountHeader> {
    let mut merged: CountHeader = files[0].header().clone();
    merged.total = 0;
    merged.meta.sources.clear();
    for file in files {
        let header = file.header();
        merged.total = merged
            .total
            .checked_add(header.total)
            .ok_or_else(|| Error::format(file.path(), "the sum of the totals is out of range"))?;
        merged.meta.sources.extend_from_slice(&header.meta.sources);
    }
    Ok(merged)
}

/// A file's n-grams in the ids of the union.
struct Stream<'f> {
    grams: Grams<&'f CountFile>,
    /// The id in the union by the file's own, 0 for none.
    ids: Vec<u32>,
    record: Record,
}

impl<'f> Stream<'f> {
    fn new(file: &'f CountFile, ids: Vec<u32>) -> Result<Self> {
        Ok(Self { grams: Grams::of(file)?, ids, record: Record { length: 0, last: 0, count: 0 } })
    }

    /// The key of the next n-gram, made of the last one; [`Packed::END`] behind all.
    #[inline]
    fn next<K: Packed>(&mut self, before: K, layout: &K::Layout, context: &Context) -> Result<K> {
        let Some(record) = self.grams.next_record(Some(context))? else { return Ok(K::END) };
        let last = self.ids[record.last as usize];
        self.record = Record { last, ..record };
        let (key, known) = if self.grams.is_anew() {
            let ids = self.grams.gram().iter().map(|&id| self.ids[id as usize]);
            (K::of(ids.clone(), layout), ids.min() != Some(0))
        } else {
            (before.with(record.length, last, layout), last != 0)
        };
        if known { Ok(key) } else { Err(self.grams.failed(MALFORMED)) }
    }
}

/// Writes the n-grams of all streams in order, equal ones as one with the sum of their counts.
fn sum<'f, K: Packed>(
    files: impl Iterator<Item = (&'f CountFile, Vec<u32>)>,
    layout: &K::Layout,
    mut output: Output<K>,
    context: &Context,
) -> Result<()> {
    let (mut streams, mut keys) = (Vec::new(), Vec::new());
    for (file, ids) in files {
        let mut stream = Stream::new(file, ids)?;
        keys.push(stream.next(K::EMPTY, layout, context)?);
        streams.push(stream);
    }
    let mut next = Tournament::new(keys);
    while let (key, at) = next.first()
        && key != K::END
    {
        let mut record = streams[at].record;
        next.replace(streams[at].next(key, layout, context)?);
        while let (same, at) = next.first()
            && same == key
        {
            let sum = record.count.checked_add(streams[at].record.count);
            let file = streams[at].grams.file();
            record.count =
                sum.ok_or_else(|| Error::format(file.path(), "a sum is out of range"))?;
            next.replace(streams[at].next(key, layout, context)?);
        }
        output.push(key, record, layout)?;
    }
    // Some systems do not replace a file that is open.
    drop(streams);
    output.finish()
}

/// The merged file on its way.
struct Output<K> {
    writer: Writer,
    encoder: Encoder,
    /// The n-gram written last.
    last: K,
    /// Which ids are numbers, if only what sums need is written.
    numbers: Option<Vec<bool>>,
}

impl<K: Packed> Output<K> {
    fn new(writer: Writer, numbers: Option<Vec<bool>>) -> Self {
        Self { writer, encoder: Encoder::default(), last: K::EMPTY, numbers }
    }

    #[inline]
    fn push(&mut self, key: K, record: Record, layout: &K::Layout) -> Result<()> {
        let follows = key.shares(self.last, record.length - 1, layout);
        if !self.keeps(key, record, follows, layout) {
            return Ok(());
        }
        self.last = key;
        if follows {
            return self.writer.append(record, &mut self.encoder);
        }
        let gram = key.gram(layout);
        self.writer.push(&gram.0[..record.length], record.count, &mut self.encoder)
    }

    /// Whether an n-gram is to be written; `follows` if the last one written begins with its prefix.
    ///
    /// The prefix of what is kept is kept: it is a single symbol, which may be in another file, or it occurs
    /// as often and begins with the same symbol, or the last rule asks for it. For a prefix of two symbols
    /// and more that is `follows`: whatever is written between the two begins with it.
    #[inline]
    fn keeps(&self, key: K, record: Record, follows: bool, layout: &K::Layout) -> bool {
        let Some(numbers) = &self.numbers else { return true };
        let is_number = |id: u32| numbers[id as usize];
        record.count > 1
            || record.length == 1
            || is_number(key.first(layout))
            || (follows || record.length == 2) && is_number(record.last)
    }

    fn finish(mut self) -> Result<()> {
        self.writer.flush(&mut self.encoder)?;
        self.writer.finish(&self.encoder.rows)
    }
}
