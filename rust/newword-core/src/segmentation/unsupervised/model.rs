//! The n-grams of a corpus as words, and what they weigh.

use rayon::prelude::*;

use super::super::{Floor, Lattice, Unknown, count_words_of, is_one_han, single};
use super::autonomy::autonomies;
use super::best_cut::{BestCut, best_cut};
use super::needed::{Pairs, by_best_cut, needed};
use super::options::{Constants, MARGIN, UNSEEN_PAIR, UNSEEN_SINGLE, WORDHOOD_PRIOR};
use super::{UnsupervisedMethod, UnsupervisedWord};
use crate::corpus::{Gram, Relabelled, Symbols};
use crate::ngram::{Cohesion, Links, NgramTable};
use crate::support::{Context, Result};
use crate::trie::Trie;

/// A value a row, by length less 1.
pub type Rows<T> = Vec<Vec<T>>;

/// A word longer than the n-grams of a table.
pub struct LongWord {
    pub ids: Vec<u32>,
    /// By how much it outweighs its best cut, in nats.
    pub lead: f64,
}

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
    /// The sum of these.
    segments: u64,
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
        Ok(Self { table, links, cohesion, method, autonomies, weights, needed, used, segments: 0 })
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
            let keys = self.keys(corpus, 0.0, context);
            self.count(corpus, &keys, &[], context)?;
            self.needed = keys.into_iter().map(|key| key.place).collect();
        }
        Ok(())
    }

    /// Whether each n-gram was a word in the last segmentation, but less than `lead` nats likelier than its
    /// likeliest cut: independent words side by side explain it. O(rows * order squared) in parallel.
    pub fn explained(&self, lead: f64, context: &Context) -> Rows<bool> {
        let least = |n: usize| u64::from(n == 1);
        let of_level = |(n, used): (usize, &Vec<u64>)| {
            used.iter().map(|used| single(self.log_share_of((*used).max(least(n))))).collect()
        };
        let shares: Rows<f32> = (1..).zip(&self.used).map(of_level).collect();
        let of_cut = |n: usize, row: usize, cut: f64| {
            self.used[n - 1][row] > 0 && f64::from(shares[n - 1][row]) < cut + lead
        };
        by_best_cut(self.table, self.links, &shares, of_cut, context)
    }

    /// A first re-estimation with words longer than the n-grams, each of which outweighs its best cut
    /// by its lead; other words must outweigh theirs by [`MARGIN`] and not be `excluded`. Returns how
    /// often each long word was one. O(symbols * longest word + rows * longest word squared).
    ///
    /// # Errors
    /// As [`Model::estimate`].
    pub fn conclude(
        &mut self,
        corpus: &Relabelled<'_>,
        long: &[LongWord],
        excluded: &[Vec<bool>],
        context: &Context,
    ) -> Result<Vec<u64>> {
        context.check()?;
        self.weigh(Constants::SECOND, context);
        let weight = |Place { n, row }: Place| f64::from(self.weights[usize::from(n) - 1][row]);
        let long: Vec<(Vec<u32>, f32)> = long
            .iter()
            .map(|LongWord { ids, lead }| {
                let cut = best_cut(ids, self.table.order(), |part| self.place(part).map(weight));
                (corpus.labels_of(ids), single(cut.weight + lead))
            })
            .collect();
        // Only now, since a long word outweighs cuts into excluded words too.
        for (weights, excluded) in self.weights.iter_mut().zip(excluded) {
            let excluded = weights.iter_mut().zip(excluded).filter(|(_, excluded)| **excluded);
            excluded.for_each(|(weight, _)| *weight = f32::NEG_INFINITY);
        }
        let keys = self.keys(corpus, MARGIN, context);
        let counts = self.count(corpus, &keys, &long, context)?;
        self.needed = keys.into_iter().map(|key| key.place).collect();
        Ok(counts)
    }

    /// The likeliest cut of a sequence into shorter words of the last segmentation, and its logarithm
    /// under their shares in it. O(length * order * log rows).
    pub fn likeliest_cut(&self, ids: &[u32]) -> BestCut {
        let shorter = |part: &[u32]| part.len() < ids.len().max(2);
        best_cut(ids, self.table.order(), |part| self.log_share(part).filter(|_| shorter(part)))
    }

    /// The logarithm of the share of an n-gram in the words of the last segmentation. A symbol that was no
    /// word counts as one that was once. O(n log rows).
    pub fn log_share(&self, gram: &[u32]) -> Option<f64> {
        let used = self.used_of(self.place(gram)?);
        (used > 0 || gram.len() == 1).then(|| self.log_share_of(used.max(1)))
    }

    fn log_share_of(&self, used: u64) -> f64 {
        (used as f64 / self.segments() as f64).ln()
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

    /// How many words the last segmentation has, at least 1; long ones are not among them.
    pub fn segments(&self) -> u64 {
        self.segments.max(1)
    }

    /// The n-grams that were words in the last segmentation: length, row, and how often.
    pub fn used(&self) -> impl Iterator<Item = (usize, usize, u64)> {
        let used = self.needed.iter().map(|&Place { n, row }| {
            let n = usize::from(n);
            (n, row, self.used[n - 1][row])
        });
        used.filter(|(_, _, count)| *count > 0)
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

    /// Cuts the corpus with `keys` and with `long` words by their labels; returns how often each of
    /// the latter was used.
    fn count(
        &mut self,
        corpus: &Relabelled<'_>,
        keys: &[Key],
        long: &[(Vec<u32>, f32)],
        context: &Context,
    ) -> Result<Vec<u64>> {
        let labels = keys.iter().map(|key| key.gram.labels());
        let mut all: Vec<&[u32]> =
            labels.chain(long.iter().map(|(labels, _)| &labels[..])).collect();
        // In order but for the long ones.
        all.sort();
        let trie = Trie::build(all.len(), |rank| all[rank])?;
        let node = |key: &Key| trie.walk(key.gram.labels()).unwrap_or(Trie::ROOT) as usize;
        let nodes: Vec<usize> = context.pool().install(|| keys.par_iter().map(node).collect());
        let mut weights = vec![0.0; trie.slots()];
        for (Key { place: Place { n, row }, .. }, node) in keys.iter().zip(&nodes) {
            weights[*node] = self.weights[usize::from(*n) - 1][*row];
        }
        let long_node = |labels: &[u32]| trie.walk(labels).unwrap_or(Trie::ROOT) as usize;
        let long_nodes: Vec<usize> = long.iter().map(|(labels, _)| long_node(labels)).collect();
        for ((_, weight), node) in long.iter().zip(&long_nodes) {
            weights[*node] = *weight;
        }
        let lattice = Lattice::new(trie, weights, self.unknown(corpus));
        let counts = count_words_of(corpus, &lattice, context)?.words;
        for used in &mut self.used {
            used.fill(0);
        }
        for (Key { place: Place { n, row }, .. }, node) in keys.iter().zip(&nodes) {
            self.used[usize::from(*n) - 1][*row] = counts[*node];
        }
        self.segments = self.used.iter().flatten().sum();
        Ok(long_nodes.into_iter().map(|node| counts[node]).collect())
    }

    fn place(&self, gram: &[u32]) -> Option<Place> {
        let n = u8::try_from(gram.len()).ok()?;
        Some(Place { n, row: self.table.find(gram)? })
    }

    fn used_of(&self, Place { n, row }: Place) -> u64 {
        self.used[usize::from(n) - 1][row]
    }

    /// The words that a best path may use, less those that do not outweigh their best cut by `margin`,
    /// by their labels, sorted.
    fn keys(&self, corpus: &Relabelled<'_>, margin: f64, context: &Context) -> Vec<Key> {
        let Self { table, links, weights, .. } = self;
        let pairs = Pairs { weight: floor(self.method).pair, may_pair: han(&table.symbols) };
        let needed = needed(table, links, weights, &pairs, margin, context);
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
