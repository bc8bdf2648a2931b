//! Tables and jobs for tests, made the slow way.

use std::collections::BTreeMap;

use crate::corpus::Symbols;
use crate::ngram::{Level, NgramTable};
use crate::support::{Context, MemoryBudget};

pub fn job(threads: usize) -> Context {
    Context::new(Some(threads), MemoryBudget::new(MemoryBudget::LEAST).unwrap(), None).unwrap()
}

/// The table of a sequence of ids below 64, named `一`, `丁`, ... by the definition.
pub fn table_of(ids: &[u32], order: usize, min_count: u64) -> NgramTable {
    let names = ('\u{4e00}'..).take(64).map(|name| name.to_string().into_boxed_str()).collect();
    NgramTable {
        symbols: Symbols::new(names).unwrap(),
        total: ids.iter().filter(|id| **id != 0).count() as u64,
        min_count,
        levels: (1..=order).map(|n| level_of(ids, n, min_count)).collect(),
    }
}

fn level_of(ids: &[u32], n: usize, min_count: u64) -> Level {
    let mut found: BTreeMap<&[u32], [BTreeMap<u32, u64>; 2]> = BTreeMap::new();
    for (at, gram) in ids.windows(n).enumerate().filter(|(_, gram)| !gram.contains(&0)) {
        let entry = found.entry(gram).or_default();
        let before = at.checked_sub(1).map_or(0, |at| ids[at]);
        let after = ids.get(at + n).copied().unwrap_or(0);
        *entry[0].entry(before).or_default() += 1;
        *entry[1].entry(after).or_default() += 1;
    }
    let mut level = Level::default();
    for (gram, [before, after]) in found {
        let count: u64 = before.values().sum();
        if count >= min_count {
            level.grams.extend(gram);
            level.counts.push(count);
            level.left_sums.push(neighbour_sum(&before));
            level.right_sums.push(neighbour_sum(&after));
        }
    }
    level
}

/// Every break is a neighbour of its own and adds 1 ln 1.
fn neighbour_sum(neighbours: &BTreeMap<u32, u64>) -> f64 {
    let symbols = neighbours.iter().filter(|(id, _)| **id != 0);
    symbols.map(|(_, count)| *count as f64 * (*count as f64).ln()).sum()
}
