//! The rows a sweep finds, in the order of count files.

use super::key::{Key, Layout, MAX_FIELDS};
use super::plan::{OpenSum, Plan};
use super::rows::Output;
use super::sums::Sum;

/// What one task found, in the order of count files.
#[derive(Debug)]
pub(crate) struct Listed<K> {
    layout: Layout,
    /// The first symbol of the first row, and its key.
    pub start: (u32, K),
    pub rows: Vec<ListedRow>,
}

/// An n-gram after the one before, with which it shares all but its last symbol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ListedRow {
    /// How many symbols it has.
    pub length: u32,
    /// The rank of its last symbol.
    pub last: u32,
    /// Occurrences.
    pub count: u64,
}

impl<K: Key> Listed<K> {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self { layout: plan.layout, start: (0, K::default()), rows: Vec::new() }
    }
}

impl<K: Key> Output<K> for Listed<K> {
    // Every child is kept, so that distributing goes to the end of all windows: sorting is cheaper for longer.
    const SORTED: usize = 256;

    // An n-gram has at most nine symbols.
    #[allow(clippy::cast_possible_truncation)]
    #[inline]
    fn push(&mut self, depth: usize, first: u32, key: K, count: u64, _: Option<Sum>) {
        if self.rows.is_empty() {
            self.start = (first, key);
        }
        let last = if depth == 0 { first } else { key.field(depth - 1, self.layout) };
        self.rows.push(ListedRow { length: depth as u32 + 1, last, count });
    }

    fn sorted(&mut self, keys: &[K], depth: usize, (first, plan): (u32, &Plan), _: &mut [OpenSum]) {
        let (Plan { layout, goal, .. }, from) = (plan, self.rows.len());
        self.push(depth, first, keys[0], keys.len() as u64, None);
        // Where the row of the run of keys with `d` equal fields is, for `d` up to `deepest`.
        let (mut open, mut deepest) = ([0; MAX_FIELDS + 1], depth);
        let mut before = None;
        for &key in keys {
            let common = before.map_or(depth, |before| key.common(before, *layout));
            before = Some(key);
            deepest = deepest.min(common);
            for &row in &open[depth + 1..=deepest] {
                self.rows[row].count += 1;
            }
            let deeper = open.iter_mut().enumerate().take(plan.last_depth() + 1).skip(common + 1);
            for (fixed, open) in deeper {
                let last = key.field(fixed - 1, *layout);
                if last == 0 {
                    break;
                }
                (*open, deepest) = (self.rows.len(), fixed);
                self.push(fixed, first, key, 1, None);
            }
        }
        if goal.min_count > 1 {
            // What a rare row begins is rare as well.
            let mut kept = from;
            for at in from..self.rows.len() {
                self.rows[kept] = self.rows[at];
                kept += usize::from(self.rows[at].count >= goal.min_count);
            }
            self.rows.truncate(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ngram::options::Neighbours;
    use crate::ngram::plan::Goal;
    use crate::ngram::testing::names;

    proptest! {
        #[test]
        fn a_sorted_group_gives_its_rows_in_order(
            windows in prop::collection::vec([0_u32..4, 0..4, 0..4], 1..40),
            shared in prop::collection::vec(1_u32..4, 0..=3),
            min_count in 1_u64..4,
        ) {
            let goal = Goal { order: 4, min_count, neighbours: Neighbours::OfNone };
            let plan = Plan::new(&[0, 9, 9, 9], &names(3), goal);
            let depth = shared.len();
            let mut keys: Vec<u64> = Vec::new();
            let mut rows = std::collections::BTreeMap::new();
            for mut window in windows {
                window[..depth].copy_from_slice(&shared);
                let ends = window.iter().position(|&rank| rank == 0).unwrap_or(3);
                window[ends..].fill(0);
                for end in depth..=ends {
                    *rows.entry(window[..end].to_vec()).or_insert(0) += 1;
                }
                let window = window.into_iter().enumerate();
                keys.push(window.fold(0, |key, (at, rank)| key.with(at, rank, plan.layout)));
            }
            keys.sort_unstable();
            let mut found = Listed::new(&plan);
            // Rows of before stay, rare or not.
            found.push(0, 2, 0, 1, None);
            found.sorted(&keys, depth, (3, &plan), &mut []);
            prop_assert_eq!((found.rows.remove(0).last, found.start), (2, (2, 0)));
            rows.retain(|_, count| *count >= min_count);
            let found: Vec<_> = found.rows.iter().map(|row| (row.length, row.last, row.count)).collect();
            let rows = rows.iter().map(|(row, count)| {
                (u32::try_from(row.len()).unwrap() + 1, row.last().copied().unwrap_or(3), *count)
            });
            prop_assert_eq!(found, rows.collect::<Vec<_>>());
        }
    }
}
