//! The table of n-grams with their counts and neighbour sums.

use std::cmp::Ordering;

use crate::corpus::Symbols;

/// The n-grams of one length.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Level {
    /// The ids, `n` a row, rows in lexicographic order and distinct.
    pub grams: Vec<u32>,
    /// Occurrences, one per row.
    pub counts: Vec<u64>,
    /// The sum of c ln c over the symbols that follow, one per row. A following break counts as a
    /// neighbour of its own each time and adds nothing (1 ln 1 = 0).
    pub right_sums: Vec<f64>,
    /// The sum of c ln c over the symbols that precede, one per row.
    pub left_sums: Vec<f64>,
}

/// All n-grams of 1 to `order` symbols that occur at least `min_count` times.
#[derive(Debug, Clone, PartialEq)]
pub struct NgramTable {
    /// The symbols that the ids stand for.
    pub symbols: Symbols,
    /// Number of symbols in the corpus, without breaks.
    pub total: u64,
    /// The minimum count of an n-gram.
    pub min_count: u64,
    /// One level per length, from 1.
    pub levels: Vec<Level>,
}

impl NgramTable {
    /// The longest n-gram's length.
    pub fn order(&self) -> usize {
        self.levels.len()
    }

    /// The rows of length `n`.
    pub fn level(&self, n: usize) -> &Level {
        &self.levels[n - 1]
    }

    /// The row of an n-gram, if it is kept. O(n log rows).
    pub fn find(&self, gram: &[u32]) -> Option<usize> {
        let n = gram.len();
        let level = self.levels.get(n.checked_sub(1)?)?;
        let (mut low, mut high) = (0, level.counts.len());
        while low < high {
            let middle = low.midpoint(high);
            match level.row(middle, n).cmp(gram) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    /// The count of an n-gram, 0 if it is not kept.
    pub fn count(&self, gram: &[u32]) -> u64 {
        self.find(gram).map_or(0, |row| self.level(gram.len()).counts[row])
    }
}

impl Level {
    /// The number of n-grams.
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether the table is empty.
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// The ids of a row of length `n`.
    pub fn row(&self, row: usize, n: usize) -> &[u32] {
        &self.grams[row * n..(row + 1) * n]
    }

    /// The branching entropy to the right in nats: ln C - (sum of c ln c) / C.
    pub fn right_entropy(&self, row: usize) -> f64 {
        entropy(self.counts[row], self.right_sums[row])
    }

    /// The branching entropy to the left in nats.
    pub fn left_entropy(&self, row: usize) -> f64 {
        entropy(self.counts[row], self.left_sums[row])
    }
}

/// The entropy in nats of a distribution with `count` occurrences in total, from its sum of c ln c.
pub(crate) fn entropy(count: u64, sum: f64) -> f64 {
    let count = count as f64;
    (count.ln() - sum / count).max(0.0)
}
