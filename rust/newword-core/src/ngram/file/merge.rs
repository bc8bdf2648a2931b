//! Merging of exact count files.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;

use super::format::{Encoder, Gram};
use super::write::{Writer, temporary};
use super::{CountFile, CountHeader, Grams};
use crate::corpus::Symbols;
use crate::support::{Context, Error, Result, Stage};

/// Files merged at once, well below what systems let a process open.
const MOST_OPEN: usize = 200;
/// Bytes an open file takes: a block as read and as held, and the system's own.
const OPEN_BYTES: u64 = 1 << 20;

/// Merges exact count files into `out`, the file of all their corpora one after the other.
///
/// The files may have different symbols; they must agree in order and alphabet. Memory is that of the
/// symbol tables and one block per file; O(n-grams * log files). If the files are too many for the budget,
/// they are merged in groups, with temporary files next to `out`. `out` is written atomically and may be
/// one of `paths`. A file that is named twice counts twice.
///
/// # Errors
/// [`Error::InvalidArgument`] without any path; [`Error::Format`] for files that are corrupt, pruned,
/// or do not match the first; [`Error::Io`]; [`Error::Cancelled`].
pub fn merge(paths: &[impl AsRef<Path>], out: &Path, context: &Context) -> Result<()> {
    let most = usize::try_from(context.memory().bytes() / 4 / OPEN_BYTES).unwrap_or(MOST_OPEN);
    let paths: Vec<&Path> = paths.iter().map(AsRef::as_ref).collect();
    merge_by(&paths, out, most.clamp(2, MOST_OPEN), context)
}

/// [`merge`], at most `most` files at once.
pub(super) fn merge_by(paths: &[&Path], out: &Path, most: usize, context: &Context) -> Result<()> {
    let Some(first) = paths.first() else {
        return Err(Error::invalid("paths", "must name at least one count file", "none"));
    };
    let like = CountFile::open(first)?;
    // All files are checked first, so that an error does not come after hours.
    paths.iter().try_for_each(|path| check(&CountFile::open(path)?, (like.header(), first)))?;
    if paths.len() <= most {
        return merge_at_once(paths, out, context);
    }
    let mut merged = Vec::new();
    for group in paths.chunks(most) {
        let path = temporary(out)?;
        merge_at_once(group, &path, context)?;
        merged.push(path);
    }
    let merged: Vec<&Path> = merged.iter().map(|path| -> &Path { path }).collect();
    merge_by(&merged, out, most, context)
}

fn merge_at_once(paths: &[&Path], out: &Path, context: &Context) -> Result<()> {
    let files: Result<Vec<_>> = paths.iter().map(|path| CountFile::open(path)).collect();
    let files = files?;
    let header = common_header(&files)?;
    let mut bytes = 0;
    for file in &files {
        let length = std::fs::metadata(file.path());
        bytes += length.map_err(|error| Error::io(file.path(), "cannot read", error))?.len();
    }
    context.progress().begin(Stage::Merging, bytes);
    let symbols = union(&files)?;
    let mut streams = Vec::new();
    for file in &files {
        streams.push(Stream::new(file, &symbols)?);
    }
    let mut writer = Writer::create(out, &header, &symbols)?;
    let mut encoder = Encoder::default();
    sum(&mut streams, context, |gram, count| writer.push(gram, count, &mut encoder))?;
    writer.flush(&mut encoder)?;
    // Some systems do not replace a file that is open.
    drop(streams);
    writer.finish(&encoder.rows)
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

/// All symbols of all files.
fn union(files: &[CountFile]) -> Result<Symbols> {
    let names = files.iter().map(CountFile::symbols);
    let names = names.flat_map(|symbols| (1..).take(symbols.len()).map(|id| symbols.name(id)));
    let mut names: Vec<Box<str>> = names.map(Into::into).collect();
    names.sort_unstable();
    names.dedup();
    Symbols::new(names)
}

/// A file's n-grams in the ids of the union.
struct Stream<'f> {
    file: &'f CountFile,
    grams: Grams<&'f CountFile>,
    /// The id in the union by the file's own. Rising, so that the order stays.
    ids: Vec<u32>,
}

impl<'f> Stream<'f> {
    fn new(file: &'f CountFile, union: &Symbols) -> Result<Self> {
        let names = (1..).take(file.symbols().len()).map(|id| file.symbols().name(id));
        let ids = names.map(|name| union.id(name).unwrap_or(0));
        Ok(Self { file, grams: file.grams()?, ids: std::iter::once(0).chain(ids).collect() })
    }

    fn next(&mut self, context: &Context) -> Result<Option<(Gram, u64)>> {
        let next = self.grams.next_gram(Some(context))?;
        Ok(next.map(|(gram, count)| (Gram(gram.0.map(|id| self.ids[id as usize])), count)))
    }
}

/// Hands over the n-grams of all streams in order, equal ones as one with the sum of their counts.
fn sum(
    streams: &mut [Stream],
    context: &Context,
    mut each: impl FnMut(Gram, u64) -> Result<()>,
) -> Result<()> {
    let mut heads = BinaryHeap::new();
    for (at, stream) in streams.iter_mut().enumerate() {
        if let Some((gram, count)) = stream.next(context)? {
            heads.push(Reverse((gram, at, count)));
        }
    }
    let mut current: Option<(Gram, u64)> = None;
    while let Some(mut top) = heads.peek_mut() {
        let Reverse((gram, at, count)) = *top;
        match streams[at].next(context)? {
            Some((next, count)) => *top = Reverse((next, at, count)),
            None => drop(std::collections::binary_heap::PeekMut::pop(top)),
        }
        current = match current {
            Some((same, sum)) if same == gram => {
                let overflow = || Error::format(streams[at].file.path(), "a sum is out of range");
                Some((gram, sum.checked_add(count).ok_or_else(overflow)?))
            }
            before => {
                if let Some((gram, count)) = before {
                    each(gram, count)?;
                }
                Some((gram, count))
            }
        };
    }
    current.map_or(Ok(()), |(gram, count)| each(gram, count))
}
