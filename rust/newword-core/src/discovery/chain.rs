//! The chain method: cut with a strong set, backtrack, recount.

use rayon::prelude::*;

use super::cut::{SegmentOptions, count_segments};
use super::long_words::LongRuns;
use super::neighbours::{Gathering, Sides};
use super::options::{DiscoverOptions, Method, Settled, published_pmi};
use super::passes::{ask_long_words, count_segments_of, long_words_of};
use super::score::{Asked, Evidence, Row};
use super::sift::{Candidate, Sieve};
use super::strong_set::StrongSet;
use super::words::{Reason, Summary};
use crate::corpus::{Elsewhere, Gram, Question, Relabelled};
use crate::segmentation::{
    Lattice, UNKNOWN_PAIR, Unknown, WordCounts, count_words_of, count_words_seen, is_one_han,
    single,
};
use crate::support::{Context, Result};
use crate::trie::Trie;

/// What the chain method works on.
pub struct Chains<'c> {
    pub corpus: &'c Relabelled<'c>,
    pub evidence: &'c Evidence<'c>,
    pub options: &'c DiscoverOptions,
    pub settled: &'c Settled,
    pub context: &'c Context,
}

/// A word, and its count.
pub type Counted = (Vec<u32>, u64);

/// What was found of rows that the table has no sums for.
pub type Looked = Vec<(Row, Sides)>;

/// Long words that are looked for.
pub enum LongWords<'c> {
    /// With these thresholds.
    Here(Vec<f64>),
    Elsewhere(&'c Elsewhere<'c>, Question),
}

/// One cut of the corpus.
struct Cut {
    strong: StrongSet,
    /// Single symbols, members and chains, what fails backtracking among them.
    words: Vec<Counted>,
    /// Chains longer than the order that are solid by the published thresholds, if they are sought.
    long: Vec<Counted>,
}

impl Chains<'_> {
    /// Cuts, backtracks, counts anew where that is asked for: the words by their ids, and their
    /// counts; and what the table does not know of their neighbours, if it was found on the way.
    /// Reports rejected candidates to the sieve.
    pub fn words(
        &self,
        sieve: &mut Sieve<'_>,
        summary: &mut Summary,
    ) -> Result<(Vec<Counted>, Option<Looked>)> {
        let cut = self.cut(sieve.explains(), summary)?;
        let Cut { mut words, strong, long } = cut;
        let mut false_chains: Vec<Counted> =
            words.extract_if(.., |(ids, _)| !strong.is_solid(ids)).collect();
        if self.seeks_long_words() {
            words = union(words, long);
            // What is solid by the published thresholds is not rejected by the others.
            false_chains
                .retain(|(ids, _)| words.binary_search_by(|(word, _)| word.cmp(ids)).is_err());
        }
        self.explain(&false_chains, &strong, sieve);
        // Single symbols stay whatever their count, so that they compete in the recount.
        let min_count = self.settled.min_count;
        let rare = |(ids, count): &Counted| ids.len() > 1 && *count < min_count;
        for (mut ids, count) in words.extract_if(.., |word| rare(word)) {
            if sieve.explains() {
                self.corpus.restore(&mut ids);
                let measures = self.evidence.of_word(&ids);
                sieve.propose(&Candidate { ids: &ids, count, measures });
            }
        }
        let mut looked = None;
        if self.options.recount && self.options.method == Method::Chain {
            looked = self.recount(&mut words)?;
        }
        for (ids, _) in &mut words {
            self.corpus.restore(ids);
        }
        Ok((words, looked))
    }

    fn seeks_long_words(&self) -> bool {
        let DiscoverOptions { long_words, method, min_pmi, .. } = self.options;
        *long_words && *method == Method::Chain && min_pmi.is_none()
    }

    fn cut(&self, false_chains: bool, summary: &mut Summary) -> Result<Cut> {
        let Self { settled, corpus, .. } = self;
        let order = settled.order;
        let published = published_pmi(order, self.evidence.table.total);
        let seeks_long_words = self.seeks_long_words();
        // Of the strong set, and of the set that long words are cut with.
        let members = self.members(|pmi, n| {
            let is_long = seeks_long_words && pmi >= published[n - 2];
            let sets = [pmi >= settled.min_pmi[n - 2], is_long];
            sets.contains(&true).then_some(sets)
        });
        let labels = |rank: usize| members[rank].0.labels();
        let is_strong = |rank: usize| members[rank].1[0];
        let long: Vec<&Gram> =
            members.iter().filter(|(_, [_, is_long])| *is_long).map(|(gram, _)| gram).collect();
        let (strong, long) = self.context.pool().join(
            || StrongSet::among(order, members.len(), labels, is_strong),
            || StrongSet::new(order, long.len(), |rank| long[rank].labels()),
        );
        let (strong, long) = (strong?, long?);
        let long = seeks_long_words.then_some(&long);
        let asked = self.asked(false_chains);
        let found = count_segments_of(corpus, &strong, long, asked, self.context)?;
        (summary.segments, summary.false_segments) = (found.segments, found.false_segments);
        summary.overlong = found.overlong;
        summary.strong = vec![0; order];
        for (gram, _) in members.iter().filter(|(_, [is_strong, _])| *is_strong) {
            summary.strong[gram.labels().len() - 1] += 1;
        }
        let mut words: Vec<Counted> = found.chains;
        let singles = (0_u32..).zip(&found.singles).skip(1).filter(|(_, count)| **count > 0);
        words.extend(singles.map(|(label, count)| (vec![label], *count)));
        let counted = |(gram, [is_strong, _]): &(Gram, [bool; 2])| {
            let node = strong.trie().walk(gram.labels()).filter(|_| *is_strong)?;
            let count = found.members[node as usize];
            (count > 0).then(|| (gram.labels().to_vec(), count))
        };
        self.context.pool().install(|| words.par_extend(members.par_iter().filter_map(counted)));
        Ok(Cut { strong, words, long: found.long })
    }

    /// Looks for the words of more than `order` symbols of a cut with these thresholds: elsewhere with the next pass, here
    /// when they are asked for.
    pub fn seek_long_words(&self, min_pmi: &[f64]) -> Result<LongWords<'_>> {
        let Some(elsewhere) = self.corpus.remote() else {
            return Ok(LongWords::Here(min_pmi.to_vec()));
        };
        let (order, keys) = (self.settled.order, self.solid(min_pmi));
        let strong = StrongSet::new(order, keys.len(), |rank| keys[rank].labels())?;
        let windows = keys.iter().map(Gram::labels).filter(|labels| labels.len() == order);
        let question = ask_long_words(elsewhere, &strong, windows, self.settled.min_count);
        Ok(LongWords::Elsewhere(elsewhere, question))
    }

    /// The words that were looked for, by their labels.
    pub fn long_words(&self, sought: LongWords<'_>) -> Result<Vec<Counted>> {
        let order = self.settled.order;
        let min_pmi = match sought {
            LongWords::Here(min_pmi) => min_pmi,
            LongWords::Elsewhere(elsewhere, question) => {
                return long_words_of(elsewhere, &question, self.settled.min_count);
            }
        };
        let keys = self.solid(&min_pmi);
        let strong = StrongSet::new(order, keys.len(), |rank| keys[rank].labels())?;
        let runs = LongRuns::new(self.corpus, order, keys.iter().map(Gram::labels));
        let asked = self.asked(false);
        let mut words = count_segments(&runs, &strong, None, asked, self.context)?.chains;
        words.retain(|(labels, _)| labels.len() > order);
        Ok(words)
    }

    /// The n-grams that reach these thresholds, by their labels, sorted.
    fn solid(&self, min_pmi: &[f64]) -> Vec<Gram> {
        let keys = self.members(|pmi, n| (pmi >= min_pmi[n - 2]).then_some(()));
        keys.into_iter().map(|(gram, ())| gram).collect()
    }

    /// The n-grams that `of` makes something of, by their labels, sorted: it is given cohesion and length.
    fn members<T: Send>(&self, of: impl Fn(f64, usize) -> Option<T> + Sync) -> Vec<(Gram, T)> {
        let Self { evidence, corpus, context, .. } = self;
        let of = |Row { n, row }: Row| of(evidence.cohesion.of(n, row), n);
        let rows = evidence.rows_by_length(|row| of(row).is_some(), context);
        let member = |row: Row| Some((corpus.gram(evidence.gram(row)), of(row)?));
        context.pool().install(|| {
            let mut members: Vec<(Gram, T)> = rows.into_par_iter().filter_map(member).collect();
            members.par_sort_unstable_by(|a, b| a.0.cmp(&b.0));
            members
        })
    }

    fn asked(&self, false_chains: bool) -> SegmentOptions {
        let (largest_id, min_count) = (self.corpus.largest(), self.settled.min_count);
        SegmentOptions { largest_id, min_count, false_chains }
    }

    /// Reports rejected candidates to the sieve: n-grams that are not solid, and longer chains that have such
    /// an n-gram in them.
    fn explain(&self, false_chains: &[Counted], strong: &StrongSet, sieve: &mut Sieve<'_>) {
        if !sieve.explains() {
            return;
        }
        let (evidence, order) = (self.evidence, self.settled.order);
        // Shorter false chains are n-grams and rejected as such.
        for (ids, count) in false_chains.iter().filter(|(ids, _)| ids.len() > order) {
            if let Some(window) = strong.first_gap(ids) {
                let [mut ids, mut window] = [ids, window].map(<[u32]>::to_vec);
                self.corpus.restore(&mut ids);
                self.corpus.restore(&mut window);
                let measures = evidence.of_word(&ids);
                let candidate = Candidate { ids: &ids, count: *count, measures };
                let window = evidence.table.symbols.spell(&window);
                sieve.reject(&candidate, Reason::NotSolid { window, length: order });
            }
        }
        let weak = |row| evidence.pmi_reason(row, self.settled).is_some();
        for row in evidence.rows(weak, self.context) {
            if let Some(reason) = evidence.pmi_reason(row, self.settled) {
                sieve.reject(&Candidate::of_row(evidence, row), reason);
            }
        }
    }

    /// Replaces the counts by those in the most probable segmentation with the words themselves.
    /// Pairs of Han characters that are no words compete and are then forgotten: without them the
    /// single characters would take what belongs to words that were not found.
    ///
    /// Where memory allows, the neighbours that are needed are found in the same pass.
    fn recount(&self, words: &mut Vec<Counted>) -> Result<Option<Looked>> {
        let Self { corpus, evidence, context, .. } = self;
        words.sort_unstable();
        let ids = |(labels, _): &Counted| labels.iter().map(|label| corpus.id(*label)).collect();
        let longer = words.iter().filter(|(labels, _)| labels.len() > 1);
        let longer: Vec<Vec<u32>> = longer.map(ids).collect();
        let asked = evidence.unknown(corpus, &longer, context);
        let Parsed { lattice, nodes, asked: asked_nodes } = self.lattice(words, &asked)?;
        let counts = asked.iter().map(|(_, (_, count))| *count);
        let occurrences: Vec<(u32, u64)> = asked_nodes.into_iter().zip(counts).collect();
        let (slots, largest) = (lattice.trie.slots(), corpus.largest());
        if corpus.remote().is_some() {
            // The table of a text elsewhere knows all neighbours.
            let counts = count_words_of(corpus, &lattice, context)?;
            settle_counts(words, &nodes, &counts);
            return Ok(None);
        }
        let gathering = Gathering::new(&occurrences, slots, evidence.beside(corpus), context);
        let (counts, looked) = match gathering {
            Some(gathering) => {
                let (counts, seen) =
                    count_words_seen(*corpus, &lattice, largest, &gathering, context)?;
                let sides = gathering.finish(seen, context)?;
                let rows = asked.into_iter().map(|(row, _)| row);
                (counts, Some(rows.zip(sides).collect()))
            }
            None => (count_words_seen(*corpus, &lattice, largest, &(), context)?.0, None),
        };
        settle_counts(words, &nodes, &counts);
        Ok(looked)
    }

    /// The lattice of `words`, which are sorted. Its trie has the rows that are asked for besides.
    fn lattice(&self, words: &[Counted], asked: &[Asked]) -> Result<Parsed> {
        let mut keys: Vec<&[u32]> = words.iter().map(|(labels, _)| &labels[..]).collect();
        let others = asked.iter().map(|(_, (labels, _))| &labels[..]);
        let others: Vec<&[u32]> =
            others.filter(|labels| keys.binary_search(labels).is_err()).collect();
        let mut aside: Vec<&[u32]> = Vec::new();
        for labels in &others {
            let leads_on = |labels: &[u32]| {
                let at = keys.partition_point(|key| *key < labels);
                keys.get(at).is_some_and(|key| key.starts_with(labels))
            };
            let prefixes = (1..=labels.len()).map(|length| &labels[..length]);
            aside.extend(prefixes.filter(|prefix| !leads_on(prefix)));
        }
        keys.extend(&others);
        // In order but for the others.
        keys.sort();
        let mut trie = Trie::build(keys.len(), |rank| keys[rank])?;
        let node = |labels: &[u32]| trie.walk(labels).unwrap_or(Trie::ROOT);
        let nodes: Vec<u32> = words.iter().map(|(labels, _)| node(labels)).collect();
        let asked = asked.iter().map(|(_, (labels, _))| node(labels)).collect();
        let aside = aside.into_iter().map(node).collect();
        for other in others.into_iter().map(node).collect::<Vec<u32>>() {
            trie.end_no_key(other);
        }
        let total = words.iter().map(|(_, count)| *count as f64).sum::<f64>().max(1.0);
        let mut weights = vec![0.0; trie.slots()];
        for (node, (_, count)) in nodes.iter().zip(words.iter()) {
            weights[*node as usize] = single((*count as f64 / total).ln());
        }
        let lattice = Lattice::new(trie, weights, self.unknown(total)).with_aside(aside);
        Ok(Parsed { lattice, nodes, asked })
    }

    /// What symbols and pairs weigh that are no words.
    fn unknown(&self, total: f64) -> Unknown {
        let symbols = &self.evidence.table.symbols;
        let labels = 1..=u32::try_from(self.corpus.largest()).unwrap_or(u32::MAX);
        let is_han = |label| is_one_han(symbols.name(self.corpus.id(label)));
        Unknown {
            single: single(-total.ln()),
            pair: single((UNKNOWN_PAIR / total).ln()),
            pairs: [false].into_iter().chain(labels.map(is_han)).collect(),
        }
    }
}

/// A lattice, and the nodes of its words and of the rows that are asked for.
struct Parsed {
    lattice: Lattice,
    nodes: Vec<u32>,
    asked: Vec<u32>,
}

/// Gives words, whose nodes these are, the counts of a segmentation.
fn settle_counts(words: &mut Vec<Counted>, nodes: &[u32], counts: &WordCounts) {
    for (node, (_, count)) in nodes.iter().zip(words.iter_mut()) {
        *count = counts.words[*node as usize];
    }
    // Symbols that always stood in chains, and that no word covers any more.
    let singles = (0_u32..).zip(&counts.singles).filter(|(_, count)| **count > 0);
    words.extend(singles.map(|(label, count)| (vec![label], *count)));
    words.retain(|(_, count)| *count > 0);
}

/// The words of either list, both sorted, with the larger count where both have one.
fn union(words: Vec<Counted>, more: Vec<Counted>) -> Vec<Counted> {
    let mut all = words;
    all.extend(more);
    all.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    all.dedup_by(|next, kept| next.0 == kept.0);
    all
}
