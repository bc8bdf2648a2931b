//! The combined method: the words of an unsupervised segmentation, and long chains among them.
//!
//! The segmentation knows no word of more than `order` symbols, the chains do. Both propose phrases of
//! frequent words (会将, 情况的汇报). A candidate is a word where it is far more frequent than the words of
//! its likeliest cut would stand side by side by chance (普拉博沃, 资源配置枢纽); a last segmentation goes on without the
//! others.

use rayon::prelude::*;

use super::chain::{Chains, LongWords};
use super::kind::Kind;
use super::options::published_pmi;
use super::score::{Evidence, Row};
use super::sift::{Candidate, Sieve};
use super::words::{Reason, Summary};
use crate::ngram::Links;
use crate::segmentation::unsupervised::{
    BestCut, LEAD, LongWord, Model, PHRASE_LEAD, UnsupervisedMethod,
};
use crate::support::Result;

impl Chains<'_> {
    /// Proposes the words of the segmentation that n-grams and long chains lead to.
    ///
    /// # Errors
    /// Reading the corpus failed; [`Error::Memory`](crate::support::Error::Memory);
    /// [`Error::Cancelled`](crate::support::Error::Cancelled).
    pub fn propose_combined(
        &self,
        links: &Links,
        sieve: &mut Sieve<'_>,
        summary: &mut Summary,
    ) -> Result<()> {
        let Self { corpus, evidence, context, .. } = self;
        let Evidence { table, cohesion, .. } = evidence;
        // They do not depend on the segmentation, so that one pass may do for both.
        let long = self.options.long_words.then(|| self.seek_long_words(&self.long_pmi()));
        let long = long.transpose()?;
        let method = UnsupervisedMethod::Reestimated;
        let mut model = Model::new(table, links, cohesion, method, context)?;
        model.estimate(corpus, 0, context)?;
        let explained = model.explained(LEAD, context);
        if sieve.explains() {
            self.reject_explained(&model, |row| is_set(&explained, row), sieve);
        }
        let long = self.unexplained(&model, long, sieve)?;
        let counts = model.conclude(corpus, &long, &self.excluded(&explained), context)?;
        summary.segments = model.segments() + counts.iter().sum::<u64>();
        let (after, phrases) =
            (model.explained(LEAD, context), model.explained(PHRASE_LEAD, context));
        for (n, row, count) in model.used() {
            let row = Row { n, row };
            if !is_set(&explained, row) && !is_set(&after, row) {
                let candidate = Candidate { count, ..Candidate::of_row(evidence, row) };
                let kind = if is_set(&phrases, row) { Kind::Phrase } else { Kind::Word };
                self.propose_unexplained(&candidate, kind, sieve);
            }
        }
        for (LongWord { ids, .. }, count) in long.iter().zip(counts).filter(|(_, count)| *count > 0)
        {
            let candidate = Candidate { ids, count, measures: evidence.of_word(ids) };
            self.propose_unexplained(&candidate, Kind::Word, sieve);
        }
        if sieve.explains() {
            self.reject_explained(
                &model,
                |row| is_set(&after, row) && !is_set(&explained, row),
                sieve,
            );
            self.reject_unused(&model, &explained, sieve);
        }
        Ok(())
    }

    /// Proposes what reaches the thresholds that are given.
    fn propose_unexplained(&self, candidate: &Candidate<'_>, kind: Kind, sieve: &mut Sieve<'_>) {
        match self.pmi_reason(candidate.ids.len(), candidate.measures.pmi) {
            Some(reason) => sieve.reject(candidate, reason),
            None => sieve.propose_as(candidate, kind),
        }
    }

    /// The given threshold that a cohesion does not reach; without any, the segmentation decides alone.
    fn pmi_reason(&self, length: usize, pmi: f64) -> Option<Reason> {
        self.options.min_pmi.as_ref()?;
        let place = self.settled.order.min(length).checked_sub(2)?;
        let min = *self.settled.min_pmi.get(place)?;
        (pmi < min).then_some(Reason::Pmi { pmi, min, length })
    }

    /// The thresholds of long words.
    fn long_pmi(&self) -> Vec<f64> {
        let published = published_pmi(self.settled.order, self.evidence.table.total);
        self.options.min_pmi.as_ref().map_or(published, |_| self.settled.min_pmi.clone())
    }

    /// The long chains that no cut into shorter words explains.
    fn unexplained(
        &self,
        model: &Model<'_>,
        sought: Option<LongWords<'_>>,
        sieve: &mut Sieve<'_>,
    ) -> Result<Vec<LongWord>> {
        let (order, evidence) = (self.settled.order, self.evidence);
        let min_pmi = self.long_pmi();
        let mut long = Vec::new();
        let Some(sought) = sought else { return Ok(long) };
        for (mut ids, count) in self.long_words(sought)? {
            self.corpus.restore(&mut ids);
            let cut = model.likeliest_cut(&ids);
            let lead = (count as f64 / model.segments() as f64).ln() - cut.weight;
            // The threshold of an n-gram holds for each joint between the words of the cut.
            let min = min_pmi[order - 2] * (cut.ends.len().max(2) - 1) as f64;
            if lead >= min {
                long.push(LongWord { ids, lead });
            } else if sieve.explains() {
                let candidate = Candidate { ids: &ids, count, measures: evidence.of_word(&ids) };
                sieve.reject(&candidate, self.explanation(&ids, &cut, lead, min));
            }
        }
        Ok(long)
    }

    fn explanation(&self, ids: &[u32], cut: &BestCut, pmi: f64, min: f64) -> Reason {
        let starts = [0].into_iter().chain(cut.ends.iter().copied());
        let parts = starts.zip(&cut.ends).map(|(start, end)| &ids[start..*end]);
        let parts = parts.map(|part| self.evidence.table.symbols.spell(part)).collect();
        Reason::Explained { parts, pmi, min }
    }

    /// The n-grams that the last segmentation goes on without: those that are explained, and those that break
    /// a rule, so that the words they are parts of are found (云棉 depends on its neighbour in 云棉纸).
    fn excluded(&self, explained: &[Vec<bool>]) -> Vec<Vec<bool>> {
        let of_level = |(n, explained): (usize, &Vec<bool>)| {
            let rows = explained.par_iter().enumerate();
            let breaks = |row: usize| n > 1 && self.broken_rule(Row { n, row }).is_some();
            rows.map(|(row, explained)| *explained || breaks(row)).collect()
        };
        self.context.pool().install(|| (1..).zip(explained).map(of_level).collect())
    }

    fn broken_rule(&self, row: Row) -> Option<Reason> {
        let measures = self.evidence.of_row(row);
        let too_loose = self.pmi_reason(row.n, measures.pmi);
        too_loose.or_else(|| measures.entropy_reason(self.settled.min_entropy))
    }

    /// Reports n-grams that a cut into shorter words explains.
    fn reject_explained(
        &self,
        model: &Model<'_>,
        told: impl Fn(Row) -> bool + Sync,
        sieve: &mut Sieve<'_>,
    ) {
        let evidence = self.evidence;
        for row in evidence.rows(told, self.context) {
            let candidate = Candidate::of_row(evidence, row);
            let cut = model.likeliest_cut(candidate.ids);
            let pmi = model.log_share(candidate.ids).unwrap_or(cut.weight) - cut.weight;
            sieve.reject(&candidate, self.explanation(candidate.ids, &cut, pmi, LEAD));
        }
    }

    /// Reports the others that were no word in the segmentation.
    fn reject_unused(&self, model: &Model<'_>, explained: &[Vec<bool>], sieve: &mut Sieve<'_>) {
        let evidence = self.evidence;
        let unused =
            |row: Row| !is_set(explained, row) && model.log_share(evidence.gram(row)).is_none();
        for row in evidence.rows(unused, self.context) {
            let unused = Reason::Count { count: 0, min: self.settled.min_count };
            let reason = self.broken_rule(row).unwrap_or(unused);
            sieve.reject(&Candidate::of_row(evidence, row), reason);
        }
    }
}

fn is_set(rows: &[Vec<bool>], Row { n, row }: Row) -> bool {
    rows[n - 1][row]
}
