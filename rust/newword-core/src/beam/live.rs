//! The live hypotheses of one beam, and their next step.
//!
//! A step is planned for the whole batch before anything changes. An error therefore leaves every source as it
//! was.

use super::candidates::{Candidate, Chosen, Top, extend, index};
use super::constraints::{Constraints, Place, Vocabulary};
use super::element::Element;
use super::history::{History, ROOT};
use super::penalty::Scoring;
use super::pool::{Hypothesis, Pool};
use super::scores::Scores;
use super::token_trie::TokenTrie;
use crate::support::Result;

/// The tokens that the caller allows after each hypothesis, ascending; empty if the caller allows all.
pub(super) type Listed<'a> = &'a [Option<Vec<i32>>];

/// A hypothesis that has not ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Live {
    pub(super) node: u32,
    pub(super) log_prob: f64,
    /// The node of the trie; the root if there is none.
    state: u32,
}

/// Hypotheses of equal length, the best first.
#[derive(Debug, Clone)]
pub(super) struct Beam {
    source: usize,
    /// Whether the last token is generated first.
    reversed: bool,
    pub(super) live: Vec<Live>,
    history: History,
    /// The number of tokens of each live hypothesis.
    steps: usize,
}

/// The outcome of one step of a beam.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The hypotheses that continue, the best first.
    pub(super) next: Vec<Candidate>,
    /// The hypotheses that end, the best first.
    pub(super) ended: Vec<Candidate>,
    /// Whether n-grams may be repeated, because no other token may follow.
    pub(super) repeat: bool,
}

impl Plan {
    pub(super) fn is_empty(&self) -> bool {
        self.next.is_empty() && self.ended.is_empty()
    }
}

/// All that a step depends on, apart from the hypotheses.
pub(super) struct Input<'a, E> {
    pub(super) constraints: &'a Constraints,
    pub(super) vocabulary: &'a Vocabulary,
    pub(super) scores: Scores<'a, E>,
    /// The number of hypotheses that may continue.
    pub(super) width: usize,
    pub(super) chosen: Chosen,
    pub(super) listed: Listed<'a>,
}

impl Beam {
    /// A beam with one empty hypothesis.
    pub(super) fn new(source: usize, reversed: bool) -> Self {
        let live = vec![Live { node: ROOT, log_prob: 0.0, state: TokenTrie::ROOT }];
        Self { source, reversed, live, history: History::new(), steps: 0 }
    }

    pub(super) fn place<'a>(&'a self, slot: usize, listed: Listed<'a>) -> Place<'a> {
        let Live { node, state, .. } = self.live[slot];
        let listed = listed.get(slot).and_then(Option::as_deref);
        let (source, step, history) = (self.source, self.steps + 1, &self.history);
        Place { source, step, history, node, state, listed }
    }

    /// The step that the constraints allow; empty if there is none. Where every continuation repeats an n-gram,
    /// repetitions are allowed.
    pub(super) fn plan<E: Element>(&self, input: &Input<'_, E>) -> Result<Plan> {
        let plan = self.attempt(input, false)?;
        if !plan.is_empty() || self.live.is_empty() || input.constraints.no_repeat == 0 {
            return Ok(plan);
        }
        let plan = self.attempt(input, true)?;
        Ok(Plan { repeat: true, ..plan })
    }

    fn attempt<E: Element>(&self, input: &Input<'_, E>, repeat: bool) -> Result<Plan> {
        let &Input { constraints, vocabulary, scores, width, ref chosen, listed } = input;
        let mut top = Top::new(width);
        let mut ends = vec![];
        for (slot, live) in self.live.iter().enumerate() {
            let choices = constraints.choices(&self.place(slot, listed), repeat);
            extend(&scores, slot, live.log_prob, &choices, vocabulary, chosen, &mut top)?;
            for token in choices.ends {
                let log_prob = scores.value(slot, index(token));
                let sum = live.log_prob + log_prob;
                if sum > f64::NEG_INFINITY {
                    ends.push(Candidate { rank: sum, sum, log_prob, slot, token });
                }
            }
        }
        Ok(merge(top.best, ends, width))
    }

    /// Takes a step. The hypotheses that end go to the pool.
    pub(super) fn take(
        &mut self,
        plan: Plan,
        constraints: &Constraints,
        scoring: Scoring,
        pool: &mut Pool,
    ) {
        let step = self.steps + 1;
        for end in plan.ended {
            let score = scoring.finished(end.sum, step);
            if pool.accepts(score) {
                let mut hypothesis = self.hypothesis(self.live[end.slot], score);
                hypothesis.log_prob = end.sum;
                hypothesis.token_log_probs.push(end.log_prob);
                hypothesis.finished = true;
                pool.offer(hypothesis);
            }
        }
        let trie = constraints.trie(self.source);
        let next = plan.next.into_iter().map(|next| {
            let parent = self.live[next.slot];
            let state = trie.and_then(|trie| trie.next(parent.state, next.token));
            let node = self.history.push(parent.node, next.token, next.log_prob);
            Live { node, log_prob: next.sum, state: state.unwrap_or(TokenTrie::ROOT) }
        });
        self.live = next.collect();
        self.steps = step;
        self.history.compact(self.live.iter_mut().map(|live| &mut live.node));
    }

    /// Whether the results of this beam can no longer improve.
    pub(super) fn is_done(
        &self,
        constraints: &Constraints,
        scoring: Scoring,
        early_stopping: bool,
        pool: &Pool,
    ) -> bool {
        let full = self.steps >= constraints.max_length(self.source);
        let bound = || self.bound(constraints, scoring);
        self.live.is_empty()
            || full
            || (early_stopping && pool.worst().is_some_and(|worst| worst >= bound()))
    }

    /// An upper bound on the score of every hypothesis that may still end.
    fn bound(&self, constraints: &Constraints, scoring: Scoring) -> f64 {
        let latest = constraints.max_length(self.source);
        let earliest = (self.steps + 1).max(constraints.min_length(self.source));
        let best = self.live.iter().map(|live| live.log_prob).fold(f64::NEG_INFINITY, f64::max);
        scoring.bound(best, earliest, latest)
    }

    /// The tokens of a live hypothesis in the order of generation.
    pub(super) fn tokens(&self, slot: usize) -> Vec<i32> {
        self.history.path(self.live[slot].node).0
    }

    /// The live hypotheses as results.
    pub(super) fn unfinished(&self, scoring: Scoring) -> impl Iterator<Item = Hypothesis> {
        self.live
            .iter()
            .map(move |live| self.hypothesis(*live, scoring.unfinished(live.log_prob, self.steps)))
    }

    fn hypothesis(&self, live: Live, score: f64) -> Hypothesis {
        let (mut tokens, mut token_log_probs) = self.history.path(live.node);
        if self.reversed {
            tokens.reverse();
            token_log_probs.reverse();
        }
        let (log_prob, reversed) = (live.log_prob, self.reversed);
        Hypothesis { tokens, token_log_probs, log_prob, score, reversed, ..Hypothesis::default() }
    }
}

/// Ranks continuations and ends together. Ends among the best `width` candidates become results; the beam keeps
/// the best continuations, however many ends there are.
fn merge(next: Vec<Candidate>, ends: Vec<Candidate>, width: usize) -> Plan {
    let mut all: Vec<_> = next.into_iter().map(|candidate| (candidate, false)).collect();
    all.extend(ends.into_iter().map(|candidate| (candidate, true)));
    all.sort_by(|(a, _), (b, _)| a.order(b));
    let mut plan = Plan::default();
    for (place, (candidate, ends)) in all.into_iter().enumerate() {
        if !ends {
            plan.next.push(candidate);
        } else if place < width {
            plan.ended.push(candidate);
        }
    }
    plan
}
