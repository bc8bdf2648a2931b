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
