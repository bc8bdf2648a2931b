//! The best way through the lattice of all words that a sequence of labels contains.

use super::super::trie::Trie;

/// Words as label sequences, each with a weight; a path's weight is the sum of its words'.
#[derive(Debug, Clone)]
pub struct Lattice {
    trie: Trie,
    /// By trie node.
    weights: Vec<f32>,
    /// The weight of a single label that is no word.
    floor: f32,
}

/// The buffers of a search, to be used again.
#[derive(Debug, Default)]
pub struct Search {
    /// The best weight up to each place.
    best: Vec<f64>,
    /// The length of the last word on that path.
    last: Vec<u32>,
    /// The words' lengths, last word first.
    lengths: Vec<u32>,
}

impl Lattice {
    pub fn new(trie: Trie, weights: Vec<f32>, floor: f32) -> Self {
        Self { trie, weights, floor }
    }

    /// The lengths of the words of the heaviest path, from the last word to the first. Ties go to
    /// the longer last word. O(n * longest word).
    pub fn solve<'s>(&self, labels: &[u32], search: &'s mut Search) -> &'s [u32] {
        let Search { best, last, lengths } = search;
        best.clear();
        best.resize(labels.len() + 1, f64::NEG_INFINITY);
        last.clear();
        last.resize(labels.len() + 1, 0);
        best[0] = 0.0;
        for start in 0..labels.len() {
            self.relax(&labels[start..], &mut best[start..], &mut last[start..]);
        }
        lengths.clear();
        let mut end = labels.len();
        while end > 0 {
            lengths.push(last[end]);
            end -= last[end] as usize;
        }
        lengths
    }

    /// Tries all words that begin at the first label.
    #[inline]
    fn relax(&self, labels: &[u32], best: &mut [f64], last: &mut [u32]) {
        let base = best[0];
        let mut node = Trie::ROOT;
        let mut length = 0;
        let targets = best[1..].iter_mut().zip(&mut last[1..]);
        for (&label, (best, last)) in labels.iter().zip(targets) {
            length += 1;
            let next = self.trie.child(node, label);
            let weight = match next {
                Some(child) if self.trie.is_key(child) => self.weights[child as usize],
                _ if length == 1 => self.floor,
                Some(child) => {
                    node = child;
                    continue;
                }
                None => return,
            };
            let total = base + f64::from(weight);
            if total > *best {
                *best = total;
                *last = length;
            }
            match next {
                Some(child) => node = child,
                None => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// The best weight over all 2^(n-1) ways to cut `labels`.
    fn slow_best(labels: &[u32], words: &BTreeMap<Vec<u32>, f32>) -> f64 {
        let cut_once = |end: usize| {
            let (word, rest) = labels.split_at(end);
            let floor = (word.len() == 1).then_some(-9.0);
            let weight = words.get(word).copied().or(floor)?;
            Some(f64::from(weight) + slow_best(rest, words))
        };
        (1..=labels.len()).filter_map(cut_once).reduce(f64::max).unwrap_or(0.0)
    }

    proptest! {
        #[test]
        fn no_way_is_better(
            words in prop::collection::btree_map(
                prop::collection::vec(1_u32..4, 1..6), -20_i8..20, 0..14),
            labels in prop::collection::vec(0_u32..4, 0..11),
        ) {
            let words: BTreeMap<Vec<u32>, f32> =
                words.into_iter().map(|(word, weight)| (word, f32::from(weight))).collect();
            let keys: Vec<&Vec<u32>> = words.keys().collect();
            let trie = Trie::build(keys.len(), |rank| keys[rank]).unwrap();
            let mut weights = vec![0.0; trie.slots()];
            for (word, weight) in &words {
                weights[trie.walk(word).unwrap() as usize] = *weight;
            }
            let lattice = Lattice::new(trie, weights, -9.0);
            let mut search = Search::default();
            let mut lengths = lattice.solve(&labels, &mut search).to_vec();
            lengths.reverse();
            let (mut at, mut weight) = (0, 0.0);
            for length in lengths {
                let word = &labels[at..at + length as usize];
                weight += f64::from(words.get(word).copied().unwrap_or(-9.0));
                prop_assert!(word.len() == 1 || words.contains_key(word));
                at += word.len();
            }
            prop_assert_eq!(at, labels.len());
            prop_assert!((weight - slow_best(&labels, &words)).abs() < 1e-9);
        }
    }
}
