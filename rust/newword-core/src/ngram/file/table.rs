//! The table of a count file, the same as counting gives.

use std::path::Path;

use super::CountFile;
use super::format::MAX_GRAM;
use super::records::Record;
use crate::ngram::options::{CountOptions, Neighbours};
use crate::ngram::plan::CHECK_EVERY;
use crate::ngram::sums::{Sum, Terms, nats};
use crate::ngram::{Level, NgramTable};
use crate::support::{Context, Error, Result, Stage};

/// Reads the table of n-grams of 1 to `order` symbols that occur at least `min_count` times.
///
/// This is, bit for bit, the table that [`super::super::count`] gives of the same corpus, neighbour
/// sums included: a pruned file lacks only neighbours seen once, which add 1 ln 1 = 0. The file is
/// read twice, once for what follows and once for what precedes; O(n-grams in the file * log of those
/// kept).
///
/// # Errors
/// [`Error::InvalidArgument`]; [`Error::Format`] if the file was counted for a lower order or
/// pruned above `min_count`, or is no sound count file; [`Error::Memory`]; [`Error::Cancelled`].
pub fn table_from_file(
    path: &Path,
    order: usize,
    min_count: u64,
    context: &Context,
) -> Result<NgramTable> {
    let file = CountFile::open(path)?;
    CountOptions { order, min_count, neighbours: Neighbours::OfAll }.validate()?;
    if order > file.header().order {
        let known = file.header().order;
        let message =
            format!("holds counts for order {known}; ask for at most that or count again");
        return Err(Error::format(path, message));
    }
    if min_count < file.header().min_count {
        let known = file.header().min_count;
        let message = format!(
            "holds only n-grams that occur at least {known} times; ask for min_count {known} or more, or count again"
        );
        return Err(Error::format(path, message));
    }
    let bytes = std::fs::metadata(path).map_err(|error| Error::io(path, "cannot read", error))?;
    context.progress().begin(Stage::Reading, bytes.len() * 2);
    let terms = Terms::new();
    let mut levels = kept(&file, (order, min_count), &terms, context)?;
    let sums = left_sums(&file, &levels, &terms, context)?;
    for (level, sums) in levels.iter_mut().zip(sums) {
        level.left_sums = sums.into_iter().map(nats).collect();
    }
    let total = file.header().total;
    Ok(NgramTable { symbols: file.symbols().clone(), total, min_count, levels })
}

/// The rows kept and their right sums: each n-gram adds to its prefix, which is above it
/// on the path.
fn kept(
    file: &CountFile,
    (order, min_count): (usize, u64),
    terms: &Terms,
    context: &Context,
) -> Result<Vec<Level>> {
    let mut levels = vec![Level::default(); order];
    let mut sums: Vec<Vec<Sum>> = vec![Vec::new(); order];
    // Rows of the prefixes of the current n-gram, by length from 1.
    let mut path = [None; MAX_GRAM + 1];
    let mut bytes = 0;
    let mut grams = file.grams()?;
    while let Some(Record { length: n, count, .. }) = grams.next_record(Some(context))? {
        if n > 1
            && let Some(row) = path[n - 1]
        {
            let sums: &mut Vec<Sum> = &mut sums[n - 2];
            sums[row] += terms.of(count);
        }
        path[n..].fill(None);
        if n > order || count < min_count {
            continue;
        }
        // n ids, a count, two sums, and a sum on its way.
        bytes += 4 * n as u64 + 8 + 16 + 16;
        if bytes > context.memory().bytes() {
            let advice = "the n-grams kept do not fit; raise min_count or memory";
            return Err(Error::Memory(advice.into()));
        }
        path[n] = Some(levels[n - 1].len());
        levels[n - 1].grams.extend_from_slice(grams.gram());
        levels[n - 1].counts.push(count);
        sums[n - 1].push(0);
    }
    for (level, sums) in levels.iter_mut().zip(sums) {
        level.right_sums = sums.into_iter().map(nats).collect();
    }
    Ok(levels)
}

/// Where the n-grams that a row begins lie in the next level.
///
/// Invariant: `starts[n][row]..starts[n][row + 1]` are the rows of length n + 1 that extend that
/// row of length n; length 0 has one row, the empty one.
pub(super) struct Children {
    starts: Vec<Vec<usize>>,
    /// The last symbols of the rows of each level.
    lasts: Vec<Vec<u32>>,
    /// Where the last search in each level ended.
    places: Vec<usize>,
}

impl Children {
    pub(super) fn new(levels: &[Level], context: &Context) -> Result<Self> {
        let (mut starts, mut lasts) = (Vec::new(), Vec::new());
        for (n, longer) in levels.iter().enumerate() {
            let mut of_level = vec![0];
            let mut at = 0;
            for row in 0..if n == 0 { 1 } else { levels[n - 1].len() } {
                if row % CHECK_EVERY == 0 {
                    context.check()?;
                }
                let prefix = if n == 0 { &[][..] } else { levels[n - 1].row(row, n) };
                while at < longer.len() && &longer.row(at, n + 1)[..n] == prefix {
                    at += 1;
                }
                of_level.push(at);
            }
            starts.push(of_level);
            lasts.push(longer.grams.iter().skip(n).step_by(n + 1).copied().collect());
        }
        Ok(Self { starts, lasts, places: vec![0; levels.len()] })
    }

    /// The row of length n + 1 that extends `row` of length n by `id`. O(log of the distance to the last row
    /// found) if that is before it and has the same prefix, and O(log children) otherwise.
    pub(super) fn find(&mut self, n: usize, row: usize, id: u32) -> Option<usize> {
        let (start, end) = (self.starts[n][row], self.starts[n][row + 1]);
        let lasts = &self.lasts[n][start..end];
        let place = self.places[n].wrapping_sub(start);
        let mut low = if lasts.get(place).is_some_and(|last| *last <= id) { place } else { 0 };
        let mut step = 1;
        while lasts.get(low + step).is_some_and(|last| *last <= id) {
            low += step;
            step *= 2;
        }
        let high = lasts.len().min(low + step);
        low += lasts[low..high].partition_point(|last| *last < id);
        let found = lasts.get(low) == Some(&id);
        // One that is not behind what is asked for next.
        self.places[n] = start + if found { low } else { low.saturating_sub(1) };
        found.then_some(start + low)
    }
}

/// The left sums: each n-gram adds to what is left of it without its first symbol.
fn left_sums(
    file: &CountFile,
    levels: &[Level],
    terms: &Terms,
    context: &Context,
) -> Result<Vec<Vec<Sum>>> {
    let mut children = Children::new(levels, context)?;
    let mut sums: Vec<Vec<Sum>> = levels.iter().map(|level| vec![0; level.len()]).collect();
    // Rows of the current n-gram without its first symbol, by the length of those rows.
    let mut suffixes = [None; MAX_GRAM];
    suffixes[0] = Some(0);
    let mut grams = file.grams()?;
    while let Some(Record { length, last, count }) = grams.next_record(Some(context))? {
        let n = length - 1;
        if n == 0 || n > levels.len() {
            continue;
        }
        // Once adds 1 ln 1 = 0, here and to what is longer.
        suffixes[n] =
            suffixes[n - 1].filter(|_| count > 1).and_then(|row| children.find(n - 1, row, last));
        if let Some(row) = suffixes[n] {
            sums[n - 1][row] += terms.of(count);
        }
    }
    Ok(sums)
}
