//! Writing count files: straight from a sweep, in bounded memory.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use super::blocks::{Blocks, Files, sweep_into};
use super::format::{Kind, MAGIC, MAX_GRAM, VERSION, put_block};
use super::names::put_names;
use super::records::{Encoder, Record};
use super::{CountHeader, CountMeta};
use crate::corpus::Symbols;
use crate::ngram::options::{CountOptions, Neighbours};
use crate::ngram::parts::IdParts;
use crate::ngram::plan::{Goal, Limits, Plan};
use crate::support::{Context, Error, Result};

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
        let out = BufWriter::with_capacity(BUFFER, next_to(path)?);
        let mut writer = Self { path: path.to_owned(), out, durable: true };
        let names = (1..).take(symbols.len()).map(|id| (id, symbols.name(id)));
        let begun = put_start(&mut writer.out, header, Kind::Symbols, names);
        begun.map_err(|error| writer.failed(error))?;
        Ok(writer)
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
    pub(super) fn push(&mut self, gram: &[u32], count: u64, encoder: &mut Encoder) -> Result<()> {
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
        put_end(&mut self.out, rows).map_err(|error| self.failed(error))?;
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

/// Writes what comes before the n-grams of a file: header and symbols, whose ids rise.
pub(super) fn put_start<'s>(
    out: &mut impl Write,
    header: &CountHeader,
    kind: Kind,
    symbols: impl Iterator<Item = (u32, &'s str)>,
) -> std::io::Result<()> {
    out.write_all(&MAGIC)?;
    out.write_all(&VERSION.to_le_bytes())?;
    put_block(out, Kind::Header, header.to_json().as_bytes())?;
    put_names(out, kind, symbols)
}

/// Writes what comes behind them.
pub(super) fn put_end(out: &mut impl Write, rows: &[u64; MAX_GRAM]) -> std::io::Result<()> {
    let end = serde_json::json!({ "rows": rows }).to_string();
    put_block(out, Kind::End, end.as_bytes())
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
    let writer = Writer::create(path, &header, corpus.symbols())?;
    let mut file = Single { writer, rows: [0; MAX_GRAM] };
    sweep_into(corpus, &plan, &mut file, context, adjust)?;
    file.writer.finish(&file.rows)
}

/// The file of all n-grams, with how many of each length are in it.
struct Single {
    writer: Writer,
    rows: [u64; MAX_GRAM],
}

impl Files for Single {
    fn count(&self) -> usize {
        1
    }

    fn of(&self, _: &[u32]) -> usize {
        0
    }

    fn note(&self, _: usize, _: u32) {}

    fn append(&mut self, blocks: Vec<Blocks>) -> Result<()> {
        blocks.iter().try_for_each(|blocks| self.writer.blocks(&blocks.bytes))
    }

    fn add_rows(&mut self, _: usize, rows: &[u64; MAX_GRAM]) {
        self.rows.iter_mut().zip(rows).for_each(|(sum, rows)| *sum += rows);
    }
}
