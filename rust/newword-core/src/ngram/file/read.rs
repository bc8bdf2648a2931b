//! Reading count files as a stream.

use std::borrow::Borrow;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::CountHeader;
use super::format::{
    Fault, Kind, MAGIC, MALFORMED, MAX_GRAM, TRUNCATED, Trouble, VERSION, take_block,
};
use super::names::take_names;
use super::records::{Decoder, Record};
use crate::corpus::Symbols;
use crate::support::{Context, Error, Result};

/// A count file whose header and symbols have been read.
#[derive(Debug)]
pub struct CountFile {
    path: PathBuf,
    header: CountHeader,
    symbols: Symbols,
    /// In a file of a group, the id of each symbol; they rise.
    numbers: Option<Vec<u32>>,
    /// Where the first block after the symbols begins.
    grams_at: u64,
}

impl CountFile {
    /// Opens a count file and reads its header and symbols.
    ///
    /// # Errors
    /// [`Error::Io`]; [`Error::Format`] if it is not a count file, has another version, or is truncated
    /// or corrupt.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io(path, "cannot read", error))?;
        let mut input = BufReader::with_capacity(1 << 18, file);
        Self::read(path, &mut input).map_err(|trouble| failed(path, trouble))
    }

    fn read(path: &Path, input: &mut BufReader<File>) -> std::result::Result<Self, Trouble> {
        let mut magic = Vec::new();
        input.take(MAGIC.len() as u64).read_to_end(&mut magic)?;
        if magic != MAGIC {
            let cut = !magic.is_empty() && MAGIC.starts_with(&magic);
            let other = "not a count file; make one with count_ngrams (newword count)";
            return Err(if cut { TRUNCATED } else { other }.into());
        }
        let mut version = [0; 4];
        input.read_exact(&mut version)?;
        if u32::from_le_bytes(version) != VERSION {
            return Err(
                "a count file of another version; read it with the newword that wrote it, \
                or count again"
                    .into(),
            );
        }
        let mut payload = Vec::new();
        if take_block(input, &mut payload)? != Kind::Header {
            return Err(MALFORMED.into());
        }
        let header = CountHeader::from_json(&payload).ok_or(MALFORMED)?;
        let (mut names, mut numbers) = (Vec::new(), None);
        let grams_at = loop {
            let at = input.stream_position()?;
            match take_block(input, &mut payload)? {
                Kind::Symbols if numbers.is_none() => take_names(&payload, &mut names, None)?,
                Kind::Numbered if numbers.is_some() || names.is_empty() => {
                    take_names(&payload, &mut names, Some(numbers.get_or_insert_default()))?;
                }
                _ => break at,
            }
        };
        let symbols = Symbols::new(names).map_err(|_| MALFORMED)?;
        Ok(Self { path: path.to_owned(), header, symbols, numbers, grams_at })
    }

    /// The header of the file.
    pub fn header(&self) -> &CountHeader {
        &self.header
    }

    /// The symbols its ids stand for, in code-point order from id 1. Those of a file of a group have other ids.
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// In a file of a group, the id of each symbol; they rise.
    pub(super) fn numbers(&self) -> Option<&[u32]> {
        self.numbers.as_deref()
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Streams the n-grams of all lengths in code-point order, a prefix before what it begins. A pruned
    /// file also has those that occur twice or more and less often than its smallest count, which are
    /// there as neighbours.
    ///
    /// # Errors
    /// [`Error::Format`] for a file of a group, as [`super::count_groups`] makes it; [`Error::Io`].
    pub fn grams(&self) -> Result<Grams<&Self>> {
        self.check_whole()?;
        Grams::of(self)
    }

    /// [`CountFile::grams`] that keep the file.
    ///
    /// # Errors
    /// As [`CountFile::grams`].
    pub fn into_grams(self) -> Result<Grams<Self>> {
        self.check_whole()?;
        Grams::of(self)
    }

    /// Checks that its ids are those of its symbols.
    fn check_whole(&self) -> Result<()> {
        if self.numbers.is_none() {
            return Ok(());
        }
        let message = "holds a group of the n-grams of a piece of text, in ids of that piece; \
            merge the files of the group first";
        Err(Error::format(&self.path, message))
    }

    /// The largest id.
    pub(super) fn largest(&self) -> u32 {
        // `Symbols::new` has made sure that their number fits.
        let dense = || u32::try_from(self.symbols.len()).unwrap_or(u32::MAX);
        self.numbers.as_ref().map_or_else(dense, |ids| ids.last().copied().unwrap_or(0))
    }

    /// Streams the n-grams of `n` symbols that occur as often as the file's smallest count as
    /// `(word, count)` in code-point order: the lines of a table with tabs.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the file has no such length; as [`CountFile::grams`]. Items are errors
    /// where the file is damaged further on.
    pub fn words(&self, n: usize) -> Result<impl Iterator<Item = Result<(String, u64)>>> {
        let longest = self.header.order + 1;
        if !(1..=longest).contains(&n) {
            return Err(Error::invalid("n", format!("must be between 1 and {longest}"), n));
        }
        let least = self.header.min_count;
        let wanted = move |item: &Result<(Vec<u32>, u64)>| {
            item.as_ref().map_or(true, |(gram, count)| gram.len() == n && *count >= least)
        };
        let spell = |(gram, count): (Vec<u32>, u64)| (self.symbols.spell(&gram), count);
        Ok(self.grams()?.filter(wanted).map(move |item| item.map(spell)))
    }
}

pub(super) fn failed(path: &Path, trouble: Trouble) -> Error {
    match trouble {
        Trouble::Fault(fault) => Error::format(path, fault),
        Trouble::Io(error) => Error::io(path, "cannot read", error),
    }
}

/// The n-grams of a count file as `(ids, count)`; after an error there is nothing more.
#[derive(Debug)]
pub struct Grams<F> {
    file: F,
    input: BufReader<File>,
    payload: Vec<u8>,
    at: usize,
    decoder: Decoder,
    /// Whether the n-gram is the first of a block.
    anew: bool,
    /// The sum of the counts of single symbols.
    symbols_seen: u64,
    ended: bool,
}

impl<F: Borrow<CountFile>> Grams<F> {
    /// The n-grams in the ids of the file, of a group or not.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub(super) fn of(file: F) -> Result<Self> {
        let CountFile { path, header, grams_at, .. } = file.borrow();
        let open = || {
            let mut file = File::open(path)?;
            file.seek(SeekFrom::Start(*grams_at))?;
            Ok(BufReader::with_capacity(1 << 18, file))
        };
        let input = open().map_err(|error| Error::io(path, "cannot read", error))?;
        let decoder = Decoder::new(file.borrow().largest(), header.order + 1);
        let (payload, at, anew, symbols_seen, ended) = (Vec::new(), 0, false, 0, false);
        Ok(Self { file, input, payload, at, decoder, anew, symbols_seen, ended })
    }

    /// The file they are of.
    pub fn file(&self) -> &CountFile {
        self.file.borrow()
    }

    /// The next n-gram as what it adds to the one before; looks at the cancel flag and reports bytes once a
    /// block.
    ///
    /// # Errors
    /// [`Error::Io`], [`Error::Format`], [`Error::Cancelled`].
    #[inline]
    pub(super) fn next_record(&mut self, context: Option<&Context>) -> Result<Option<Record>> {
        if self.at >= self.payload.len() {
            return self.next_block(context);
        }
        self.anew = false;
        let mut bytes = &self.payload[self.at..];
        match self.decoder.next(&mut bytes) {
            Ok(record) => {
                self.at = self.payload.len() - bytes.len();
                self.see(record);
                Ok(Some(record))
            }
            Err(fault) => Err(self.failed(fault)),
        }
    }

    /// The symbols of the n-gram that was read last; none before the first.
    #[inline]
    pub(super) fn gram(&self) -> &[u32] {
        self.decoder.gram()
    }

    /// Whether that n-gram may share less with the one before than a [`Record`] says: it is the first of a
    /// block.
    #[inline]
    pub(super) fn is_anew(&self) -> bool {
        self.anew
    }

    /// Reads the next block and its first record.
    fn next_block(&mut self, context: Option<&Context>) -> Result<Option<Record>> {
        if self.ended {
            return Ok(None);
        }
        if let Some(context) = context {
            context.check()?;
        }
        let path = &self.file.borrow().path;
        let kind = take_block(&mut self.input, &mut self.payload);
        let kind = kind.map_err(|trouble| failed(path, trouble))?;
        if let Some(context) = context {
            context.progress().advance(self.payload.len() as u64);
        }
        match kind {
            Kind::Grams => {
                let mut bytes = &self.payload[..];
                let record = self.decoder.first(&mut bytes);
                self.at = self.payload.len() - bytes.len();
                self.anew = true;
                let record = record.map_err(|fault| self.failed(fault))?;
                self.see(record);
                Ok(Some(record))
            }
            Kind::End => {
                let ended = self.end();
                ended.map_err(|trouble| failed(&self.file.borrow().path, trouble))?;
                Ok(None)
            }
            Kind::Header | Kind::Symbols | Kind::Numbered => Err(Error::format(path, MALFORMED)),
        }
    }

    #[inline]
    fn see(&mut self, record: Record) {
        if record.length == 1 {
            self.symbols_seen = self.symbols_seen.saturating_add(record.count);
        }
    }

    #[cold]
    pub(super) fn failed(&self, fault: Fault) -> Error {
        Error::format(&self.file.borrow().path, fault)
    }

    /// Checks that the end and the header say what has been read, and that it is the end.
    fn end(&mut self) -> std::result::Result<(), Trouble> {
        let json: serde_json::Value =
            serde_json::from_slice(&self.payload).map_err(|_| MALFORMED)?;
        let rows = json["rows"].as_array().ok_or(MALFORMED)?;
        let same = rows.len() == MAX_GRAM
            && rows.iter().zip(self.decoder.rows).all(|(said, read)| said.as_u64() == Some(read));
        let header = &self.file.borrow().header;
        let complete = !header.is_exact() || self.symbols_seen == header.total;
        let mut more = [0];
        if !same || !complete || self.input.read(&mut more)? != 0 {
            return Err(MALFORMED.into());
        }
        self.payload.clear();
        self.at = 0;
        self.ended = true;
        Ok(())
    }
}

impl<F: Borrow<CountFile>> Iterator for Grams<F> {
    type Item = Result<(Vec<u32>, u64)>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_record(None) {
            Ok(Some(record)) => Some(Ok((self.gram().to_vec(), record.count))),
            Ok(None) => None,
            Err(error) => {
                self.payload.clear();
                self.at = 0;
                self.ended = true;
                Some(Err(error))
            }
        }
    }
}
