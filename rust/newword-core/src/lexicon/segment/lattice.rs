//! The best way through the lattice of all words that a sequence of labels contains.

use super::super::trie::Trie;

/// Words as label sequences, each with a weight; a path's weight is the sum of its words'.
#[derive(Debug, Clone)]
pub struct Lattice {
    pub trie: Trie,
    /// By trie node.
    pub weights: Vec<f32>,
    pub unknown: Unknown,
}

/// What a path may use besides words.
#[derive(Debug, Clone)]
pub struct Unknown {
    /// The weight of a single label that is no word.
    pub single: f32,
    /// The weight of two labels that are no word, if both may pair; minus infinity for never.
    pub pair: f32,
    /// By label, whether it may pair; labels beyond the end may.
    pub pairs: Vec<bool>,
}

impl Unknown {
    #[inline]
    fn may_pair(&self, labels: &[u32]) -> bool {
        let pairs = |label: u32| self.pairs.get(label as usize).copied().unwrap_or(true);
        self.pair > f32::NEG_INFINITY
            && matches!(labels, [first, second, ..] if pairs(*first) && pairs(*second))
    }
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
    /// The lengths of the words of the heaviest path, from the last word to the first. Of paths
    /// that tie up to a place, the one with the longest last word wins. O(n * longest word).
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
        let mut offer = |length: usize, weight: f32| {
            let total = base + f64::from(weight);
            if total > best[length] {
                best[length] = total;
                // Words are far shorter than 2^32 labels.
                last[length] = u32::try_from(length).unwrap_or(u32::MAX);
            }
        };
        let first = self.trie.child(Trie::ROOT, labels[0]);
        offer(1, first.and_then(|node| self.weight(node)).unwrap_or(self.unknown.single));
        let second =
            first.zip(labels.get(1)).and_then(|(node, label)| self.trie.child(node, *label));
        match second.and_then(|node| self.weight(node)) {
            Some(weight) => offer(2, weight),
            None if self.unknown.may_pair(labels) => offer(2, self.unknown.pair),
            None => {}
        }
        let Some(mut node) = second else { return };
        for (&label, length) in labels[2..].iter().zip(3..) {
            let Some(child) = self.trie.child(node, label) else { return };
            node = child;
            if let Some(weight) = self.weight(node) {
                offer(length, weight);
            }
        }
    }

    #[inline]
    fn weight(&self, node: u32) -> Option<f32> {
        self.trie.is_key(node).then(|| self.weights[node as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// What a word weighs, if it may be used: labels from 1 on may pair.
    fn weight(word: &[u32], words: &BTreeMap<Vec<u32>, f32>) -> Option<f64> {
        let unknown = match word {
            [_] => Some(-9.0),
            [first, second] if *first > 0 && *second > 0 => Some(-12.0),
            _ => None,
        };
        words.get(word).copied().map(f64::from).or(unknown)
    }

    /// The best weight over all 2^(n-1) ways to cut `labels`.
    fn slow_best(labels: &[u32], words: &BTreeMap<Vec<u32>, f32>) -> f64 {
        let cut_once = |end: usize| {
            let (word, rest) = labels.split_at(end);
            Some(weight(word, words)? + slow_best(rest, words))
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
            let unknown = Unknown { single: -9.0, pair: -12.0, pairs: vec![false] };
            let lattice = Lattice { trie, weights, unknown };
            let mut search = Search::default();
            let mut lengths = lattice.solve(&labels, &mut search).to_vec();
            lengths.reverse();
            let (mut at, mut total) = (0, 0.0);
            for length in lengths {
                let word = &labels[at..at + length as usize];
                total += weight(word, &words).unwrap();
                at += word.len();
            }
            prop_assert_eq!(at, labels.len());
            prop_assert!((total - slow_best(&labels, &words)).abs() < 1e-9);
        }
    }
}
