//! From every n-gram of a table to its two (n-1)-grams.

use rayon::prelude::*;

use super::{Level, NgramTable};
use crate::support::{Context, Error, Result};

/// A row that the table does not keep.
pub const MISSING: u32 = u32::MAX;

/// The links of one length.
#[derive(Debug, Clone, Default)]
struct LevelLinks {
    /// By row: the row of the n-gram without its last symbol.
    prefixes: Vec<u32>,
    /// By row: the row of the n-gram without its first symbol.
    suffixes: Vec<u32>,
}

/// For every n-gram of 2 symbols and more, where its prefix and its suffix of one symbol less are.
/// In a table of one smallest count neither is ever missing.
#[derive(Debug, Clone)]
pub(crate) struct Links {
    levels: Vec<LevelLinks>,
}

/// How many rows a task works on.
const CHUNK: usize = 1 << 14;

impl Links {
    /// Finds all links. O(rows * log of the branching factor), in parallel.
    ///
    /// # Errors
    /// [`Error::Memory`] for more than 2^32 - 1 n-grams of one length; [`Error::Cancelled`].
    pub fn new(table: &NgramTable, context: &Context) -> Result<Self> {
        let mut links = Self { levels: vec![LevelLinks::default()] };
        let mut starts = Vec::new();
        for n in 2..=table.order() {
            if table.level(n - 1).len() >= MISSING as usize {
                return Err(Error::Memory("more than 2^32 - 1 n-grams of one length".into()));
            }
            context.check()?;
            let prefixes = prefixes(table, n, context);
            let suffixes = if n == 2 {
                second_symbols(table, context)
            } else {
                let below = &links.levels[n - 2].suffixes;
                suffixes(table, n, &prefixes, below, &starts, context)
            };
            starts = first_children(&prefixes, table.level(n - 1).len());
            links.levels.push(LevelLinks { prefixes, suffixes });
        }
        Ok(links)
    }

    /// The row of a row's first n - 1 symbols, [`MISSING`] where it is not kept.
    #[inline]
    pub fn prefix(&self, n: usize, row: u32) -> u32 {
        self.levels[n - 1].prefixes.get(row as usize).copied().unwrap_or(MISSING)
    }

    /// The row of a row's last n - 1 symbols, [`MISSING`] where it is not kept.
    #[inline]
    pub fn suffix(&self, n: usize, row: u32) -> u32 {
        self.levels[n - 1].suffixes.get(row as usize).copied().unwrap_or(MISSING)
    }
}

/// Calls `fill` with chunks of a new array and the row each starts at.
fn in_chunks(rows: usize, context: &Context, fill: impl Fn(usize, &mut [u32]) + Sync) -> Vec<u32> {
    let mut links = vec![MISSING; rows];
    context.pool().install(|| {
        links.par_chunks_mut(CHUNK).enumerate().for_each(|(chunk, links)| {
            fill(chunk * CHUNK, links);
        });
    });
    links
}

fn row_of(found: Option<usize>) -> u32 {
    found.and_then(|row| u32::try_from(row).ok()).unwrap_or(MISSING)
}

/// Both levels are sorted, so each chunk goes through its stretch of the shorter rows once.
fn prefixes(table: &NgramTable, n: usize, context: &Context) -> Vec<u32> {
    let (level, shorter) = (table.level(n), table.level(n - 1));
    in_chunks(level.len(), context, |first, links| {
        let mut at = lower_bound(shorter, &level.row(first, n)[..n - 1]);
        for (row, link) in (first..).zip(links) {
            let prefix = &level.row(row, n)[..n - 1];
            while at < shorter.len() && shorter.row(at, n - 1) < prefix {
                at += 1;
            }
            if at < shorter.len() && shorter.row(at, n - 1) == prefix {
                *link = row_of(Some(at));
            }
        }
    })
}

/// The first row that is not less than `gram`.
fn lower_bound(level: &Level, gram: &[u32]) -> usize {
    let (mut low, mut high) = (0, level.len());
    while low < high {
        let middle = low.midpoint(high);
        if level.row(middle, gram.len()) < gram {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

fn second_symbols(table: &NgramTable, context: &Context) -> Vec<u32> {
    let (level, singles) = (table.level(2), table.level(1));
    let mut rows = vec![MISSING; singles.grams.last().map_or(0, |id| *id as usize + 1)];
    for (row, id) in singles.grams.iter().enumerate() {
        rows[*id as usize] = row_of(Some(row));
    }
    in_chunks(level.len(), context, |first, links| {
        for (row, link) in (first..).zip(links) {
            *link = rows.get(level.row(row, 2)[1] as usize).copied().unwrap_or(MISSING);
        }
    })
}

/// By row of n - 1 symbols: the first row of n symbols that extends it or a later one.
fn first_children(prefixes: &[u32], shorter_rows: usize) -> Vec<u32> {
    let mut starts = vec![0_u32; shorter_rows + 1];
    for prefix in prefixes.iter().filter(|prefix| **prefix != MISSING) {
        starts[*prefix as usize + 1] += 1;
    }
    let mut sum = 0;
    for start in &mut starts {
        sum += *start;
        *start = sum;
    }
    starts
}

/// Of abcd the suffix bcd is the child under d of bc, which is the suffix of the prefix abc.
fn suffixes(
    table: &NgramTable,
    n: usize,
    prefixes: &[u32],
    below: &[u32],
    starts: &[u32],
    context: &Context,
) -> Vec<u32> {
    let (level, shorter) = (table.level(n), table.level(n - 1));
    let child = |row: usize| -> Option<usize> {
        let stem = *below.get(*prefixes.get(row)? as usize)? as usize;
        let (start, end) = (*starts.get(stem)? as usize, *starts.get(stem + 1)? as usize);
        let last = level.row(row, n)[n - 1];
        let (mut low, mut high) = (start, end);
        while low < high {
            let middle = low.midpoint(high);
            if shorter.row(middle, n - 1)[n - 2] < last {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let suffix = &level.row(row, n)[1..];
        (low < end && shorter.row(low, n - 1) == suffix).then_some(low)
    };
    in_chunks(level.len(), context, |first, links| {
        for (row, link) in (first..).zip(links) {
            // The search over the whole level is for tables that lack a stem.
            let found = child(row).or_else(|| table.find(&level.row(row, n)[1..]));
            *link = row_of(found);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ngram::testing::table_of;
    use crate::support::testing::job;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn links_lead_to_prefix_and_suffix(
            ids in prop::collection::vec(0_u32..4, 0..200),
            min_count in 1_u64..4,
            hole in 0_usize..40,
        ) {
            let mut table = table_of(&ids, 5, min_count);
            // A table that lost a row is still linked as far as it goes.
            let level = &mut table.levels[1];
            if hole < level.len() {
                level.grams.drain(hole * 2..hole * 2 + 2);
                level.counts.remove(hole);
            }
            let links = Links::new(&table, &job(2)).unwrap();
            for n in 2..=5 {
                for row in 0..table.level(n).len() {
                    let gram = table.level(n).row(row, n);
                    let at = row_of(Some(row));
                    prop_assert_eq!(links.prefix(n, at), row_of(table.find(&gram[..n - 1])));
                    prop_assert_eq!(links.suffix(n, at), row_of(table.find(&gram[1..])));
                }
            }
        }
    }
}
