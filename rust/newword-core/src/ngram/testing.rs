//! Test-only: a corpus in memory, and counting by brute force.

use std::collections::BTreeMap;
use std::ops::Range;

use super::sums::{Terms, nats};
use super::{CountOptions, IdParts, Level, Neighbours, NgramTable};
use crate::corpus::Symbols;
use crate::support::{Context, MemoryBudget, Result};

/// Ids in one piece, cut into parts anywhere.
#[derive(Debug, Clone)]
pub(crate) struct Ids {
    symbols: Symbols,
    stream: Vec<u32>,
    cuts: Vec<usize>,
    counts: Vec<u64>,
}

/// A job of so many threads.
pub(crate) fn job(threads: usize) -> Context {
    let memory = MemoryBudget::new(1 << 30).unwrap();
    Context::new(Some(threads), memory, None).unwrap()
}

/// `count` names in code-point order.
pub(crate) fn names(count: u32) -> Symbols {
    Symbols::new((0..count).map(|id| format!("{id:06}").into()).collect()).unwrap()
}

impl Ids {
    /// `ids` over `alphabet` symbols with the names of numbers, cut into `parts` parts of about one length.
    pub(crate) fn new(ids: Vec<u32>, alphabet: u32, parts: usize) -> Self {
        Self::named(ids, names(alphabet), parts)
    }

    pub(crate) fn named(ids: Vec<u32>, symbols: Symbols, parts: usize) -> Self {
        let mut counts = vec![0; symbols.len() + 1];
        for &id in &ids {
            counts[id as usize] += 1;
        }
        let cuts = (0..=parts).map(|at| ids.len() * at / parts).collect();
        Self { symbols, stream: ids, cuts, counts }
    }

    pub(crate) fn ids(&self) -> &[u32] {
        &self.stream
    }
}

impl IdParts for Ids {
    fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    fn counts(&self) -> &[u64] {
        &self.counts
    }

    fn parts(&self) -> usize {
        self.cuts.len() - 1
    }

    fn part_counts(&self, part: usize) -> Result<Vec<(u32, u32)>> {
        let mut counts = BTreeMap::new();
        for &id in &self.stream[self.cuts[part]..self.cuts[part + 1]] {
            *counts.entry(id).or_default() += 1;
        }
        counts.remove(&0);
        Ok(counts.into_iter().collect())
    }

    fn load(&self, part: usize, context: usize, out: &mut Vec<u32>) -> Result<Range<usize>> {
        let (start, end) = (self.cuts[part], self.cuts[part + 1]);
        let low = start.saturating_sub(context);
        let high = (end + context).min(self.stream.len());
        out.clear();
        out.extend_from_slice(&self.stream[low..high]);
        Ok(start - low..end - low)
    }

    fn resident_bytes(&self) -> u64 {
        0
    }
}

/// Counts of all n-grams of length `n`.
pub(crate) fn grams(ids: &[u32], n: usize) -> BTreeMap<Vec<u32>, u64> {
    let mut counts = BTreeMap::new();
    for gram in ids.windows(n).filter(|gram| !gram.contains(&0)) {
        *counts.entry(gram.to_vec()).or_default() += 1;
    }
    counts
}

/// The table by brute force.
pub(crate) fn oracle(corpus: &Ids, options: CountOptions) -> NgramTable {
    let terms = Terms::new();
    let mut levels = Vec::new();
    for n in 1..=options.order {
        let (mut right, mut left) = (BTreeMap::new(), BTreeMap::new());
        for (gram, count) in grams(&corpus.stream, n + 1) {
            let as_one = options.neighbours.numbers_as_one();
            let neighbour = |id: u32| {
                let number = as_one && corpus.symbols.is_number(id);
                if number { u32::MAX } else { id }
            };
            let beside = [(&mut right, &gram[..n], gram[n]), (&mut left, &gram[1..], gram[0])];
            for (side, gram, id) in beside {
                let neighbours: &mut BTreeMap<u32, u64> = side.entry(gram.to_vec()).or_default();
                *neighbours.entry(neighbour(id)).or_default() += count;
            }
        }
        let sum = |side: &BTreeMap<Vec<u32>, BTreeMap<u32, u64>>, gram: &[u32]| {
            let counts = side.get(gram).into_iter().flat_map(BTreeMap::values);
            nats(counts.map(|count| terms.of(*count)).sum())
        };
        let mut level = Level::default();
        for (gram, count) in grams(&corpus.stream, n) {
            if count >= options.min_count {
                level.grams.extend(&gram);
                level.counts.push(count);
                let asked = match options.neighbours {
                    Neighbours::OfNone => false,
                    Neighbours::OfSingles => n == 1,
                    Neighbours::OfAll | Neighbours::OfAllNumbersAsOne => true,
                };
                if asked {
                    level.right_sums.push(sum(&right, &gram));
                    level.left_sums.push(sum(&left, &gram));
                }
            }
        }
        levels.push(level);
    }
    NgramTable {
        symbols: corpus.symbols.clone(),
        total: corpus.total(),
        min_count: options.min_count,
        levels,
    }
}

/// The table of a sequence of ids below 64, named `一`, `丁`, ... by the definition.
pub(crate) fn table_of(ids: &[u32], order: usize, min_count: u64) -> NgramTable {
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
