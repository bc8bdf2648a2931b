//! The n-grams of a corpus as words, and what they weigh.

use rayon::prelude::*;

use super::super::recount::count_words;
use super::super::{Floor, Lattice, Search, Unknown, is_one_han, single};
use super::autonomy::autonomies;
use super::options::{Constants, UNSEEN_PAIR, UNSEEN_SINGLE, WORDHOOD_PRIOR};
use super::{UnsupervisedMethod, UnsupervisedWord};
use crate::corpus::{EncodedCorpus, Symbols};
use crate::ngram::Cohesion;
use crate::ngram::Links;
use crate::ngram::NgramTable;
use crate::support::{Context, Result};
use crate::trie::Trie;

/// A word that may be: an n-gram that was kept.
struct Candidate {
    /// Its node in the trie.
    node: u32,
    /// Symbols.
    length: u8,
    count: u64,
    /// In nats.
    autonomy: f64,
    /// In nats; 0 for single symbols.
    pmi: f64,
}

/// All n-grams of a table as words of a lattice.
pub struct Model<'t> {
    table: &'t NgramTable,
    /// In the order of their ids, a prefix before what it begins.
    candidates: Vec<Candidate>,
    lattice: Lattice,
    /// By trie node: how often it was a word in the last segmentation.
    used: Vec<u64>,
}

impl<'t> Model<'t> {
    /// # Errors
    /// [`crate::support::Error::Memory`] for more n-grams than a trie can hold;
    /// [`crate::support::Error::Cancelled`].
    pub fn new(
        table: &'t NgramTable,
        method: UnsupervisedMethod,
        context: &Context,
    ) -> Result<Self> {
        let links = Links::new(table, context)?;
        let cohesion = Cohesion::new(table, &links, context)?;
        let autonomies = autonomies(table, &links, context)?;
        drop(links);
        let rows = sorted_rows(table, context);
        let gram =
            |rank: usize| table.level(rows[rank].0.into()).row(rows[rank].1, rows[rank].0.into());
        let trie = Trie::build(rows.len(), gram)?;
        let candidate = |rank: usize| {
            let (length, row) = rows[rank];
            let n = usize::from(length);
            Candidate {
                node: trie.walk(gram(rank)).unwrap_or(Trie::ROOT),
                length,
                count: table.level(n).counts[row],
                autonomy: autonomies[n - 1][row],
                pmi: if n > 1 { cohesion.of(n, row) } else { 0.0 },
            }
        };
        let ranks = (0..rows.len()).into_par_iter();
        let candidates = context.pool().install(|| ranks.map(candidate).collect());
        let (weights, used) = (vec![0.0; trie.slots()], vec![0; trie.slots()]);
        let lattice = Lattice::new(trie, weights, unknown(&table.symbols, method));
        Ok(Self { table, candidates, lattice, used })
    }

    /// Weighs all words and cuts the corpus with them, `passes` more times than once where the
    /// method re-estimates. O(passes * symbols * longest word).
    ///
    /// # Errors
    /// Reading the corpus failed; [`crate::support::Error::Cancelled`].
    pub fn estimate(
        &mut self,
        corpus: &EncodedCorpus,
        method: UnsupervisedMethod,
        passes: usize,
        context: &Context,
    ) -> Result<()> {
        let last = if method == UnsupervisedMethod::Autonomy { 0 } else { passes };
        for pass in 0..=last {
            let constants = Constants::of_pass(pass);
            for candidate in &self.candidates {
                let node = candidate.node as usize;
                let weight = match method {
                    UnsupervisedMethod::Autonomy => {
                        candidate.autonomy * f64::from(candidate.length)
                    }
                    UnsupervisedMethod::Reestimated => candidate.weight(constants, self.used[node]),
                };
                self.lattice.weights[node] = single(weight);
            }
            let symbols = self.table.symbols.len();
            self.used = count_words(corpus, &self.lattice, symbols, context)?.words;
        }
        Ok(())
    }

    /// The words that the segmenter needs: every single symbol, and the longer ones that a best path
    /// may use. A word lighter than its own best cut is on none, and nothing changes without it
    /// unless it would then pass for an unseen pair that weighs more than its cut.
    ///
    /// By falling use, ties by code point. O(rows * longest word squared) in parallel.
    pub fn words(&self, context: &Context) -> Vec<UnsupervisedWord> {
        let rows = self.sorted_grams();
        let word = |search: &mut Search, (gram, candidate): (&[u32], &Candidate)| {
            let node = candidate.node as usize;
            is_needed(&self.lattice, gram, search).then(|| UnsupervisedWord {
                text: self.table.symbols.spell(gram),
                weight: f64::from(self.lattice.weights[node]),
                count: self.used[node],
            })
        };
        let mut words: Vec<UnsupervisedWord> = context.pool().install(|| {
            let pairs = rows.par_iter().copied().zip(&self.candidates);
            pairs.map_init(Search::default, word).flatten_iter().collect()
        });
        context.pool().install(|| {
            words.par_sort_unstable_by(|a, b| {
                b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text))
            });
        });
        words
    }

    /// The n-grams that were words in the last segmentation, and how often, in the order of their
    /// ids.
    pub fn used(&self) -> impl Iterator<Item = (&'t [u32], u64)> {
        let used = self.candidates.iter().map(|candidate| self.used[candidate.node as usize]);
        self.sorted_grams().into_iter().zip(used).filter(|(_, count)| *count > 0)
    }

    /// The ids of the candidates, one each.
    fn sorted_grams(&self) -> Vec<&'t [u32]> {
        let mut next = vec![0; self.table.order()];
        let gram = |candidate: &Candidate| {
            let n = usize::from(candidate.length);
            let row = next[n - 1];
            next[n - 1] += 1;
            self.table.level(n).row(row, n)
        };
        self.candidates.iter().map(gram).collect()
    }
}

impl Candidate {
    fn weight(&self, constants: Constants, used: u64) -> f64 {
        let [of_used, of_count] = WORDHOOD_PRIOR;
        let wordhood = ((used as f64 + of_used) / (self.count as f64 + of_count)).ln();
        let Constants { pmi, joined, wordhood: [alone, longer], long } = constants;
        if self.length == 1 {
            return self.autonomy + alone * wordhood;
        }
        let beyond = f64::from(self.length.saturating_sub(3));
        self.autonomy + pmi * self.pmi + joined + longer * wordhood + long * beyond
    }
}

/// The rows of all lengths as (length, row), in the order of their ids.
fn sorted_rows(table: &NgramTable, context: &Context) -> Vec<(u8, usize)> {
    let mut rows: Vec<(u8, usize)> = (1_u8..)
        .zip(&table.levels)
        .flat_map(|(n, level)| (0..level.len()).map(move |row| (n, row)))
        .collect();
    let gram = |(n, row): (u8, usize)| table.level(n.into()).row(row, n.into());
    context.pool().install(|| rows.par_sort_unstable_by(|a, b| gram(*a).cmp(gram(*b))));
    rows
}

/// What symbols and pairs weigh that were not kept.
pub fn floor(method: UnsupervisedMethod) -> Floor {
    let pair = match method {
        UnsupervisedMethod::Autonomy => f64::NEG_INFINITY,
        UnsupervisedMethod::Reestimated => UNSEEN_PAIR,
    };
    Floor { single: UNSEEN_SINGLE, pair }
}

fn unknown(symbols: &Symbols, method: UnsupervisedMethod) -> Unknown {
    let ids = 1..=u32::try_from(symbols.len()).unwrap_or(u32::MAX);
    let han = ids.map(|id| is_one_han(symbols.name(id)));
    let Floor { single: alone, pair } = floor(method);
    let pairs = std::iter::once(false).chain(han).collect();
    Unknown { single: single(alone), pair: single(pair), pairs }
}

/// Whether a word of the lattice may be on a best path of some run, or must hide an unseen pair.
fn is_needed(lattice: &Lattice, gram: &[u32], search: &mut Search) -> bool {
    if lattice.solve(gram, search).len() == 1 {
        return true;
    }
    let [first, second] = gram else { return false };
    let node = |id: &u32| lattice.trie.walk(std::slice::from_ref(id));
    let weight = |id| node(id).map_or(0.0, |node| f64::from(lattice.weights[node as usize]));
    let Unknown { pair, pairs, .. } = &lattice.unknown;
    let may_pair = pairs[*first as usize] && pairs[*second as usize];
    may_pair && f64::from(*pair) >= weight(first) + weight(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_light_pair_stays_where_it_would_pass_for_an_unseen_one() {
        let keys: [&[u32]; 3] = [&[1], &[1, 2], &[2]];
        let needed = |weights_of: [f32; 3], pair: f32, pairs: [bool; 3]| {
            let trie = Trie::build(keys.len(), |rank| keys[rank]).unwrap();
            let mut weights = vec![0.0; trie.slots()];
            for (key, weight) in keys.iter().zip(weights_of) {
                weights[trie.walk(key).unwrap() as usize] = weight;
            }
            let unknown = Unknown { single: 0.0, pair, pairs: pairs.to_vec() };
            let lattice = Lattice::new(trie, weights, unknown);
            is_needed(&lattice, &[1, 2], &mut Search::default())
        };
        let han = [false, true, true];
        assert!(needed([-3.0, -5.0, -2.0], -9.0, han), "a tie goes to the longer word");
        assert!(!needed([-3.0, -5.5, -2.0], -9.0, han));
        assert!(needed([-3.0, -5.5, -2.0], -4.0, han));
        assert!(!needed([-3.0, -5.5, -2.0], -4.0, [false, true, false]));
        assert!(!needed([-3.0, -5.5, -2.0], f32::NEG_INFINITY, han));
    }
}
