//! The best path through the lattice of all words in a sequence of labels.

use std::collections::BTreeSet;

use crate::support::arrays::Array;
use crate::trie::{Node, Trie};

/// Words as label sequences, each with a weight; a path's weight is the sum of its words'.
///
/// Label 0 is a break: it is in no word and no pair, and behind it the sum starts anew.
#[derive(Debug, Clone)]
pub struct Lattice {
    pub trie: Trie<Array<Node>>,
    /// By trie node. [`Trie::none`] weighs what a single label that is no word weighs; behind the
    /// nodes come a pair that is no word, and what may not be used.
    pub weights: Array<f32>,
    /// By label, whether it may be one of a pair.
    pub pairs: Vec<bool>,
    /// [`Trie::none`], which is asked for at every word.
    none: u32,
    /// Nodes that lead to no word, sorted.
    aside: Vec<u32>,
}

/// How many weights there are beyond one a slot: a pair that is no word, and what may not be used.
pub const FURTHER_WEIGHTS: usize = 2;

/// A single label weighs at least this much, so that every place is reached. Heavier than what it
/// stands in for: minus infinity, and what a damaged file may hold.
const LEAST: f32 = -1e30;

/// The weights of steps that are not words.
#[derive(Debug, Clone)]
pub struct Unknown {
    /// The weight of a single label that is no word.
    pub single: f32,
    /// The weight of two labels that are no word, if both may pair; minus infinity for never.
    pub pair: f32,
    /// By label, whether it may pair; labels beyond the end may. The break may not.
    pub pairs: Vec<bool>,
}

/// A word on a path: its length in labels, and the place of its weight.
#[derive(Debug, Clone, Copy, Default)]
pub struct Step(u64);

impl Step {
    /// One number, since a path is chosen without branches: choosing one is cheaper than two.
    #[inline]
    fn new(length: u32, place: u32) -> Self {
        Self(u64::from(length) << 32 | u64::from(place))
    }

    /// Labels.
    #[inline]
    pub fn length(self) -> usize {
        (self.0 >> 32) as usize
    }

    /// The word's node in the trie; [`Trie::none`] or more where it is no word.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // The lower half.
    pub fn place(self) -> u32 {
        self.0 as u32
    }
}

/// The buffers of a search, to be used again.
#[derive(Debug, Default)]
pub struct Search {
    /// The best weight up to each place with a last word of three labels or more.
    long: Vec<f64>,
    /// The last word on the best path up to each place.
    last: Vec<Step>,
    /// The words, last word first.
    path: Vec<Step>,
    /// What begins at each place, if that is noted.
    begun: Vec<Begun>,
    notes: bool,
}

/// The nodes of the one, the two and the three labels that begin at a place; [`Trie::none`] where there are none.
pub type Begun = [u32; 3];

impl Search {
    /// The buffers of searches that note what begins at each place.
    pub fn noting() -> Self {
        Self { notes: true, ..Self::default() }
    }

    /// What begins at each place of the labels that were searched last.
    pub fn begun(&self) -> &[Begun] {
        &self.begun
    }

    /// The words of the best path up to a place, last word first.
    fn trace(&mut self, mut end: usize) -> &[Step] {
        self.path.clear();
        while end > 0 {
            self.path.push(self.last[end]);
            end -= self.last[end].length();
        }
        &self.path
    }
}

impl Lattice {
    /// A lattice of the words of `trie`; `weights` has a value a slot.
    pub fn new(trie: Trie, mut weights: Vec<f32>, unknown: Unknown) -> Self {
        let Unknown { single, pair, pairs } = unknown;
        weights[trie.none() as usize] = single;
        weights.reserve_exact(FURTHER_WEIGHTS);
        weights.extend([pair, f32::NEG_INFINITY]);
        let aside = Vec::new();
        Self { none: trie.none(), trie: trie.into(), weights: weights.into(), pairs, aside }
    }

    /// The same lattice for a trie that holds other nodes than those of words, by their numbers.
    #[must_use]
    pub fn with_aside(self, mut aside: Vec<u32>) -> Self {
        aside.sort_unstable();
        Self { aside, ..self }
    }

    /// The lattice that a file holds: `weights` are all [`Lattice::weights`]. None where they do not
    /// fit the slots.
    pub fn from_arrays(
        trie: Trie<Array<Node>>,
        weights: Array<f32>,
        pairs: Vec<bool>,
    ) -> Option<Self> {
        let fits = weights.len() == trie.slots() + FURTHER_WEIGHTS;
        let aside = Vec::new();
        fits.then(|| Self { none: trie.none(), trie, weights, pairs, aside })
    }

    /// The node of a step that is a word.
    #[inline]
    pub fn word(&self, step: Step) -> Option<u32> {
        Some(step.place()).filter(|place| *place < self.none)
    }

    /// The words of the heaviest path, from the last word to the first. Of paths that tie up to a
    /// place, the one with the longest last word wins. O(n * longest word).
    pub fn solve<'s>(&self, labels: &[u32], search: &'s mut Search) -> &'s [Step] {
        self.search(labels, search);
        search.trace(labels.len())
    }

    /// As [`Lattice::solve`] for labels that others follow: the words of the heaviest path up to the
    /// last place that it passes whatever follows; none if there is no such place.
    pub fn solve_start<'s>(&self, labels: &[u32], search: &'s mut Search) -> &'s [Step] {
        self.search(labels, search);
        let mut places = self.open_places(labels);
        while places.len() > 1
            && let Some(place) = places.pop_last()
        {
            places.insert(place - search.last[place].length());
        }
        search.trace(places.first().copied().unwrap_or(0))
    }

    fn search(&self, labels: &[u32], search: &mut Search) {
        let Search { long, last, begun, notes, .. } = search;
        let places = labels.len() + 1;
        long.clear();
        long.resize(places, f64::NEG_INFINITY);
        // What earlier searches left here is written over before it is read.
        last.resize(places.max(last.len()), Step::default());
        let view = View { trie: self.trie.view(), weights: &self.weights, pairs: &self.pairs };
        if *notes {
            begun.resize(labels.len(), Begun::default());
            view.begin(labels, begun);
            view.forward::<true>(labels, long, &mut last[..places], begun);
        } else {
            view.forward::<false>(labels, long, &mut last[..places], &[]);
        }
    }

    /// The places from which a word may reach beyond the end, the end included.
    fn open_places(&self, labels: &[u32]) -> BTreeSet<usize> {
        let end = labels.len();
        let first = end.saturating_sub(self.trie.longest());
        let mut places: BTreeSet<usize> =
            (first..end).filter(|&place| self.leads_on(&labels[place..])).collect();
        // Any two labels may pair.
        places.extend([end.saturating_sub(1), end]);
        places
    }

    /// Whether a word may begin with `labels`.
    fn leads_on(&self, labels: &[u32]) -> bool {
        self.trie.walk(labels).is_some_and(|node| self.aside.binary_search(&node).is_err())
    }
}

/// A lattice whose arrays have been looked up, for loops.
///
/// Nothing is taken for granted of what the arrays hold, since a damaged file may hold anything: nodes
/// are slots by the way they are found, and every place is reached by a single label at least.
struct View<'l> {
    trie: Trie<&'l [Node]>,
    weights: &'l [f32],
    pairs: &'l [bool],
}

impl View<'_> {
    /// Finds the last word of the best path up to each place.
    ///
    /// One label, two, or a word that continues: which of them is unpredictable, and a branch that is
    /// mispredicted costs more than the rest of the step. So words of one and two labels are
    /// looked up and compared without any; only the tenth or so that have a third branch off. With `BEGUN`,
    /// `begun` says what begins at each label.
    fn forward<const BEGUN: bool>(
        &self,
        labels: &[u32],
        long: &mut [f64],
        last: &mut [Step],
        begun: &[Begun],
    ) {
        let none = self.trie.none();
        // Words that end at a place come by descending length, and only a heavier one displaces.
        let (mut base, mut two) = (0.0, (f64::NEG_INFINITY, Step::default()));
        let ahead = |at: usize| labels.get(at).copied().unwrap_or(0);
        let mut pairs = self.may_pair(ahead(0));
        for (at, &label) in labels.iter().enumerate() {
            let [first, second, third] =
                if BEGUN { begun[at] } else { self.begin_at(label, ahead(at + 1), ahead(at + 2)) };
            let next_pairs = self.may_pair(ahead(at + 1));
            let unknown_pair = none + 1 + u32::from(!(pairs & next_pairs));
            pairs = next_pairs;

            let one = self.offer_single(base, self.trie.key_or(first, none));
            let best = heavier(heavier((long[at + 1], last[at + 1]), two), one);
            last[at + 1] = best.1;
            two = self.offer(base, 2, self.trie.key_or(second, unknown_pair));
            if third != none {
                let (labels, at) = (&labels[at + 3..], at + 3);
                self.offer_long(base, third, labels, &mut long[at..], &mut last[at..]);
            }
            base = if label == 0 { 0.0 } else { best.0 };
        }
    }

    /// Finds what begins at each place. Nothing waits for what another place finds, so that loads overlap.
    fn begin(&self, labels: &[u32], begun: &mut [Begun]) {
        let ahead = |at: usize| labels.get(at).copied().unwrap_or(0);
        for (at, (label, begun)) in labels.iter().zip(begun).enumerate() {
            *begun = self.begin_at(*label, ahead(at + 1), ahead(at + 2));
        }
    }

    #[inline]
    fn begin_at(&self, label: u32, second: u32, third: u32) -> Begun {
        let first = self.trie.step(Trie::ROOT, label);
        let second = self.trie.step(first, second);
        [first, second, self.trie.step(second, third)]
    }

    /// The weight of the best path that continues from one of weight `base` with a word.
    #[inline]
    fn offer(&self, base: f64, length: u32, place: u32) -> (f64, Step) {
        (base + f64::from(self.weights[place as usize]), Step::new(length, place))
    }

    /// As [`View::offer`] for one label; what is offered is a number above minus infinity.
    #[inline]
    fn offer_single(&self, base: f64, place: u32) -> (f64, Step) {
        let weight = self.weights[place as usize];
        let weight = if weight > LEAST { weight } else { LEAST };
        (base + f64::from(weight), Step::new(1, place))
    }

    /// Offers the words of three labels and more that begin with those that lead to `node`;
    /// `labels`, `long` and `last` are what comes behind them.
    fn offer_long(
        &self,
        base: f64,
        node: u32,
        labels: &[u32],
        long: &mut [f64],
        last: &mut [Step],
    ) {
        let mut node = node;
        let mut labels = labels.iter();
        for ((long, last), length) in long.iter_mut().zip(last).zip(3..) {
            if self.trie.is_key(node) {
                let offer = self.offer(base, length, node);
                if offer.0 > *long {
                    (*long, *last) = offer;
                }
            }
            let Some(label) = labels.next() else { return };
            let Some(child) = self.trie.child(node, *label) else { return };
            node = child;
        }
    }

    #[inline]
    fn may_pair(&self, label: u32) -> bool {
        self.pairs.get(label as usize).copied().unwrap_or(true)
    }
}

/// The heavier of two paths, the first where they tie.
#[inline]
fn heavier(first: (f64, Step), second: (f64, Step)) -> (f64, Step) {
    let second_wins = second.0 > first.0;
    let step = std::hint::select_unpredictable(second_wins, second.1.0, first.1.0);
    (if second_wins { second.0 } else { first.0 }, Step(step))
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

    fn lattice(words: &BTreeMap<Vec<u32>, f32>) -> Lattice {
        let keys: Vec<&Vec<u32>> = words.keys().collect();
        let trie = Trie::build(keys.len(), |rank| keys[rank]).unwrap();
        let mut weights = vec![0.0; trie.slots()];
        for (word, weight) in words {
            weights[trie.walk(word).unwrap() as usize] = *weight;
        }
        Lattice::new(trie, weights, Unknown { single: -9.0, pair: -12.0, pairs: vec![false] })
    }

    fn lengths(path: &[Step]) -> Vec<usize> {
        path.iter().rev().map(|step| step.length()).collect()
    }

    proptest! {
        #[test]
        fn settled_words_do_not_depend_on_following_labels(
            words in prop::collection::btree_map(
                prop::collection::vec(1_u32..4, 1..6), -20_i8..20, 0..14),
            labels in prop::collection::vec(0_u32..4, 0..40),
            following in prop::collection::vec(0_u32..4, 0..12),
        ) {
            let words = words.into_iter().map(|(word, weight)| (word, f32::from(weight))).collect();
            let (lattice, mut search) = (lattice(&words), Search::default());
            let settled = lengths(lattice.solve_start(&labels, &mut search));
            let whole = lengths(lattice.solve(&[labels.clone(), following].concat(), &mut search));
            prop_assert!(whole.starts_with(&settled));
            // A break settles what lies before it.
            if let Some(last) = labels.iter().rposition(|label| *label == 0) {
                prop_assert!(settled.iter().sum::<usize>() >= last);
            }
        }

        #[test]
        fn no_way_is_better(
            words in prop::collection::btree_map(
                prop::collection::vec(1_u32..4, 1..6), -20_i8..20, 0..14),
            labels in prop::collection::vec(0_u32..4, 0..11),
        ) {
            let words: BTreeMap<Vec<u32>, f32> =
                words.into_iter().map(|(word, weight)| (word, f32::from(weight))).collect();
            let lattice = lattice(&words);
            let mut search = Search::default();
            let (mut at, mut total) = (0, 0.0);
            for step in lattice.solve(&labels, &mut search).iter().rev() {
                let word = &labels[at..at + step.length()];
                prop_assert_eq!(lattice.word(*step), {
                    words.get(word).and_then(|_| lattice.trie.walk(word))
                });
                total += weight(word, &words).unwrap();
                at += word.len();
            }
            prop_assert_eq!(at, labels.len());
            prop_assert!((total - slow_best(&labels, &words)).abs() < 1e-9);
        }
    }
}
