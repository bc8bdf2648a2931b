//! The n-grams of a count file as columns of a table, and a count file from such columns.
//!
//! An n-gram is text there: its symbols with a space between them, as in ARPA files. No symbol has a space
//! or a character below it, so that no two n-grams have the same text, and texts sort as n-grams do.

use std::borrow::Borrow;
use std::path::Path;

use super::format::MAX_GRAM;
use super::records::{Encoder, Gram, Record};
use super::write::Writer;
use super::{CountFile, CountHeader, Grams};
use crate::corpus::Symbols;
use crate::support::hash::HashSet;
use crate::support::{Error, Result};

/// N-grams as columns.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct GramColumns {
    /// Where each n-gram's text ends in `text`, after a 0.
    pub offsets: Vec<i32>,
    /// The texts end to end.
    pub text: Vec<u8>,
    /// The number of symbols of each.
    pub lengths: Vec<i8>,
    /// The count of each.
    pub counts: Vec<i64>,
}

/// Texts of a batch, in bytes, below what an offset can number.
const MOST_TEXT: usize = 1 << 30;

impl<F: Borrow<CountFile>> Grams<F> {
    /// The next n-grams, `rows` at most; `None` at the end. O(symbols).
    ///
    /// # Errors
    /// As the iterator's items.
    pub fn next_columns(&mut self, rows: usize) -> Result<Option<GramColumns>> {
        let mut columns = GramColumns { offsets: vec![0], ..GramColumns::default() };
        while columns.counts.len() < rows && columns.text.len() < MOST_TEXT {
            let Some(Record { length, count, .. }) = self.next_record(None)? else { break };
            for (at, id) in self.gram().iter().enumerate() {
                if at > 0 {
                    columns.text.push(b' ');
                }
                columns.text.extend_from_slice(self.file().symbols().name(*id).as_bytes());
            }
            let wide = || Error::format(self.file().path(), "a count is out of range");
            columns.counts.push(i64::try_from(count).map_err(|_| wide())?);
            // Nine symbols of some hundred bytes at most, and the limit above.
            columns.offsets.push(i32::try_from(columns.text.len()).unwrap_or(i32::MAX));
            columns.lengths.push(i8::try_from(length).unwrap_or(i8::MAX));
        }
        Ok((!columns.counts.is_empty()).then_some(columns))
    }
}

/// Writes the exact count file `path` of n-grams as [`GramColumns`] has them, in the order of their texts; equal
/// ones are added up. `rows` are texts and counts; `header` says the rest but the total, which is the sum of
/// the single symbols. O(rows log symbols) and a copy of the rows in memory.
///
/// # Errors
/// [`Error::InvalidArgument`] for n-grams that are no such text, out of order, longer than `order` + 1 or
/// without the n-gram that they extend (but for those that begin as the first row does), and for counts below 1;
/// [`Error::Io`].
pub fn write_columns<'r>(
    rows: impl Iterator<Item = (&'r str, i64)> + Clone,
    header: &CountHeader,
    path: &Path,
) -> Result<()> {
    let names: HashSet<&str> = rows.clone().flat_map(|(text, _)| text.split(' ')).collect();
    let mut names: Vec<&str> = names.into_iter().collect();
    names.sort_unstable();
    let symbols = Symbols::new(names.into_iter().map(Into::into).collect())?;
    let mut grams: Vec<(Gram, u64)> = Vec::new();
    let mut total = 0_u64;
    for (text, count) in rows {
        let invalid = |rule: &str| Error::invalid("counts", rule, format!("{text:?}: {count}"));
        let gram = parse(text, &symbols, header.order).ok_or_else(|| {
            invalid("must hold n-grams of 1 to order + 1 symbols with spaces between them")
        })?;
        let count = u64::try_from(count).ok().filter(|count| *count > 0);
        let count = count.ok_or_else(|| invalid("must be at least 1 each"))?;
        let wide = || invalid("must have a sum below 2^63");
        if gram.len() == 1 {
            total = total.checked_add(count).ok_or_else(wide)?;
        }
        match grams.last_mut() {
            Some((last, sum)) if *last == gram => {
                *sum = sum.checked_add(count).ok_or_else(wide)?;
                continue;
            }
            Some((last, _)) if *last > gram => return Err(invalid("must be sorted by n-gram")),
            Some((last, _)) if last.0[..gram.len() - 1] != gram.0[..gram.len() - 1] => {
                return Err(invalid("must hold the n-gram that this one extends, too"));
            }
            _ => {}
        }
        grams.push((gram, count));
    }
    let header = CountHeader { total, ..header.clone() };
    let mut writer = Writer::create(path, &header, &symbols)?;
    let mut encoder = Encoder::default();
    for (gram, count) in &grams {
        writer.push(&gram.0[..gram.len()], *count, &mut encoder)?;
    }
    writer.flush(&mut encoder)?;
    writer.finish(&encoder.rows)
}

fn parse(text: &str, symbols: &Symbols, order: usize) -> Option<Gram> {
    let mut gram = Gram::default();
    for (at, name) in text.split(' ').enumerate() {
        if name.is_empty() || at > order || at >= MAX_GRAM {
            return None;
        }
        gram.0[at] = symbols.id(name)?;
    }
    Some(gram)
}
