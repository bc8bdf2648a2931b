//! The table of a text whose count files each hold the n-grams of a group, as [`super::count_groups`] has them.
//!
//! What follows an n-gram of two symbols or more is in its own file. What precedes an n-gram, and what follows
//! a single symbol, is in many. So each file gives its n-grams with their right sums, and then, for all
//! n-grams that are kept, its share of the other sums.

use std::path::Path;

use super::CountFile;
use super::format::MAX_GRAM;
use super::records::Record;
use super::table::Children;
use crate::corpus::Symbols;
use crate::ngram::sums::{Sum, Terms, nats};
use crate::ngram::{Level, NgramTable};
use crate::support::wire::{Arrays, put, put_names};
use crate::support::{Context, Error, Result};

/// N-grams as texts with spaces between their symbols, with counts and sums.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct RightSums {
    /// Where each text ends.
    ends: Vec<u64>,
    /// The texts end to end.
    text: Vec<u8>,
    /// The count of each.
    counts: Vec<u64>,
    /// The sum of c ln c over the symbols that follow each; 0 for single symbols.
    sums: Vec<Sum>,
}

impl RightSums {
    /// The n-grams as bytes; those of many files may be put end to end.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put(&mut out, &self.ends);
        put(&mut out, &self.text);
        put(&mut out, &self.counts);
        put(&mut out, &self.sums);
        out
    }

    /// What [`RightSums::to_bytes`] wrote, of as many files as there are.
    ///
    /// # Errors
    /// [`Error::Corpus`] for other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Vec<Self>> {
        let (mut arrays, mut all) = (Arrays(bytes), Vec::new());
        while !arrays.0.is_empty() {
            let (ends, text) = (arrays.take()?, arrays.take()?);
            all.push(Self { ends, text, counts: arrays.take()?, sums: arrays.take()? });
        }
        Ok(all)
    }

    /// The texts with their counts and sums.
    fn rows(&self) -> impl Iterator<Item = Result<(&str, u64, Sum)>> {
        let Self { ends, text, counts, sums } = self;
        let starts = std::iter::once(&0).chain(ends);
        let texts = starts.zip(ends).map(|(start, end)| {
            let [start, end] =
                [start, end].map(|place| usize::try_from(*place).unwrap_or(usize::MAX));
            let text = text.get(start..end).and_then(|text| std::str::from_utf8(text).ok());
            text.ok_or_else(|| {
                Error::Corpus("the n-grams that another process sent are damaged".into())
            })
        });
        texts.zip(counts.iter().zip(sums)).map(|(text, (count, sum))| Ok((text?, *count, *sum)))
    }
}

/// An n-gram that the ones after it may extend.
#[derive(Clone, Copy, Default)]
struct Open {
    count: u64,
    sum: Sum,
    /// Occurrences before a number, where all numbers are one.
    numbers: u64,
}

/// The single symbols of a file of a group, and its n-grams of up to `order` symbols that occur at least
/// `min_count` times, with their right sums but for single symbols. All numbers are one neighbour of n-grams of
/// `numbers_from` symbols and more. With a file of [`super::merge_for_sums`], `min_count` is to be 2 at least.
/// O(n-grams in the file); holds those that are kept.
///
/// # Errors
/// [`Error::Io`], [`Error::Format`], [`Error::Cancelled`].
pub fn right_sums(
    path: &Path,
    order: usize,
    min_count: u64,
    numbers_from: u8,
    context: &Context,
) -> Result<RightSums> {
    let (file, terms) = (CountFile::open(path)?, Terms::new());
    let mut found = RightSums::default();
    let mut close = |gram: &[u32], one: Open| {
        for (at, id) in gram.iter().enumerate() {
            if at > 0 {
                found.text.push(b' ');
            }
            found.text.extend_from_slice(file.symbols().name(*id).as_bytes());
        }
        found.ends.push(found.text.len() as u64);
        found.counts.push(one.count);
        found.sums.push(one.sum + terms.of(one.numbers));
    };
    let is_number = file.symbols().numbers();
    // The last n-gram that is kept, and those of its beginnings of two symbols or more, by length.
    let mut kept = [0; MAX_GRAM];
    let mut open: [Option<Open>; MAX_GRAM] = [None; MAX_GRAM];
    let mut grams = file.grams()?;
    while let Some(Record { length, last, count }) = grams.next_record(Some(context))? {
        if length > order + 1 {
            continue;
        }
        for shorter in (length..=order).rev() {
            if let Some(one) = open[shorter].take() {
                close(&kept[..shorter], one);
            }
        }
        if length == 1 {
            close(&[last], Open { count, ..Open::default() });
        } else if let Some(Open { sum, numbers, .. }) = &mut open[length - 1] {
            if length > usize::from(numbers_from) && is_number[last as usize] {
                *numbers += count;
            } else {
                *sum += terms.of(count);
            }
        }
        if (2..=order).contains(&length) && count >= min_count {
            open[length] = Some(Open { count, ..Open::default() });
            kept[..length].copy_from_slice(grams.gram());
        }
    }
    for shorter in (2..=order).rev() {
        if let Some(one) = open[shorter].take() {
            close(&kept[..shorter], one);
        }
    }
    Ok(found)
}

/// The shares that a file of a group has in sums of the n-grams of a request, which [`RemoteCounts::request`]
/// made: numbers of sums and shares, without those that are 0. The left sums of all n-grams come first, and the
/// right sums of single symbols follow.
/// O(n-grams in the file * log of those kept).
///
/// # Errors
/// [`Error::Corpus`] for what is no such request; as [`right_sums`].
pub fn shares(path: &Path, request: &[u8], context: &Context) -> Result<Vec<(u64, u128)>> {
    let mut arrays = Arrays(request);
    let numbers_from: u8 = arrays.one()?;
    let symbols = Symbols::new(arrays.names()?)?;
    let mut levels = Vec::new();
    while !arrays.0.is_empty() {
        let grams: Vec<u32> = arrays.take()?;
        let counts = vec![0; grams.len() / (levels.len() + 1)];
        levels.push(Level { grams, counts, ..Level::default() });
    }
    let (file, terms) = (CountFile::open(path)?, Terms::new());
    let (ids, is_number) = (symbols.ids_of(file.symbols()), file.symbols().numbers());
    let mut children = Children::new(&levels, context)?;
    // Rows of single symbols, by the file's ids.
    let singles: Vec<_> = ids.iter().map(|&id| children.find(0, 0, id)).collect();
    let mut left: Vec<Shares> = levels.iter().map(|level| Shares::new(level.len())).collect();
    let mut right = Shares::new(levels.first().map_or(0, Level::len));
    // Rows of the current n-gram without its first symbol, by the length of those rows.
    let mut suffixes = [None; MAX_GRAM];
    let mut grams = file.grams()?;
    while let Some(Record { length, last, count }) = grams.next_record(Some(context))? {
        let (n, first) = (length - 1, grams.gram()[0] as usize);
        if n == 0 || n > levels.len() {
            continue;
        }
        let as_one = n >= usize::from(numbers_from);
        if n == 1
            && let Some(row) = singles[first]
        {
            right.add(row, count, as_one && is_number[last as usize], &terms);
        }
        // Once adds 1 ln 1 = 0, here and to what is longer, unless numbers are added up.
        suffixes[n] = match n {
            _ if count == 1 && !is_number[first] => None,
            1 => singles[last as usize],
            _ => suffixes[n - 1].and_then(|row| children.find(n - 1, row, ids[last as usize])),
        };
        if let Some(row) = suffixes[n] {
            left[n - 1].add(row, count, as_one && is_number[first], &terms);
        }
    }
    let shares = left.into_iter().chain([right]).flat_map(|shares| shares.whole(&terms));
    Ok((0..).zip(shares).filter(|(_, share)| *share > 0).collect())
}

/// Shares in the sums of rows.
struct Shares {
    sums: Vec<Sum>,
    /// Occurrences beside a number, where all numbers are one. All are in the same file.
    numbers: Vec<u64>,
}

impl Shares {
    fn new(rows: usize) -> Self {
        Self { sums: vec![0; rows], numbers: vec![0; rows] }
    }

    fn add(&mut self, row: usize, count: u64, number: bool, terms: &Terms) {
        if number {
            self.numbers[row] += count;
        } else {
            self.sums[row] += terms.of(count);
        }
    }

    fn whole(self, terms: &Terms) -> impl Iterator<Item = u128> {
        let rows = self.sums.into_iter().zip(self.numbers);
        rows.map(|(sum, numbers)| sum + terms.of(numbers))
    }
}

/// The table of a text that lies elsewhere, on its way.
#[derive(Debug)]
pub struct RemoteCounts {
    table: NgramTable,
    /// By id, that of the break first.
    counts: Vec<u64>,
    numbers_from: u8,
    /// The shares so far in the left sums, by row across all lengths, and in the right sums of single symbols.
    shares: Vec<u128>,
}

impl RemoteCounts {
    /// The n-grams of all files, as [`right_sums`] gives them, in any order.
    ///
    /// # Errors
    /// [`Error::Corpus`] for n-grams that are none, or have a symbol that is not among them.
    pub fn new(
        files: &[RightSums],
        order: usize,
        min_count: u64,
        numbers_from: u8,
    ) -> Result<Self> {
        let rows = files.iter().flat_map(RightSums::rows);
        let mut rows: Vec<(&str, u64, Sum)> = rows.collect::<Result<_>>()?;
        // Texts sort as n-grams do.
        rows.sort_unstable();
        let singles = rows.iter().filter(|(text, _, _)| !text.contains(' '));
        let names = singles.clone().map(|(text, _, _)| (*text).into()).collect();
        let symbols = Symbols::new(names)?;
        let counts: Vec<u64> =
            std::iter::once(0).chain(singles.map(|(_, count, _)| *count)).collect();
        let total = counts.iter().sum();
        let mut levels = vec![Level::default(); order];
        for (text, count, sum) in rows.into_iter().filter(|(_, count, _)| *count >= min_count) {
            let wrong = || Error::Corpus(format!("counts: {text:?} is no n-gram of the text"));
            let ids: Option<Vec<u32>> = text.split(' ').map(|name| symbols.id(name)).collect();
            let ids = ids.ok_or_else(wrong)?;
            let level = levels.get_mut(ids.len() - 1).ok_or_else(wrong)?;
            level.grams.extend(ids);
            level.counts.push(count);
            level.right_sums.push(nats(sum));
        }
        let rows = levels.iter().chain(levels.first()).map(Level::len);
        let shares = vec![0; rows.sum()];
        let table = NgramTable { symbols, total, min_count, levels };
        Ok(Self { table, counts, numbers_from, shares })
    }

    /// What [`shares`] is asked with.
    pub fn request(&self) -> Vec<u8> {
        let (mut request, symbols) = (Vec::new(), &self.table.symbols);
        put(&mut request, &[self.numbers_from]);
        put_names(&mut request, (1..).take(symbols.len()).map(|id| symbols.name(id)));
        for level in &self.table.levels {
            put(&mut request, &level.grams);
        }
        request
    }

    /// Adds a share, with its number as [`shares`] has it.
    ///
    /// # Errors
    /// [`Error::Corpus`] for a number that there is not.
    pub fn add(&mut self, number: u64, share: u128) -> Result<()> {
        let sum = usize::try_from(number).ok().and_then(|number| self.shares.get_mut(number));
        *sum.ok_or_else(|| Error::Corpus(format!("counts: there is no sum {number}")))? += share;
        Ok(())
    }

    /// The table with all shares added so far, and the counts of the symbols by id, that of the break
    /// first.
    pub fn table(&mut self) -> (&NgramTable, &[u64]) {
        let mut sums = self.shares.iter().map(|sum| nats(*sum));
        for level in &mut self.table.levels {
            level.left_sums = sums.by_ref().take(level.len()).collect();
        }
        if let Some(singles) = self.table.levels.first_mut() {
            singles.right_sums = sums.collect();
        }
        (&self.table, &self.counts)
    }
}
