//! Cohesion of the n-grams of a table.
//!
//! Source: <https://kexue.fm/archives/4256>: a word must be cohesive at every split.

use rayon::prelude::*;

use super::NgramTable;
use super::links::{Links, MISSING};
use crate::support::{Context, Result, Stage};

/// The cohesion of every n-gram of 2 symbols and more.
#[derive(Debug, Clone)]
pub(crate) struct Cohesion {
    /// By length less 1, then by row; empty for length 1.
    levels: Vec<Vec<f64>>,
}

impl Cohesion {
    /// Computes, for every n-gram w, the minimum of ln(N c(w) / (c(l) c(r))) over its splits into l
    /// and r, in nats; N is the number of symbols in the corpus. A half that is not in the table
    /// counts N, its upper bound, so that no n-gram passes for lack of evidence.
    ///
    /// O(rows * order) in parallel; 8 bytes a row.
    ///
    /// # Errors
    /// [`crate::support::Error::Cancelled`].
    pub fn new(table: &NgramTable, links: &Links, context: &Context) -> Result<Self> {
        let rows: usize = (2..=table.order()).map(|n| table.level(n).len()).sum();
        context.progress().begin(Stage::Scoring, rows as u64);
        let mut levels = vec![Vec::new()];
        for n in 2..=table.order() {
            context.check()?;
            let rows = row_count(table.level(n).len());
            let score = |row| cohesion(table, links, n, row);
            levels.push(context.pool().install(|| (0..rows).into_par_iter().map(score).collect()));
            context.progress().advance(u64::from(rows));
        }
        Ok(Self { levels })
    }

    /// The cohesion of a row of `n` symbols; NaN for single symbols.
    pub fn of(&self, n: usize, row: usize) -> f64 {
        self.levels[n - 1].get(row).copied().unwrap_or(f64::NAN)
    }
}

/// Rows are below [`MISSING`], as [`Links`] made sure for all but the longest n-grams.
fn row_count(rows: usize) -> u32 {
    u32::try_from(rows).unwrap_or(MISSING)
}

fn cohesion(table: &NgramTable, links: &Links, n: usize, row: u32) -> f64 {
    let count_of = |length: usize, row: u32| {
        table.level(length).counts.get(row as usize).copied().unwrap_or(table.total)
    };
    // By length; no n-gram is longer than 8 symbols.
    let mut lefts = [0.0; 9];
    let mut rights = [0.0; 9];
    let (mut left, mut right) = (row, row);
    for length in (1..n).rev() {
        left = links.prefix(length + 1, left);
        right = links.suffix(length + 1, right);
        lefts[length] = count_of(length, left) as f64;
        rights[length] = count_of(length, right) as f64;
    }
    let likeliest = (1..n).map(|cut| lefts[cut] * rights[n - cut]).fold(0.0, f64::max);
    let count = table.level(n).counts[row as usize] as f64;
    (table.total as f64 * count / likeliest).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ngram::testing::table_of;
    use crate::support::testing::job;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn cohesion_is_the_weakest_cut(
            ids in prop::collection::vec(0_u32..4, 0..200),
            min_count in 1_u64..4,
        ) {
            let table = table_of(&ids, 4, min_count);
            let context = job(2);
            let links = Links::new(&table, &context).unwrap();
            let scores = Cohesion::new(&table, &links, &context).unwrap();
            let occurrences = |gram: &[u32]| {
                ids.windows(gram.len()).filter(|window| *window == gram).count() as f64
            };
            let total = ids.iter().filter(|id| **id != 0).count() as f64;
            for n in 2..=4 {
                for row in 0..table.level(n).len() {
                    let gram = table.level(n).row(row, n);
                    let slow = (1..n)
                        .map(|cut| {
                            let (left, right) = gram.split_at(cut);
                            let halves = occurrences(left) * occurrences(right);
                            (total * occurrences(gram) / halves).ln()
                        })
                        .fold(f64::INFINITY, f64::min);
                    prop_assert!((scores.of(n, row) - slow).abs() < 1e-12);
                }
            }
        }
    }
}
