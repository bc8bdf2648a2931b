//! The n-grams that a best path may use as words.

use rayon::prelude::*;

use crate::ngram::{Links, NgramTable};
use crate::support::Context;

/// What two symbols weigh that are no word.
pub struct Pairs {
    /// In nats.
    pub weight: f64,
    /// By id, whether a symbol may be in such a pair.
    pub may_pair: Vec<bool>,
}

/// Whether each n-gram of a table, by length less 1, then by row, must be among the words of a lattice
/// in which each weighs what `weights` says. Single symbols must. A longer one that is lighter than
/// its own best cut is on no best path, and no best path changes without it unless it would then pass for a
/// pair that is no word and weighs as much as its cut.
///
/// With a `margin`, longer ones must outweigh their best cut by so much, and some that a best path would
/// use are left out.
///
/// Every part of an n-gram that is kept is kept, so its best cut is found from those of its prefixes.
///
/// O(rows * order squared) in parallel; 9 bytes a row.
pub fn needed(
    table: &NgramTable,
    links: &Links,
    weights: &[Vec<f32>],
    pairs: &Pairs,
    margin: f64,
    context: &Context,
) -> Vec<Vec<bool>> {
    let of_cut = |n: usize, row: usize, cut: f64| {
        let hides = |gram: &[u32]| {
            gram.iter().all(|id| pairs.may_pair[*id as usize]) && pairs.weight >= cut
        };
        let weight = f64::from(weights[n - 1][row]);
        weight >= cut + margin || n == 2 && hides(table.level(n).row(row, n))
    };
    by_best_cut(table, links, weights, of_cut, context)
}

/// What `of_cut` makes of the length, the row and the weight of the best cut of each n-gram, by length
/// less 1, then by row. The best cut of a single symbol weighs minus infinity.
///
/// O(rows * order squared) in parallel; 8 bytes a row besides the result.
pub fn by_best_cut<T: Send>(
    table: &NgramTable,
    links: &Links,
    weights: &[Vec<f32>],
    of_cut: impl Fn(usize, usize, f64) -> T + Sync,
    context: &Context,
) -> Vec<Vec<T>> {
    let mut best: Vec<Vec<f64>> = Vec::with_capacity(table.order());
    let mut all = Vec::with_capacity(table.order());
    for n in 1..=table.order() {
        let of_row = |row: usize| {
            let cut = best_cut(links, weights, &best, n, row);
            (f64::from(weights[n - 1][row]).max(cut), of_cut(n, row, cut))
        };
        let rows = (0..table.level(n).len()).into_par_iter();
        let (best_of_rows, found) = context.pool().install(|| rows.map(of_row).unzip());
        best.push(best_of_rows);
        all.push(found);
    }
    all
}

/// The weight of the best way to cut an n-gram, by those of shorter ones; minus infinity where a
/// part of it is not in the table.
fn best_cut(links: &Links, weights: &[Vec<f32>], best: &[Vec<f64>], n: usize, row: usize) -> f64 {
    let Ok(row) = u32::try_from(row) else { return f64::NEG_INFINITY };
    // By length; no n-gram is longer than 8 symbols.
    let (mut firsts, mut lasts) = ([0; 9], [0; 9]);
    let (mut first, mut last) = (row, row);
    for length in (1..n).rev() {
        first = links.prefix(length + 1, first);
        last = links.suffix(length + 1, last);
        (firsts[length], lasts[length]) = (first, last);
    }
    let way = |cut: usize| {
        let last = weights[n - cut - 1].get(lasts[n - cut] as usize);
        let first = best[cut - 1].get(firsts[cut] as usize);
        first.zip(last).map_or(f64::NEG_INFINITY, |(first, last)| first + f64::from(*last))
    };
    (1..n).map(way).fold(f64::NEG_INFINITY, f64::max)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::super::lattice::{Lattice, Search, Unknown};
    use super::super::super::recount::count_words;
    use super::super::super::single;
    use super::*;
    use crate::corpus::parts::tests::CutParts;
    use crate::ngram::testing::table_of;
    use crate::support::testing::job;
    use crate::trie::Trie;

    /// A lattice of some n-grams of a table, and their places by trie node.
    fn lattice(
        table: &NgramTable,
        weights: &[Vec<f32>],
        pairs: &Pairs,
        keeps: impl Fn(usize, usize) -> bool,
    ) -> (Lattice, BTreeMap<usize, (usize, usize)>) {
        let mut words = BTreeMap::new();
        for n in 1..=table.order() {
            for row in (0..table.level(n).len()).filter(|row| keeps(n, *row)) {
                words.insert(table.level(n).row(row, n), (n, row));
            }
        }
        let grams: Vec<&[u32]> = words.keys().copied().collect();
        let trie = Trie::build(grams.len(), |rank| grams[rank]).unwrap();
        let node = |gram| trie.walk(gram).unwrap() as usize;
        let nodes: BTreeMap<_, _> =
            words.iter().map(|(gram, place)| (node(gram), *place)).collect();
        let mut by_node = vec![0.0; trie.slots()];
        for (node, (n, row)) in &nodes {
            by_node[*node] = weights[n - 1][*row];
        }
        let pair = single(pairs.weight);
        let unknown = Unknown { single: 0.0, pair, pairs: pairs.may_pair.clone() };
        (Lattice::new(trie, by_node, unknown), nodes)
    }

    /// Whether a word of the lattice of all n-grams may be on a best path of some run, or must hide a pair.
    fn is_needed(lattice: &Lattice, gram: &[u32], pairs: &Pairs) -> bool {
        if lattice.solve(gram, &mut Search::default()).len() == 1 {
            return true;
        }
        let [first, second] = gram else { return false };
        let weight = |id: &u32| {
            let node = lattice.trie.walk(std::slice::from_ref(id)).unwrap();
            f64::from(lattice.weights[node as usize])
        };
        let may_pair = pairs.may_pair[*first as usize] && pairs.may_pair[*second as usize];
        may_pair && pairs.weight >= weight(first) + weight(second)
    }

    proptest! {
        #[test]
        fn the_needed_words_are_enough(
            ids in prop::collection::vec(0_u32..5, 1..120),
            min_count in 1_u64..3,
            drawn in prop::collection::vec(-12_i8..12, 1..60),
            pair in prop::option::of(-9_i8..2),
            may_pair in prop::collection::vec(any::<bool>(), 4),
        ) {
            let (table, context) = (table_of(&ids, 4, min_count), job(2));
            let links = Links::new(&table, &context).unwrap();
            let mut next = drawn.iter().cycle();
            let weights: Vec<Vec<f32>> = table
                .levels
                .iter()
                .map(|level| (0..level.len()).map(|_| f32::from(*next.next().unwrap())).collect())
                .collect();
            let weight = pair.map_or(f64::NEG_INFINITY, f64::from);
            let may_pair = [false].into_iter().chain(may_pair).collect();
            let pairs = Pairs { weight, may_pair };
            let needed = needed(&table, &links, &weights, &pairs, 0.0, &context);
            let (all, places) = lattice(&table, &weights, &pairs, |_, _| true);
            for (n, row) in places.values() {
                let gram = table.level(*n).row(*row, *n);
                prop_assert_eq!(needed[n - 1][*row], is_needed(&all, gram, &pairs), "{:?}", gram);
            }
            let (few, few_places) = lattice(&table, &weights, &pairs, |n, row| needed[n - 1][row]);
            let used = |lattice: &Lattice, places: &BTreeMap<usize, (usize, usize)>| {
                let counts = count_words(&CutParts::new(&ids, &[]), lattice, 4, &context).unwrap();
                let words = places.iter().map(|(node, place)| (*place, counts.words[*node]));
                let used: BTreeMap<_, _> = words.filter(|(_, count)| *count > 0).collect();
                (used, counts.singles)
            };
            prop_assert_eq!(used(&few, &few_places), used(&all, &places));
        }
    }
}
