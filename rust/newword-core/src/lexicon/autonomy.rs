//! Segmentation without a lexicon or a teacher: autonomy, cohesion, and a second look.
//!
//! Source of autonomy: Magistry and Sagot, "Unsupervized word segmentation: the case for Mandarin
//! Chinese", ACL 2012: a word is where uncertainty about the next symbol rises more than it does
//! for sequences of its length on average. What goes beyond it (cohesion, and how often a sequence
//! was a word in the previous segmentation) was tuned on a fifth of the People's Daily of January
//! 1998 with counts of other news, 25 MB of the years from 2022.

use super::evidence::{Evidence, Row};
use super::links::Links;
use super::recount::{WordCounts, count_words};
use super::segment::{Lattice, Numbers, Segmenter, SegmenterOptions, Unknown, single};
use super::sieve::{Candidate, Sieve};
use super::trie::Trie;
use super::words::Summary;
use crate::corpus::{Alphabet, EncodedCorpus};
use crate::ngram::{CountOptions, count};
use crate::support::{Context, Error, Result};

/// What words are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Autonomy {
    /// As published: autonomy times length. No constants.
    Published,
    /// Autonomy and cohesion, then three rounds that look at how often each sequence was a word in
    /// the segmentation before.
    #[default]
    Refined,
}

/// How a segmenter is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrainOptions {
    /// What words are worth.
    pub autonomy: Autonomy,
    /// The longest word, 2 to 8 symbols; 4 is what the constants were tuned for.
    pub max_length: usize,
    /// N-grams below this count are never words; 1 is best and takes most memory.
    pub min_count: u64,
}

impl Default for TrainOptions {
    fn default() -> Self {
        Self { autonomy: Autonomy::default(), max_length: 4, min_count: 1 }
    }
}

/// Rounds that look at the segmentation before.
const ROUNDS: usize = 3;

/// Trains a segmenter on the n-grams of a corpus. For news it is best trained on text whose numbers
/// were classed ([`super::class_numbers`]) and used with [`Numbers::Classed`].
///
/// Time: one count of n-grams, and three segmentations of the corpus. Memory: that of the n-gram
/// table at `min_count`, and about 20 bytes for each of its rows.
///
/// # Errors
/// [`Error::InvalidArgument`] for options out of range; [`Error::Corpus`] for a corpus without
/// symbols; [`Error::Memory`] where the n-grams do not fit; [`Error::Cancelled`].
pub fn train_segmenter(
    corpus: &EncodedCorpus,
    options: &TrainOptions,
    alphabet: &Alphabet,
    numbers: Numbers,
    context: &Context,
) -> Result<Segmenter> {
    let (order, min_count) = (options.max_length, options.min_count);
    if !(2..=8).contains(&order) {
        return Err(Error::invalid("max_length", "must be between 2 and 8", order));
    }
    if corpus.total() == 0 {
        return Err(Error::Corpus("the corpus holds no symbol of the alphabet".into()));
    }
    let table = count(corpus, CountOptions { order, min_count, neighbours: true }, context)?;
    let evidence = Evidence::new(&table, context)?;
    let mut model = Model::new(&evidence, options.autonomy, context)?;
    model.refine(corpus, options.autonomy, context)?;
    let segmenter = SegmenterOptions { alphabet: alphabet.clone(), numbers, unknown_pair: 0.0 };
    Ok(Segmenter::of_corpus(&table.symbols, model.lattice, segmenter))
}

/// Proposes the words of the segmentation that the corpus's own n-grams lead to.
pub fn autonomous_words(
    corpus: &EncodedCorpus,
    evidence: &Evidence<'_>,
    sieve: &mut Sieve<'_>,
    summary: &mut Summary,
    context: &Context,
) -> Result<()> {
    let mut model = Model::new(evidence, Autonomy::Refined, context)?;
    model.refine(corpus, Autonomy::Refined, context)?;
    let used = model.count(corpus, context)?;
    summary.segments = used.total;
    for word in &model.words {
        let measures = evidence.of_row(word.row);
        let count = used.words[word.node as usize];
        if count > 0 {
            sieve.propose(&Candidate { ids: evidence.gram(word.row), count, measures });
        }
    }
    Ok(())
}

/// All n-grams of a table as words, and what they are worth.
struct Model<'e> {
    evidence: &'e Evidence<'e>,
    words: Vec<Scored>,
    lattice: Lattice,
}

/// An n-gram: its autonomy and cohesion in nats.
struct Scored {
    row: Row,
    node: u32,
    autonomy: f64,
    pmi: f64,
}

impl<'e> Model<'e> {
    fn new(evidence: &'e Evidence<'e>, autonomy: Autonomy, context: &Context) -> Result<Self> {
        let autonomies = autonomies(evidence, context)?;
        let mut rows = evidence.rows(|_| true, context);
        rows.extend((0..evidence.table.level(1).len()).map(|row| Row { n: 1, row }));
        rows.sort_unstable_by(|a, b| evidence.gram(*a).cmp(evidence.gram(*b)));
        let trie = Trie::build(rows.len(), |rank| evidence.gram(rows[rank]))?;
        let scored = |row: Row| {
            let node = trie.walk(evidence.gram(row)).unwrap_or(Trie::ROOT);
            let pmi = if row.n > 1 { evidence.cohesion.of(row.n, row.row) } else { 0.0 };
            Scored { row, node, autonomy: autonomies[row.n - 1][row.row], pmi }
        };
        let words = rows.into_iter().map(scored).collect();
        let (weights, pair) = match autonomy {
            Autonomy::Published => (vec![0.0; trie.slots()], f32::NEG_INFINITY),
            Autonomy::Refined => (vec![0.0; trie.slots()], -4.0),
        };
        let unknown = Unknown { single: 0.0, pair, pairs: Vec::new() };
        let mut model = Self { evidence, words, lattice: Lattice { trie, weights, unknown } };
        model.weigh(|word| match autonomy {
            Autonomy::Published => word.autonomy * word.row.n as f64,
            Autonomy::Refined if word.row.n == 1 => word.autonomy,
            Autonomy::Refined => word.autonomy + 1.2 * word.pmi + 6.0,
        });
        Ok(model)
    }

    /// Weighs the words anew by how often they were words, a few times over.
    fn refine(
        &mut self,
        corpus: &EncodedCorpus,
        autonomy: Autonomy,
        context: &Context,
    ) -> Result<()> {
        let rounds = if autonomy == Autonomy::Refined { ROUNDS } else { 0 };
        for round in 0..rounds {
            let used = self.count(corpus, context)?;
            let table = self.evidence.table;
            // Longer sequences get their share only once the single symbols have settled.
            let share = if round == 0 { 0.0 } else { 2.0 };
            self.weigh(|word| {
                let Row { n, row } = word.row;
                let (used, count) = (used.words[word.node as usize], table.level(n).counts[row]);
                let wordhood = ((used as f64 + 0.1) / (count as f64 + 1.0)).ln();
                if n == 1 {
                    return word.autonomy + 2.0 * wordhood;
                }
                let four = if n == 4 { 4.0 } else { 0.0 };
                word.autonomy + 0.6 * word.pmi + 2.0 + share * wordhood + four
            });
        }
        Ok(())
    }

    fn count(&self, corpus: &EncodedCorpus, context: &Context) -> Result<WordCounts> {
        count_words(corpus, &self.lattice, self.evidence.table.symbols.len(), context)
    }

    fn weigh(&mut self, weigh: impl Fn(&Scored) -> f64) {
        for word in &self.words {
            self.lattice.weights[word.node as usize] = single(weigh(word));
        }
    }
}

/// By length less 1, then by row: the rise of branching entropy against the prefix (to the right)
/// and the suffix (to the left), less its mean over all n-grams of the length.
fn autonomies(evidence: &Evidence<'_>, context: &Context) -> Result<Vec<Vec<f64>>> {
    let table = evidence.table;
    let links = Links::new(table, context)?;
    let entropy = |n: usize, row: u32, right: bool| {
        let level = table.level(n);
        match row as usize {
            row if row >= level.len() => 0.0,
            row if right => level.right_entropy(row),
            row => level.left_entropy(row),
        }
    };
    let mut all = Vec::with_capacity(table.order());
    for n in 1..=table.order() {
        context.check()?;
        let rows = u32::try_from(table.level(n).len()).unwrap_or(u32::MAX);
        let rise = |row: u32| {
            let whole = entropy(n, row, true) + entropy(n, row, false);
            if n == 1 {
                return whole;
            }
            let (prefix, suffix) = (links.prefix(n, row), links.suffix(n, row));
            whole - entropy(n - 1, prefix, true) - entropy(n - 1, suffix, false)
        };
        let mut rises: Vec<f64> = (0..rows).map(rise).collect();
        let mean = rises.iter().sum::<f64>() / rises.len().max(1) as f64;
        for rise in &mut rises {
            *rise -= mean;
        }
        all.push(rises);
    }
    Ok(all)
}
