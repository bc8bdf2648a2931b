//! Text out of files, one after the other.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::decode::Decoder;
use super::documents::{Assembler, LineCounter, block_bytes};
use super::input::{self, read_error};
use super::options::{DocumentOptions, Lines, OnInvalid, ReadOptions};
use super::records;
use super::rows::{Row, Rows};
use super::{Block, Input, ReadReport, TextSource};
use crate::support::{Context, Error, Result};

/// How much is read at a time: what is read stays in the cache until it is decoded.
const CHUNK: u64 = 256 << 10;

/// Text out of files, one after the other. Each file ends in a break.
///
/// Files are opened when their turn comes. Compression (gzip, Zstandard, xz) is recognised by the
/// first bytes.
pub struct FileSource {
    inputs: std::vec::IntoIter<Input>,
    options: ReadOptions,
    /// Whether any of the inputs holds records.
    records: bool,
    current: Option<OpenFile>,
    assembler: Assembler,
    counter: LineCounter,
    report: ReadReport,
    total: u64,
    /// Bytes read from files, as stored.
    stored: Arc<AtomicU64>,
    /// How many of them were told to the watcher.
    told: u64,
    /// Bytes read and not decoded yet.
    raw: Vec<u8>,
}

/// The file being read.
struct OpenFile {
    reader: Box<dyn Read + Send>,
    place: PathBuf,
    decoder: Decoder,
    /// Where whole lines are wanted: text decoded, from the start of a line on.
    lines: String,
    /// How much of `lines` is known to hold no line end, so that a long line is searched once.
    searched: usize,
    /// Lines before that.
    number: u64,
    /// Where the lines are rows of a table.
    rows: Option<Rows>,
}

impl FileSource {
    /// A source of all `inputs` in order.
    pub fn new(inputs: Vec<Input>, options: ReadOptions) -> Self {
        let format = &options.format;
        let records = inputs.iter().any(|input| format.lines(input.place()) != Lines::Text);
        let sizes: Option<Vec<u64>> = inputs.iter().map(Input::size).collect();
        Self {
            total: sizes.map_or(0, |sizes| sizes.iter().sum()),
            inputs: inputs.into_iter(),
            assembler: Assembler::new(options.documents),
            options,
            records,
            current: None,
            counter: LineCounter::default(),
            report: ReadReport::default(),
            stored: Arc::default(),
            told: 0,
            raw: Vec::new(),
        }
    }

    /// Whether lines must be seen as a whole, and not just passed on.
    fn whole_lines(&self) -> bool {
        self.options.documents != DocumentOptions::default()
            || self.options.on_invalid == OnInvalid::SkipLine
            || self.records
    }

    /// Reads one more chunk; false at the end of all files.
    fn read_on(&mut self, context: &Context) -> Result<bool> {
        context.check()?;
        let mut file = match self.current.take() {
            Some(file) => file,
            None => match self.inputs.next() {
                Some(input) => self.open(&input, context)?,
                None => return Ok(false),
            },
        };
        let before = self.raw.len();
        (&mut file.reader)
            .take(CHUNK)
            .read_to_end(&mut self.raw)
            .map_err(|error| read_error(&file.place, "cannot read", error, context))?;
        let count = (self.raw.len() - before) as u64;
        self.report.bytes += count;
        let last = count < CHUNK;
        if self.whole_lines() {
            file.decoder.decode(&mut self.raw, last, &mut file.lines, &mut self.report)?;
            match file.rows.take() {
                Some(mut rows) => {
                    self.take_rows(&mut rows, &mut file, last, context)?;
                    file.rows = Some(rows);
                }
                None => self.take_lines(&mut file, last, context)?,
            }
        } else {
            file.decoder.decode(&mut self.raw, last, &mut self.assembler.text, &mut self.report)?;
            if last {
                self.assembler.end_line();
            }
        }
        self.current = (!last).then_some(file);
        Ok(true)
    }

    fn open(&mut self, input: &Input, context: &Context) -> Result<OpenFile> {
        let reader = input::open(input, &self.stored, context)?;
        self.report.files += 1;
        self.assembler.end_markup();
        let place = input.place().to_path_buf();
        let ReadOptions { encoding, mut on_invalid, .. } = self.options;
        let rows = match self.options.format.lines(&place) {
            Lines::Rows(field, dialect) => {
                let most = usize::try_from(context.memory().bytes() / 8).unwrap_or(usize::MAX);
                Some(Rows::new(field, dialect, most))
            }
            Lines::Text | Lines::Records(_) => None,
        };
        if rows.is_some() && on_invalid == OnInvalid::SkipLine {
            // A row may span lines: what to skip is seen once the row is whole.
            on_invalid = OnInvalid::Replace;
        }
        Ok(OpenFile {
            reader,
            decoder: Decoder::new(place.clone(), encoding, on_invalid),
            place,
            lines: String::new(),
            searched: 0,
            number: 0,
            rows,
        })
    }

    /// Adds the documents of all complete rows.
    fn take_rows(
        &mut self,
        rows: &mut Rows,
        file: &mut OpenFile,
        last: bool,
        context: &Context,
    ) -> Result<()> {
        let on_invalid = self.options.on_invalid;
        let (assembler, report) = (&mut self.assembler, &mut self.report);
        rows.read(&file.lines, last, &file.place, |row, line| match row {
            Row::Text(text)
                if on_invalid == OnInvalid::SkipLine
                    && text.contains(char::REPLACEMENT_CHARACTER) =>
            {
                report.skipped += 1;
                Ok(())
            }
            Row::Text(text) => {
                assembler.end_markup();
                assembler.add_document(text, context, report)
            }
            Row::Short(_) if on_invalid == OnInvalid::SkipLine => {
                report.skipped += 1;
                Ok(())
            }
            Row::Short(fields) => Err(Error::Corpus(format!(
                "{}: line {line}: the row must reach the column of the text, got {fields} field{}",
                file.place.display(),
                if fields == 1 { "" } else { "s" },
            ))),
        })?;
        file.lines.clear();
        Ok(())
    }

    /// Adds the documents of all complete lines, of the last line too at the end of the file.
    fn take_lines(&mut self, file: &mut OpenFile, last: bool, context: &Context) -> Result<()> {
        let complete = match memchr::memrchr(b'\n', &file.lines.as_bytes()[file.searched..]) {
            _ if last => file.lines.len(),
            Some(end) => file.searched + end + 1,
            None => {
                file.searched = file.lines.len();
                return Ok(());
            }
        };
        for line in file.lines[..complete].split_terminator('\n') {
            file.number += 1;
            let line = line.strip_suffix('\r').unwrap_or(line);
            let record;
            let document = match self.options.format.lines(&file.place) {
                Lines::Text | Lines::Rows(..) => line,
                Lines::Records(field) => {
                    self.assembler.end_markup();
                    let place = (file.place.as_path(), file.number);
                    let on_invalid = self.options.on_invalid;
                    record = records::text_of(line, field, place, on_invalid, &mut self.report)?;
                    record.as_deref().unwrap_or_default()
                }
            };
            let report = &mut self.report;
            self.assembler.add_document(document, context, report)?;
        }
        file.lines.drain(..complete);
        file.searched = file.lines.len();
        Ok(())
    }
}

impl TextSource for FileSource {
    fn next_block(&mut self, context: &Context) -> Result<Option<Block>> {
        let most = block_bytes(context, self.report.bytes);
        while self.assembler.len() <= most && self.read_on(context)? {}
        if self.assembler.len() == 0 {
            return Ok(None);
        }
        let mut block = self.assembler.take(most);
        if !self.whole_lines() {
            self.report.documents += self.counter.count(&block.text);
        }
        let stored = self.stored.load(Ordering::Relaxed);
        block.bytes = stored - std::mem::replace(&mut self.told, stored);
        Ok(Some(block))
    }

    fn total_bytes(&self) -> u64 {
        self.total
    }

    fn report(&self) -> ReadReport {
        self.report.clone()
    }
}

#[cfg(test)]
mod tests;
