//! The text of CSV and TSV rows.

use std::path::Path;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::options::Dialect;
use crate::support::{Error, Result};

/// Rows out of text that comes in pieces, which may end anywhere.
///
/// The parsing is that of csv-core, which the crate `csv` is built on: it takes pieces and does not
/// allocate.
#[derive(Debug)]
pub(super) struct Rows {
    reader: Reader,
    /// The name of the column, and its place once the header was read.
    field: String,
    column: Option<usize>,
    /// The maximum number of bytes of a row.
    most: usize,
    /// The row being read: fields end to end, and where each ends.
    text: Vec<u8>,
    ends: Vec<usize>,
    filled: (usize, usize),
    /// The line that the row begins in, and the line that was reached.
    line: u64,
    reached: u64,
    /// Whether nothing of the row has come yet.
    fresh: bool,
}

/// What a row holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Row<'r> {
    /// The text of the column.
    Text(&'r str),
    /// The row ends before the column, of which there are so many fields.
    Short(usize),
}

impl Rows {
    /// Rows whose text is in the column `field`, none longer than `most` bytes.
    pub(super) fn new(field: &str, dialect: Dialect, most: usize) -> Self {
        let mut builder = ReaderBuilder::new();
        if dialect == Dialect::Tsv {
            builder.delimiter(b'\t').quoting(false);
        }
        Self {
            reader: builder.build(),
            field: field.to_owned(),
            column: None,
            most,
            text: vec![0; 1 << 10],
            ends: vec![0; 16],
            filled: (0, 0),
            line: 1,
            reached: 1,
            fresh: true,
        }
    }

    /// Reads the next piece of text, the `last` of the file or not, and passes each row it
    /// completes to `take`, with the line it begins in. O(n).
    ///
    /// # Errors
    /// [`Error::Corpus`] naming `place` where the header lacks the column or a row is too long;
    /// whatever `take` fails with.
    pub(super) fn read(
        &mut self,
        piece: &str,
        last: bool,
        place: &Path,
        mut take: impl FnMut(Row<'_>, u64) -> Result<()>,
    ) -> Result<()> {
        let mut rest = piece.as_bytes();
        loop {
            if self.fresh {
                rest = self.begin_row(rest);
            }
            let at_end = rest.is_empty();
            if at_end && !last {
                return Ok(());
            }
            let (text, ends) = (&mut self.text[self.filled.0..], &mut self.ends[self.filled.1..]);
            let (result, read, written, ended) = self.reader.read_record(rest, text, ends);
            self.reached += memchr::memchr_iter(b'\n', &rest[..read]).count() as u64;
            rest = &rest[read..];
            self.filled = (self.filled.0 + written, self.filled.1 + ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.grow(place)?,
                ReadRecordResult::OutputEndsFull => self.ends.resize(2 * self.ends.len(), 0),
                ReadRecordResult::Record => self.end_row(place, &mut take)?,
                ReadRecordResult::End => return Ok(()),
            }
        }
    }

    /// Moves over the line ends before a row, so that its line is known; what is left.
    fn begin_row<'p>(&mut self, rest: &'p [u8]) -> &'p [u8] {
        let ends = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.reached += memchr::memchr_iter(b'\n', &rest[..ends]).count() as u64;
        self.line = self.reached;
        self.fresh = ends == rest.len();
        &rest[ends..]
    }

    fn grow(&mut self, place: &Path) -> Result<()> {
        if self.text.len() >= self.most {
            return Err(Error::Corpus(format!(
                "{}: line {}: a row must have at most {} bytes in this memory budget, got more; does \
                 a quote stay open?",
                place.display(),
                self.line,
                self.most,
            )));
        }
        self.text.resize((2 * self.text.len()).min(self.most), 0);
        Ok(())
    }

    fn end_row(
        &mut self,
        place: &Path,
        take: &mut impl FnMut(Row<'_>, u64) -> Result<()>,
    ) -> Result<()> {
        let ends = &self.ends[..std::mem::take(&mut self.filled).1];
        let line = self.line;
        self.fresh = true;
        let field = |column: usize| {
            let start = column.checked_sub(1).map_or(0, |before| ends[before]);
            // Fields are cut at ASCII characters, so that they are valid where the text is.
            std::str::from_utf8(&self.text[start..ends[column]]).unwrap_or_default()
        };
        match self.column {
            Some(column) if column < ends.len() => take(Row::Text(field(column)), line),
            Some(_) => take(Row::Short(ends.len()), line),
            None => {
                let column = (0..ends.len()).find(|&column| field(column) == self.field);
                if column.is_none() {
                    let names: Vec<_> =
                        (0..ends.len()).map(|at| format!("{:?}", field(at))).collect();
                    return Err(Error::Corpus(format!(
                        "{}: no column {:?} among its columns {}",
                        place.display(),
                        self.field,
                        names.join(", "),
                    )));
                }
                self.column = column;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The rows of `text`, read in pieces of `size` characters.
    fn rows(text: &str, field: &str, dialect: Dialect, size: usize) -> Result<Vec<(String, u64)>> {
        let characters: Vec<char> = text.chars().collect();
        let mut rows = Rows::new(field, dialect, 4 << 10);
        let mut found = Vec::new();
        let take = |row: Row<'_>, line: u64, found: &mut Vec<_>| {
            found.push(match row {
                Row::Text(text) => (text.to_owned(), line),
                Row::Short(fields) => (format!("<{fields}>"), line),
            });
            Ok(())
        };
        let place = Path::new("a.csv");
        for piece in characters.chunks(size.max(1)) {
            let piece: String = piece.iter().collect();
            rows.read(&piece, false, place, |row, line| take(row, line, &mut found))?;
        }
        rows.read("", true, place, |row, line| take(row, line, &mut found))?;
        Ok(found)
    }

    #[test]
    fn the_column_does_not_depend_on_the_pieces() {
        let text = "id,text\r\n1,天\n2,\"地,\n\"\"玄\"\"\"\n\n3\n4,𠀀,x\n5,";
        let expected = [("天", 2), ("地,\n\"玄\"", 3), ("<1>", 6), ("𠀀", 7), ("", 8)];
        for size in [1, 2, 3, 1000] {
            let found = rows(text, "text", Dialect::Csv, size).unwrap();
            assert_eq!(found, expected.map(|(text, line)| (text.to_owned(), line)));
        }
        let tabs = "text\tid\n\"天\t1\n地,\t2\n";
        let found = rows(tabs, "text", Dialect::Tsv, 2).unwrap();
        assert_eq!(found, [("\"天".to_owned(), 2), ("地,".to_owned(), 3)]);
        assert_eq!(rows("", "text", Dialect::Csv, 1).unwrap(), []);
    }

    #[test]
    fn errors_name_the_row_and_the_rule() {
        let message = |text: &str| rows(text, "text", Dialect::Csv, 100).unwrap_err().to_string();
        assert_eq!(
            message("id,body\n"),
            "a.csv: no column \"text\" among its columns \"id\", \"body\""
        );
        let open = format!("text\n天\n\"{}", "地\n".repeat(5000));
        assert!(message(&open).starts_with("a.csv: line 3: a row must have at most 4096 bytes"));
    }

    proptest! {
        #[test]
        fn quoted_fields_come_back(
            texts in prop::collection::vec("[天a,\"\n\r ]{0,6}", 1..8),
            size in 1_usize..20,
        ) {
            let quoted = |text: &String| format!("x,\"{}\"\n", text.replace('"', "\"\""));
            let file: String = std::iter::once("id,text\n".to_owned()).chain(texts.iter().map(quoted)).collect();
            let found = rows(&file, "text", Dialect::Csv, size).unwrap();
            prop_assert_eq!(found.into_iter().map(|row| row.0).collect::<Vec<_>>(), texts);
        }
    }
}
