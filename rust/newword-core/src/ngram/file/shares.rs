//! The table of a text whose count files each hold the n-grams of some first symbols.
//!
//! What follows an n-gram is in its own file; what precedes it is in many. So each file gives its n-grams
//! with their right sums, and then, for all n-grams that are kept, its share of their left sums.

use std::path::Path;

use super::CountFile;
use super::format::MAX_GRAM;
use super::table::Children;
use crate::corpus::Symbols;
use crate::ngram::sums::{Sum, Terms, nats};
use crate::ngram::{Level, NgramTable};
use crate::support::wire::{Arrays, put};
use crate::support::{Context, Error, Result};

/// N-grams as texts with spaces between their symbols, with counts and sums.
#[derive(Debug, Default)]
pub struct RightSums {
    /// Where each text ends, after a 0.
    pub offsets: Vec<i32>,
    /// The texts end to end.
    pub text: Vec<u8>,
    /// The count of each.
    pub counts: Vec<i64>,
    /// The sum of c ln c over the symbols that follow each.
    pub sums: Vec<u128>,
}

/// An n-gram that the ones after it may extend.
#[derive(Clone, Default)]
struct Open {
    text: Vec<u8>,
    count: u64,
    sum: Sum,
    /// Occurrences before a number, where all numbers are one.
    numbers: u64,
}

/// The single symbols of an exact count file, and its n-grams of up to `order` symbols that occur at
/// least `min_count` times, with their right sums. All numbers are one neighbour of n-grams of
/// `numbers_from` symbols and more.
/// O(n-grams in the file); holds those that are kept.
///
/// # Errors
/// [`Error::Io`], [`Error::Format`], [`Error::Memory`] for more than 2 GB of texts, [`Error::Cancelled`].
pub fn right_sums(
    path: &Path,
    order: usize,
    min_count: u64,
    numbers_from: u8,
    context: &Context,
) -> Result<RightSums> {
    let (file, terms) = (CountFile::open(path)?, Terms::new());
    let mut found = RightSums { offsets: vec![0], ..RightSums::default() };
    // The n-gram before and what it begins with, by length less 1.
    let mut open: Vec<Open> = Vec::new();
    let mut close = |one: Open, length: usize| -> Result<()> {
        if length > 1 && one.count < min_count {
            return Ok(());
        }
        found.text.extend(&one.text);
        let end = i32::try_from(found.text.len());
        let many = || Error::Memory("the n-grams kept take more than 2 GB; raise min_count".into());
        found.offsets.push(end.map_err(|_| many())?);
        found.counts.push(i64::try_from(one.count).unwrap_or(i64::MAX));
        found.sums.push(one.sum + terms.of(one.numbers));
        Ok(())
    };
    let mut grams = file.grams()?;
    while let Some((gram, count)) = grams.next_gram(Some(context))? {
        let length = gram.len();
        if length > order + 1 {
            continue;
        }
        while open.len() >= length {
            let depth = open.len();
            open.pop().map_or(Ok(()), |one| close(one, depth))?;
        }
        let last = gram.0[length - 1];
        if let Some(before) = open.last_mut() {
            if length > usize::from(numbers_from) && file.symbols().is_number(last) {
                before.numbers += count;
            } else {
                before.sum += terms.of(count);
            }
        }
        if length <= order {
            let mut text = open.last().map_or_else(Vec::new, |before| before.text.clone());
            if length > 1 {
                text.push(b' ');
            }
            text.extend_from_slice(file.symbols().name(last).as_bytes());
            open.push(Open { text, count, ..Open::default() });
        }
    }
    while let Some(one) = open.pop() {
        close(one, open.len() + 1)?;
    }
    Ok(found)
}

/// The shares that an exact count file has in the left sums of the n-grams of a request, as
/// [`RemoteCounts::request`] made it: their numbers and shares, those that are 0 left out.
/// O(n-grams in the file * log of those kept).
///
/// # Errors
/// [`Error::Corpus`] for what is no such request; as [`right_sums`].
pub fn left_shares(path: &Path, request: &[u8], context: &Context) -> Result<Vec<(u64, u128)>> {
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
    let names = (1..).take(file.symbols().len()).map(|id| file.symbols().name(id));
    let ids = names.map(|name| symbols.id(name).unwrap_or(0));
    let ids: Vec<u32> = std::iter::once(0).chain(ids).collect();
    let children = Children::new(&levels, context)?;
    let zeros = || -> Vec<Vec<Sum>> { levels.iter().map(|level| vec![0; level.len()]).collect() };
    let (mut sums, mut numbers) = (zeros(), zeros());
    // Rows of the current n-gram without its first symbol, by the length of those rows.
    let mut suffixes = [None; MAX_GRAM];
    suffixes[0] = Some(0);
    let mut grams = file.grams()?;
    while let Some((gram, count)) = grams.next_gram(Some(context))? {
        let n = gram.len() - 1;
        suffixes[n + 1..].fill(None);
        if n == 0 || n > levels.len() {
            continue;
        }
        let id = ids[gram.0[n] as usize];
        suffixes[n] = suffixes[n - 1].and_then(|row| children.find(n - 1, row, id));
        if let Some(row) = suffixes[n] {
            if n >= usize::from(numbers_from) && file.symbols().is_number(gram.0[0]) {
                numbers[n - 1][row] += Sum::from(count);
            } else {
                sums[n - 1][row] += terms.of(count);
            }
        }
    }
    let numbers = numbers.into_iter().flatten();
    let shares = sums.into_iter().flatten().zip(numbers).map(|(sum, numbers)| {
        // A count of occurrences, of which there are fewer than 2^64.
        sum + terms.of(u64::try_from(numbers).unwrap_or(u64::MAX))
    });
    Ok((0..).zip(shares).filter(|(_, share)| *share > 0).collect())
}

/// The table of a text that lies elsewhere, on its way.
#[derive(Debug)]
pub struct RemoteCounts {
    table: NgramTable,
    /// By id, that of the break first.
    counts: Vec<u64>,
    numbers_from: u8,
    /// The shares in the left sums so far, by row across all lengths.
    left: Vec<u128>,
}

impl RemoteCounts {
    /// The n-grams of all files, as [`right_sums`] gives them, in any order and each once.
    ///
    /// # Errors
    /// [`Error::Corpus`] for n-grams that are none, or have a symbol that is not among them.
    pub fn new<'r>(
        rows: impl Iterator<Item = (&'r str, u64, u128)>,
        order: usize,
        min_count: u64,
        numbers_from: u8,
    ) -> Result<Self> {
        let mut rows: Vec<(&str, u64, u128)> = rows.collect();
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
        let left = vec![0; levels.iter().map(Level::len).sum()];
        let table = NgramTable { symbols, total, min_count, levels };
        Ok(Self { table, counts, numbers_from, left })
    }

    /// What [`left_shares`] is asked with.
    pub fn request(&self) -> Vec<u8> {
        let (mut request, symbols) = (Vec::new(), &self.table.symbols);
        let names: Vec<&str> = (1..).take(symbols.len()).map(|id| symbols.name(id)).collect();
        put(&mut request, &[self.numbers_from]);
        put(&mut request, names.join("\n").as_bytes());
        for level in &self.table.levels {
            put(&mut request, &level.grams);
        }
        request
    }

    /// Adds a share in the left sum of a row.
    ///
    /// # Errors
    /// [`Error::Corpus`] for a row that there is not.
    pub fn add_left(&mut self, row: u64, share: u128) -> Result<()> {
        let sum = usize::try_from(row).ok().and_then(|row| self.left.get_mut(row));
        *sum.ok_or_else(|| Error::Corpus(format!("counts: there is no row {row}")))? += share;
        Ok(())
    }

    /// The table with all sums added so far, and the counts of the symbols by id, that of the break
    /// first.
    pub fn table(&mut self) -> (&NgramTable, &[u64]) {
        let mut sums = self.left.iter();
        for level in &mut self.table.levels {
            level.left_sums = sums.by_ref().take(level.len()).map(|sum| nats(*sum)).collect();
        }
        (&self.table, &self.counts)
    }
}
