//! The chain method: cut with a strong set, backtrack, count anew.

use super::chain::StrongSet;
use super::discover::of_row;
use super::evidence::{Evidence, Row};
use super::options::{DiscoverOptions, Method, Settled, published_pmi};
use super::recount::count_words;
use super::segment::{Lattice, UNKNOWN_PAIR, Unknown, is_one_han, single};
use super::segments::{SegmentOptions, count_segments};
use super::sieve::{Candidate, Sieve};
use super::trie::Trie;
use super::words::{Reason, Summary};
use crate::corpus::EncodedCorpus;
use crate::support::{Context, Result};

/// What the chain method works on.
pub struct Chains<'c> {
    pub corpus: &'c EncodedCorpus,
    pub evidence: &'c Evidence<'c>,
    pub options: &'c DiscoverOptions,
    pub settled: &'c Settled,
    pub context: &'c Context,
}

/// A word by its ids, and its count.
type Counted = (Vec<u32>, u64);

/// One cut of the corpus.
struct Cut {
    strong: StrongSet,
    /// Single symbols, members and chains, sorted by ids; what fails backtracking among them.
    words: Vec<Counted>,
}

impl Chains<'_> {
    /// Cuts, backtracks, counts anew where that is asked for, and proposes the words.
    pub fn propose(&self, sieve: &mut Sieve<'_>, summary: &mut Summary) -> Result<()> {
        let cut = self.cut(&self.settled.min_pmi, sieve.explains(), summary)?;
        self.explain(&cut, sieve);
        let Cut { mut words, strong, .. } = cut;
        words.retain(|(ids, _)| strong.is_solid(ids));
        if self.options.long_words && self.options.method == Method::Chain {
            let published = published_pmi(self.settled.order);
            let more = self.cut(&published, false, &mut Summary::default())?;
            words = union(words, more.words);
        }
        // Single symbols stay whatever their count, so that they compete in the recount.
        let min_count = self.settled.min_count;
        let rare = |(ids, count): &Counted| ids.len() > 1 && *count < min_count;
        for (ids, count) in words.extract_if(.., |word| rare(word)) {
            let measures = self.evidence.of_word(&ids);
            sieve.propose(&Candidate { ids: &ids, count, measures });
        }
        if self.options.recount && self.options.method == Method::Chain {
            self.recount(&mut words)?;
        }
        for (ids, count) in &words {
            let measures = self.evidence.of_word(ids);
            sieve.propose(&Candidate { ids, count: *count, measures });
        }
        Ok(())
    }

    fn cut(&self, min_pmi: &[f64], false_chains: bool, summary: &mut Summary) -> Result<Cut> {
        let Self { evidence, settled, .. } = self;
        let solid = |Row { n, row }| evidence.cohesion.of(n, row) >= min_pmi[n - 2];
        let members = evidence.rows(solid, self.context);
        summary.strong = vec![0; settled.order];
        for member in &members {
            summary.strong[member.n - 1] += 1;
        }
        let member = |rank: usize| evidence.gram(members[rank]);
        let strong = StrongSet::new(settled.order, members.len(), member)?;
        let largest_id = self.corpus.symbols().len();
        let asked = SegmentOptions { largest_id, min_count: settled.min_count, false_chains };
        let found = count_segments(self.corpus, &strong, asked, self.context)?;
        (summary.segments, summary.false_segments) = (found.segments, found.false_segments);
        summary.overlong = found.overlong;
        let mut words: Vec<Counted> = found.chains;
        let singles = (0_u32..).zip(&found.singles).skip(1);
        words.extend(singles.map(|(id, count)| (vec![id], *count)));
        for row in &members {
            let ids = evidence.gram(*row);
            let node = strong.trie().walk(ids).unwrap_or(Trie::ROOT);
            words.push((ids.to_vec(), found.members[node as usize]));
        }
        words.retain(|(_, count)| *count > 0);
        words.sort_unstable();
        Ok(Cut { strong, words })
    }

    /// Tells the sieve what was turned down: n-grams that are not solid, and longer chains that
    /// have such an n-gram in them.
    fn explain(&self, cut: &Cut, sieve: &mut Sieve<'_>) {
        if !sieve.explains() {
            return;
        }
        let (evidence, order) = (self.evidence, self.settled.order);
        // Shorter false chains are n-grams and turned down as such.
        for (ids, count) in cut.words.iter().filter(|(ids, _)| ids.len() > order) {
            if let Some(window) = cut.strong.first_gap(ids) {
                let candidate = Candidate { ids, count: *count, measures: evidence.of_word(ids) };
                let window = evidence.table.symbols.spell(window);
                sieve.reject(&candidate, Reason::NotSolid { window, length: order });
            }
        }
        let weak = |row| evidence.pmi_reason(row, self.settled).is_some();
        for row in evidence.rows(weak, self.context) {
            if let Some(reason) = evidence.pmi_reason(row, self.settled) {
                sieve.reject(&of_row(evidence, row), reason);
            }
        }
    }

    /// Replaces the counts by those in the most probable segmentation with the words themselves.
    /// Pairs of Han characters that are no words compete and are then forgotten: without them the
    /// single characters would take what belongs to words that were not found.
    fn recount(&self, words: &mut [Counted]) -> Result<()> {
        let trie = Trie::build(words.len(), |rank| &words[rank].0)?;
        let total: f64 = words.iter().map(|(_, count)| *count as f64).sum();
        let mut weights = vec![0.0; trie.slots()];
        let nodes: Vec<u32> =
            words.iter().map(|(ids, _)| trie.walk(ids).unwrap_or(Trie::ROOT)).collect();
        for (node, (_, count)) in nodes.iter().zip(words.iter()) {
            weights[*node as usize] = single((*count as f64 / total).ln());
        }
        let symbols = self.corpus.symbols();
        let largest_id = symbols.len();
        let ids = 1..=u32::try_from(largest_id).unwrap_or(u32::MAX);
        let unknown = Unknown {
            single: single(-total.ln()),
            pair: single((UNKNOWN_PAIR / total).ln()),
            pairs: [false].into_iter().chain(ids.map(|id| is_one_han(symbols.name(id)))).collect(),
        };
        let lattice = Lattice { trie, weights, unknown };
        let counts = count_words(self.corpus, &lattice, largest_id, self.context)?;
        for (node, (ids, count)) in nodes.into_iter().zip(words) {
            *count = counts.words[node as usize];
            if let [id] = ids[..] {
                *count += counts.singles[id as usize];
            }
        }
        Ok(())
    }
}

/// The words of either list, both sorted, with the larger count where both have one.
fn union(words: Vec<Counted>, more: Vec<Counted>) -> Vec<Counted> {
    let mut all = words;
    all.extend(more);
    all.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
    all.dedup_by(|next, kept| next.0 == kept.0);
    all
}
