//! The filters shared by all methods, and the order of the result.

use super::kind::{Kind, set_kinds};
use super::options::{DiscoverOptions, Settled, SortBy};
use super::score::{Evidence, Measures, Row};
use super::words::{Discovery, Reason, Rejected, Summary, Word};
use crate::corpus::Symbols;

/// A word that a method proposes.
pub struct Candidate<'c> {
    pub ids: &'c [u32],
    pub count: u64,
    pub measures: Measures,
}

impl<'c> Candidate<'c> {
    /// An n-gram of the table.
    pub fn of_row(evidence: &'c Evidence<'_>, row: Row) -> Self {
        let count = evidence.table.level(row.n).counts[row.row];
        Self { ids: evidence.gram(row), count, measures: evidence.of_row(row) }
    }
}

/// Filters candidates into words and rejected candidates.
pub struct Sieve<'s> {
    symbols: &'s Symbols,
    options: &'s DiscoverOptions,
    settled: &'s Settled,
    words: Vec<Word>,
    rejected: Vec<Rejected>,
    candidates: u64,
}

impl<'s> Sieve<'s> {
    pub fn new(symbols: &'s Symbols, options: &'s DiscoverOptions, settled: &'s Settled) -> Self {
        let (words, rejected) = (Vec::new(), Vec::new());
        Self { symbols, options, settled, words, rejected, candidates: 0 }
    }

    /// Whether the caller asked for the rejected candidates.
    pub fn explains(&self) -> bool {
        self.options.rejected > 0
    }

    /// Takes a candidate that passed the method's own rules.
    pub fn propose(&mut self, candidate: &Candidate<'_>) {
        self.propose_as(candidate, Kind::Word);
    }

    /// The same for a candidate of a kind that the method knows.
    pub fn propose_as(&mut self, candidate: &Candidate<'_>, kind: Kind) {
        if candidate.count < self.settled.min_count {
            let reason = Reason::Count { count: candidate.count, min: self.settled.min_count };
            return self.reject(candidate, reason);
        }
        self.candidates += 1;
        let text = self.symbols.spell(candidate.ids);
        let length = text.chars().count();
        let known = self.options.known.contains(&text);
        if let Some(reason) = self.broken_rule(candidate, &text, length, known) {
            return self.reject(candidate, reason);
        }
        let Measures { pmi, left_entropy, right_entropy } = candidate.measures;
        let (count, score) = (candidate.count, candidate.measures.score());
        let word =
            Word { text, count, length, pmi, left_entropy, right_entropy, score, known, kind };
        self.words.push(word);
    }

    /// Takes a candidate that broke a rule of the method's own.
    pub fn reject(&mut self, candidate: &Candidate<'_>, reason: Reason) {
        if !self.explains() {
            return;
        }
        let Measures { pmi, left_entropy, right_entropy } = candidate.measures;
        let text = self.symbols.spell(candidate.ids);
        let count = candidate.count;
        let one = Rejected { text, count, pmi, left_entropy, right_entropy, reason };
        self.rejected.push(one);
        // Twice what is wanted at most, so that the search for the most frequent stays linear.
        if self.rejected.len() / 2 > self.options.rejected {
            self.trim_rejected();
        }
    }

    /// The words and the most frequent of the others, in their order.
    pub fn finish(mut self, mut summary: Summary) -> Discovery {
        match self.options.sort_by {
            SortBy::Count => self
                .words
                .sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text))),
            SortBy::Score => self.words.sort_unstable_by(|a, b| {
                let by_count = || b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text));
                b.score.total_cmp(&a.score).then_with(by_count)
            }),
        }
        set_kinds(&mut self.words);
        self.trim_rejected();
        summary.candidates = self.candidates;
        summary.words = self.words.len() as u64;
        Discovery { words: self.words, summary, rejected: self.rejected }
    }

    fn trim_rejected(&mut self) {
        self.rejected
            .sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text)));
        self.rejected.truncate(self.options.rejected);
    }

    fn broken_rule(
        &self,
        candidate: &Candidate<'_>,
        text: &str,
        length: usize,
        known: bool,
    ) -> Option<Reason> {
        let options = self.options;
        if length < options.min_length {
            return Some(Reason::TooShort { length, min: options.min_length });
        }
        if let Some(max) = options.max_length.filter(|max| length > *max) {
            return Some(Reason::TooLong { length, max });
        }
        if length > 1 && !options.edge_stops.is_empty() {
            let ends = [text.chars().next(), text.chars().next_back()];
            let stop = ends.into_iter().flatten().find(|end| options.edge_stops.contains(end));
            if let Some(character) = stop {
                return Some(Reason::Edge { character });
            }
        }
        if candidate.ids.len() > 1
            && let Some(reason) = candidate.measures.entropy_reason(self.settled.min_entropy)
        {
            return Some(reason);
        }
        (known && options.drop_known).then_some(Reason::Known)
    }
}
