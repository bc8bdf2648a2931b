//! The n-grams of a corpus as words, and what they weigh.

use rayon::prelude::*;

use super::super::recount::count_words;
use super::super::{Floor, Lattice, Unknown, is_one_han, single};
use super::autonomy::autonomies;
use super::needed::{Pairs, needed};
use super::options::{Constants, UNSEEN_PAIR, UNSEEN_SINGLE, WORDHOOD_PRIOR};
use super::{UnsupervisedMethod, UnsupervisedWord};
use crate::corpus::{Gram, Relabelled, Symbols};
use crate::ngram::{Cohesion, Links, NgramTable};
use crate::support::{Context, Result};
use crate::trie::Trie;

/// A value a row, by length less 1.
type Rows<T> = Vec<Vec<T>>;

/// All n-grams of a table as words that may be.
pub struct Model<'t> {
    table: &'t NgramTable,
    links: &'t Links,
    cohesion: &'t Cohesion,
    method: UnsupervisedMethod,
    /// In nats.
    autonomies: Rows<f64>,
    /// In nats; of the last segmentation.
    weights: Rows<f32>,
    /// The words of the last segmentation's lattice; no other can be on a best path.
    needed: Vec<Place>,
    /// How often each was a word in the last segmentation.
    used: Rows<u64>,
}

/// A row of a table: its length, and its place among the rows of that length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    n: u8,
    row: usize,
}

impl<'t> Model<'t> {
    /// `links` and `cohesion` are those of the table.
    ///
    /// # Errors
    /// [`crate::support::Error::Cancelled`].
    pub fn new(
        table: &'t NgramTable,
        links: &'t Links,
        cohesion: &'t Cohesion,
        method: UnsupervisedMethod,
        context: &Context,
    ) -> Result<Self> {
        let autonomies = autonomies(table, links, context)?;
        let used = table.levels.iter().map(|level| vec![0; level.len()]).collect();
        let (weights, needed) = (Vec::new(), Vec::new());
        Ok(Self { table, links, cohesion, method, autonomies, weights, needed, used })
    }

    /// Weighs all words and cuts the corpus with them, `passes` more times than once where the
    /// method re-estimates. O(passes * (symbols * longest word + rows * longest word squared)).
    ///
    /// # Errors
    /// Reading the corpus failed; [`crate::support::Error::Memory`] for more words than a trie can
    /// hold; [`crate::support::Error::Cancelled`].
    pub fn estimate(
        &mut self,
        corpus: &Relabelled<'_>,
        passes: usize,
        context: &Context,
    ) -> Result<()> {
        let last = if self.method == UnsupervisedMethod::Autonomy { 0 } else { passes };
        for pass in 0..=last {
            context.check()?;
            self.weigh(Constants::of_pass(pass), context);
            self.count(corpus, context)?;
        }
        Ok(())
    }

    /// The words that the segmenter needs: those of the last segmentation.
    ///
    /// By falling use, ties by code point. O(rows) in parallel.
    pub fn words(&self, context: &Context) -> Vec<UnsupervisedWord> {
        let word = |&Place { n, row }: &Place| {
            let n = usize::from(n);
            UnsupervisedWord {
                text: self.table.symbols.spell(self.table.level(n).row(row, n)),
                weight: f64::from(self.weights[n - 1][row]),
                count: self.used[n - 1][row],
            }
        };
        context.pool().install(|| {
            let mut words: Vec<UnsupervisedWord> = self.needed.par_iter().map(word).collect();
            words.par_sort_unstable_by(|a, b| {
                b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text))
            });
            words
        })
    }

    /// The n-grams that were words in the last segmentation, and how often.
    pub fn used(&self) -> impl Iterator<Item = (&'t [u32], u64)> {
        let table = self.table;
        let used = self.needed.iter().map(|&Place { n, row }| {
            let n = usize::from(n);
            (table.level(n).row(row, n), self.used[n - 1][row])
        });
        used.filter(|(_, count)| *count > 0)
    }

    fn weigh(&mut self, constants: Constants, context: &Context) {
        let weigh = |n: usize| {
            let rows = (0..self.table.level(n).len()).into_par_iter();
            rows.map(|row| single(self.weight(n, row, constants))).collect()
        };
        self.weights = context.pool().install(|| (1..=self.table.order()).map(weigh).collect());
    }

    fn weight(&self, n: usize, row: usize, constants: Constants) -> f64 {
        let autonomy = self.autonomies[n - 1][row];
        if self.method == UnsupervisedMethod::Autonomy {
            return autonomy * n as f64;
        }
        let [of_used, of_count] = WORDHOOD_PRIOR;
        let (used, count) = (self.used[n - 1][row], self.table.level(n).counts[row]);
        let wordhood = ((used as f64 + of_used) / (count as f64 + of_count)).ln();
        let Constants { pmi, joined, wordhood: [alone, longer], long } = constants;
        if n == 1 {
            return autonomy + alone * wordhood;
        }
        let beyond = n.saturating_sub(3) as f64;
        autonomy + pmi * self.cohesion.of(n, row) + joined + longer * wordhood + long * beyond
    }

    /// Cuts the corpus with the words that are needed.
    fn count(&mut self, corpus: &Relabelled<'_>, context: &Context) -> Result<()> {
        let keys = self.keys(corpus, context);
        let trie = Trie::build(keys.len(), |rank| keys[rank].gram.labels())?;
        let node = |key: &Key| trie.walk(key.gram.labels()).unwrap_or(Trie::ROOT) as usize;
        let nodes: Vec<usize> = context.pool().install(|| keys.par_iter().map(node).collect());
        let mut weights = vec![0.0; trie.slots()];
        for (Key { place: Place { n, row }, .. }, node) in keys.iter().zip(&nodes) {
            weights[*node] = self.weights[usize::from(*n) - 1][*row];
        }
        let lattice = Lattice::new(trie, weights, self.unknown(corpus));
        let counts = count_words(corpus, &lattice, corpus.largest(), context)?.words;
        for used in &mut self.used {
            used.fill(0);
        }
        for (Key { place: Place { n, row }, .. }, node) in keys.iter().zip(&nodes) {
            self.used[usize::from(*n) - 1][*row] = counts[*node];
        }
        self.needed = keys.into_iter().map(|key| key.place).collect();
        Ok(())
    }

    /// The words that a best path may use, by their labels, sorted.
    fn keys(&self, corpus: &Relabelled<'_>, context: &Context) -> Vec<Key> {
        let Self { table, links, weights, .. } = self;
        let pairs = Pairs { weight: floor(self.method).pair, may_pair: han(&table.symbols) };
        let needed = needed(table, links, weights, &pairs, context);
        let key = |place: Place| {
            let n = usize::from(place.n);
            Key { gram: corpus.gram(table.level(n).row(place.row, n)), place }
        };
        let of_length = |(n, needed): (u8, &Vec<bool>)| {
            let rows = needed.par_iter().enumerate().filter(|(_, needed)| **needed);
            rows.map(|(row, _)| key(Place { n, row })).collect::<Vec<Key>>()
        };
        context.pool().install(|| {
            let mut keys: Vec<Key> = (1..).zip(&needed).flat_map(of_length).collect();
            keys.par_sort_unstable_by(|a, b| a.gram.cmp(&b.gram));
            keys
        })
    }

    fn unknown(&self, corpus: &Relabelled<'_>) -> Unknown {
        let Floor { single: alone, pair } = floor(self.method);
        let han = han(&self.table.symbols);
        let labels = 1..=u32::try_from(corpus.largest()).unwrap_or(u32::MAX);
        let may_pair = labels.map(|label| han[corpus.id(label) as usize]);
        let pairs = std::iter::once(false).chain(may_pair).collect();
        Unknown { single: single(alone), pair: single(pair), pairs }
    }
}

/// A word as the trie has it.
struct Key {
    gram: Gram,
    place: Place,
}

/// What symbols and pairs weigh that were not kept.
pub fn floor(method: UnsupervisedMethod) -> Floor {
    let pair = match method {
        UnsupervisedMethod::Autonomy => f64::NEG_INFINITY,
        UnsupervisedMethod::Reestimated => UNSEEN_PAIR,
    };
    Floor { single: UNSEEN_SINGLE, pair }
}

/// By id, whether a symbol is one Han character.
fn han(symbols: &Symbols) -> Vec<bool> {
    let ids = 1..=u32::try_from(symbols.len()).unwrap_or(u32::MAX);
    std::iter::once(false).chain(ids.map(|id| is_one_han(symbols.name(id)))).collect()
}
