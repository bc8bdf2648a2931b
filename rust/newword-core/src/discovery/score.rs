//! Cohesion and branching entropies of words of any length from a table.

use rayon::prelude::*;

use super::neighbours::{Beside, Sides, neighbour_sums};
use super::options::Settled;
use super::words::Reason;
use crate::corpus::Relabelled;
use crate::ngram::Cohesion;
use crate::ngram::Links;
use crate::ngram::{NgramTable, entropy};
use crate::support::hash::HashMap;
use crate::support::{Context, Result};

/// A table with the cohesion of its n-grams.
pub struct Evidence<'t> {
    pub table: &'t NgramTable,
    pub cohesion: Cohesion,
    /// Of rows that the table has no sums for, those that were looked up one by one.
    sides: HashMap<Row, Sides>,
}

/// A row of a table, by length and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    pub n: usize,
    pub row: usize,
}

/// A row to look up, with its labels and its count.
pub type Asked = (Row, (Vec<u32>, u64));

/// Cohesion and branching entropies in nats; NaN where not known.
#[derive(Debug, Clone, Copy)]
pub struct Measures {
    pub pmi: f64,
    pub left_entropy: f64,
    pub right_entropy: f64,
}

impl Measures {
    const UNKNOWN: Self = Self { pmi: f64::NAN, left_entropy: f64::NAN, right_entropy: f64::NAN };

    /// Cohesion times freedom: internal cohesion times external freedom, the
    /// smaller of its entropies. 0 where either is not known or not positive.
    pub fn score(&self) -> f64 {
        let score = self.pmi.max(0.0) * self.left_entropy.min(self.right_entropy);
        if score.is_nan() { 0.0 } else { score }
    }

    /// The entropy rule that the measures break, if any. What is not known breaks none.
    pub fn entropy_reason(&self, min: f64) -> Option<Reason> {
        if self.left_entropy < min {
            return Some(Reason::LeftEntropy { entropy: self.left_entropy, min });
        }
        let entropy = self.right_entropy;
        (entropy < min).then_some(Reason::RightEntropy { entropy, min })
    }
}

impl<'t> Evidence<'t> {
    pub fn new(table: &'t NgramTable, links: &Links, context: &Context) -> Result<Self> {
        let cohesion = Cohesion::new(table, links, context)?;
        Ok(Self { table, cohesion, sides: HashMap::default() })
    }

    /// Looks up in the corpus what the table does not know of these words: the neighbours of their
    /// windows. Costs a pass over the corpus, and nothing where the table knows them.
    ///
    /// # Errors
    /// As [`neighbour_sums`].
    pub fn look_up<'w>(
        &mut self,
        corpus: &Relabelled<'_>,
        words: impl Iterator<Item = &'w [u32]>,
        context: &Context,
    ) -> Result<()> {
        let words: Vec<Vec<u32>> = words.map(<[u32]>::to_vec).collect();
        let asked = self.unknown(corpus, &words, context);
        let (rows, asked): (Vec<Row>, Vec<_>) = asked.into_iter().unzip();
        let sides = neighbour_sums(corpus, &asked, self.beside(corpus), context)?;
        self.note(rows.into_iter().zip(sides));
        Ok(())
    }

    /// The first and the last windows of these words whose neighbours the table does not know: rows,
    /// labels and counts, by their labels.
    pub fn unknown(
        &self,
        corpus: &Relabelled<'_>,
        words: &[Vec<u32>],
        context: &Context,
    ) -> Vec<Asked> {
        let unknown = |row: &Row| self.table.level(row.n).left_sums.is_empty();
        let asked = |row: Row| {
            let count = self.table.level(row.n).counts[row.row];
            (row, (corpus.labels_of(self.gram(row)), count))
        };
        context.pool().install(|| {
            let ends = words.par_iter().flat_map_iter(|word| self.ends(word).filter(unknown));
            let mut rows: Vec<Row> = ends.collect();
            rows.par_sort_unstable();
            rows.dedup();
            let mut all: Vec<Asked> = rows.into_par_iter().map(asked).collect();
            all.par_sort_unstable_by(|a, b| a.1.cmp(&b.1));
            all
        })
    }

    /// What the symbols of a corpus count as beside a word.
    pub fn beside(&self, corpus: &Relabelled<'_>) -> Beside {
        let labels = 1..=u32::try_from(corpus.largest()).unwrap_or(u32::MAX);
        let is_number = |label| self.table.symbols.is_number(corpus.id(label));
        let numbers = std::iter::once(false).chain(labels.map(is_number)).collect();
        Beside { largest: corpus.largest_repeated(), numbers }
    }

    /// Takes what was looked up.
    pub fn note(&mut self, sides: impl Iterator<Item = (Row, Sides)>) {
        self.sides = sides.collect();
    }

    /// The rows of the first and the last window of a word.
    fn ends(&self, word: &[u32]) -> impl Iterator<Item = Row> + use<> {
        let n = self.table.order().min(word.len());
        let row = |window| Some(Row { n, row: self.table.find(window)? });
        [row(&word[..n]), row(&word[word.len() - n..])].into_iter().flatten()
    }

    /// Whether the table knows neighbours.
    pub fn has_entropies(table: &NgramTable) -> bool {
        table.levels.iter().all(|level| {
            level.left_sums.len() == level.len() && level.right_sums.len() == level.len()
        })
    }

    /// The ids of a row.
    pub fn gram(&self, Row { n, row }: Row) -> &'t [u32] {
        self.table.level(n).row(row, n)
    }

    /// What the table says of a row.
    pub fn of_row(&self, Row { n, row }: Row) -> Measures {
        let level = self.table.level(n);
        let listed = self.sides.get(&Row { n, row });
        let entropy = |sums: &[f64], side: usize| {
            let sum = sums.get(row).copied().or_else(|| listed.map(|sides| sides[side]));
            sum.map_or(f64::NAN, |sum| entropy(level.counts[row], sum))
        };
        Measures {
            pmi: self.cohesion.of(n, row),
            left_entropy: entropy(&level.left_sums, 0),
            right_entropy: entropy(&level.right_sums, 1),
        }
    }

    /// What it says of a word: of longer ones than it counts, the cohesion of the weakest window,
    /// the left entropy of the first and the right entropy of the last. O(n log rows).
    pub fn of_word(&self, word: &[u32]) -> Measures {
        let n = self.table.order().min(word.len());
        let of = |window: &[u32]| {
            let row = self.table.find(window);
            row.map_or(Measures::UNKNOWN, |row| self.of_row(Row { n, row }))
        };
        let mut windows = word.windows(n).map(of);
        let Some(mut whole) = windows.next() else { return Measures::UNKNOWN };
        for window in windows {
            // NaN, of a window that is not kept, wins and stays.
            let weaker = !(whole.pmi.is_nan() || whole.pmi <= window.pmi);
            whole.pmi = if weaker { window.pmi } else { whole.pmi };
            whole.right_entropy = window.right_entropy;
        }
        whole
    }

    /// All rows of 2 to `order` symbols that hold, in the order of their ids.
    pub fn rows(&self, holds: impl Fn(Row) -> bool + Sync, context: &Context) -> Vec<Row> {
        let mut rows = self.rows_by_length(holds, context);
        let by_ids = |a: &Row, b: &Row| self.gram(*a).cmp(self.gram(*b));
        context.pool().install(|| rows.par_sort_unstable_by(by_ids));
        rows
    }

    /// The same, shorter ones first.
    pub fn rows_by_length(
        &self,
        holds: impl Fn(Row) -> bool + Sync,
        context: &Context,
    ) -> Vec<Row> {
        let of_length = |n: usize| {
            let rows = (0..self.table.level(n).len()).into_par_iter();
            rows.map(move |row| Row { n, row }).filter(|row| holds(*row)).collect::<Vec<Row>>()
        };
        context.pool().install(|| (2..=self.table.order()).flat_map(of_length).collect())
    }

    /// Why a row is not solid, if it is not.
    pub fn pmi_reason(&self, Row { n, row }: Row, settled: &Settled) -> Option<Reason> {
        let (pmi, min) = (self.cohesion.of(n, row), settled.min_pmi[n - 2]);
        (pmi < min).then_some(Reason::Pmi { pmi, min, length: n })
    }
}
