//! Many exact count files into one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::Path;

use super::format::{Encoder, Gram};
use super::write::Writer;
use super::{CountFile, CountHeader, Grams};
use crate::corpus::Symbols;
use crate::support::{Context, Error, Result, Stage};

/// Merges exact count files into `out`, the file of all their corpora one after the other.
///
/// The files may have different symbols; they must agree in order and alphabet. Memory is that of the
/// symbol tables and one block a file; O(n-grams * log files). Nothing is at `out` before the file is
/// complete; `out` may be one of `paths`.
///
/// # Errors
/// [`Error::InvalidArgument`] without any path; [`Error::Format`] for files that are damaged, pruned,
/// or do not fit the first; [`Error::Io`]; [`Error::Cancelled`].
pub fn merge(paths: &[impl AsRef<Path>], out: &Path, context: &Context) -> Result<()> {
    if paths.is_empty() {
        return Err(Error::invalid("paths", "must name at least one count file", "none"));
    }
    let files: Result<Vec<_>> = paths.iter().map(|path| CountFile::open(path.as_ref())).collect();
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
    writer.finish(&encoder.rows)
}

/// The header of the merged file.
fn common_header(files: &[CountFile]) -> Result<CountHeader> {
    let mut merged: CountHeader = files[0].header().clone();
    merged.total = 0;
    merged.meta.sources.clear();
    for file in files {
        let header = file.header();
        let wrong = |message: String| Err(Error::format(file.path(), message));
        if !header.is_exact() {
            return wrong(format!(
                "pruned at min_count {}, so sums with it would be wrong; count it again with min_count 1",
                header.min_count
            ));
        }
        if header.order != merged.order {
            return wrong(format!(
                "counted for order {}, but {} for order {}; count one of them again",
                header.order,
                files[0].path().display(),
                merged.order
            ));
        }
        if header.meta.alphabet != merged.meta.alphabet {
            return wrong(format!(
                "counted with the alphabet {:?}, but {} with {:?}; count one of them again",
                header.meta.alphabet,
                files[0].path().display(),
                merged.meta.alphabet
            ));
        }
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
    grams: Grams<'f>,
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
