//! Synchronous bidirectional beam search: one beam from left to right, one from right to left, each scored by a
//! model that sees the other.
//!
//! Methods: Su Jianlin, kexue.fm/archives/6877 (average); Zhou, Zhang and Zong, "Synchronous bidirectional
//! neural machine translation" (2019; pairs of equal rank).

use super::candidates::Chosen;
use super::checks::{check_rows, dead_end, no_more_rows, positive};
use super::constraints::{Constraints, Vocabulary};
use super::element::Element;
use super::live::{Beam, Input, Plan};
use super::penalty::{LengthPenalty, Scoring};
use super::pool::{Hypothesis, Pool, best};
use super::rows::Step;
use super::scores::Scores;
use crate::support::{Result, Workers};

/// The hypotheses of the other direction with which a hypothesis is scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pairing {
    /// All of them; probabilities are averaged.
    Average,
    /// The one of the same rank.
    Paired,
}

/// The options of a bidirectional search.
#[derive(Debug, Clone)]
pub struct BidirectionalOptions {
    /// The number of sources.
    pub batch: usize,
    /// The number of live hypotheses for each source in each direction.
    pub beams: usize,
    /// The number of results for each source.
    pub n_best: usize,
    /// The hypotheses of the other direction that count.
    pub pairing: Pairing,
    /// The length penalty.
    pub penalty: LengthPenalty,
    /// Whether the end token counts in the length of the penalty.
    pub count_end: bool,
    /// Whether a source is finished as soon as its results can no longer improve.
    pub early_stopping: bool,
    /// The constraints from left to right and from right to left.
    pub constraints: [Constraints; 2],
}

impl BidirectionalOptions {
    fn check(&self) -> Result<()> {
        positive("batch", self.batch)?;
        positive("beams", self.beams)?;
        positive("n_best", self.n_best)?;
        no_more_rows("times beams times beams", [self.batch, self.beams, self.beams])?;
        self.penalty.check()?;
        self.constraints.iter().try_for_each(|constraints| constraints.check(self.batch))
    }

    fn scoring(&self) -> Scoring {
        Scoring { penalty: self.penalty, count_end: self.count_end }
    }

    /// The number of rows for each hypothesis.
    fn stride(&self) -> usize {
        if self.pairing == Pairing::Average { self.beams } else { 1 }
    }
}

/// The names of the two arrays of scores.
const ARGUMENTS: [&str; 2] = ["forward", "backward"];

/// Both beams of a source and their common results.
#[derive(Debug, Clone)]
struct Source {
    beams: [Beam; 2],
    /// The number of hypotheses of each direction that the other one sees: its live ones, or those it had last.
    seen: [usize; 2],
    pool: Pool,
    finished: bool,
}

/// A bidirectional search in progress.
///
/// Rows of both directions are numbered as in [`BeamSearch`](super::BeamSearch). Slots without a hypothesis
/// repeat the last one, so every rank has a partner in the other direction. Where a direction has none left, its
/// rows stay as they are, and the other direction is scored with those it had last.
pub struct BidirectionalBeamSearch {
    options: BidirectionalOptions,
    vocabularies: Option<[Vocabulary; 2]>,
    sources: Vec<Source>,
    steps: usize,
}

impl BidirectionalBeamSearch {
    /// A search before its first step.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::support::Error::InvalidArgument) names the option that breaks its
    /// rule.
    pub fn new(options: BidirectionalOptions) -> Result<Self> {
        options.check()?;
        let source = |number| Source {
            beams: [Beam::new(number, false), Beam::new(number, true)],
            seen: [1, 1],
            pool: Pool::new(options.n_best),
            finished: false,
        };
        let sources = (0..options.batch).map(source).collect();
        Ok(Self { options, vocabularies: None, sources, steps: 0 })
    }

    /// Takes a step in both directions. With [`Pairing::Average`] scores have the shape (batch × own beams ×
    /// other beams, vocabulary), with [`Pairing::Paired`] (batch × beams, vocabulary). In the first step
    /// (batch, vocabulary) is enough, and parents are then sources. `sizes` are those of the vocabularies.
    ///
    /// # Errors
    /// As [`BeamSearch::step`](super::BeamSearch::step).
    pub fn step<E: Element>(
        &mut self,
        scores: [&[E]; 2],
        rows: [usize; 2],
        sizes: [usize; 2],
        workers: &Workers<'_>,
    ) -> Result<[Step; 2]> {
        let BidirectionalOptions { batch, beams, ref constraints, .. } = self.options;
        let expected = batch * beams * self.options.stride();
        let first = (self.steps == 0).then_some(batch);
        let vocabulary = |side: usize| {
            let (argument, shape) = (ARGUMENTS[side], [rows[side], sizes[side]]);
            check_rows(argument, scores[side], shape, expected, first)?;
            let known = self.vocabularies.as_ref().map(|known| &known[side]);
            Vocabulary::of_step(argument, known, &constraints[side], sizes[side])
        };
        let vocabularies = [vocabulary(0)?, vocabulary(1)?];
        let own = rows.map(|rows| rows / batch);
        let plans = workers.map((0..batch).collect(), |source| {
            self.plan(source, &vocabularies, scores, own.map(|own| source * own))
        })?;
        self.vocabularies = Some(vocabularies);
        self.steps += 1;
        Ok(self.take(plans, own))
    }

    fn plan<E: Element>(
        &self,
        number: usize,
        vocabularies: &[Vocabulary; 2],
        scores: [&[E]; 2],
        base: [usize; 2],
    ) -> Result<[Plan; 2]> {
        let source = &self.sources[number];
        let mut plans = [Plan::default(), Plan::default()];
        if source.finished {
            return Ok(plans);
        }
        for side in 0..2 {
            let seen = source.seen[1 - side];
            let input = Input {
                constraints: &self.options.constraints[side],
                vocabulary: &vocabularies[side],
                scores: Scores {
                    argument: ARGUMENTS[side],
                    values: scores[side],
                    vocabulary: vocabularies[side].size,
                    base: base[side],
                    stride: self.options.stride(),
                    averaged: if self.options.pairing == Pairing::Average { seen } else { 1 },
                    cap: if self.options.early_stopping { 0.0 } else { f64::INFINITY },
                },
                width: self.options.beams,
                chosen: Chosen::default(),
                listed: &[],
            };
            plans[side] = source.beams[side].plan(&input)?;
        }
        if plans.iter().all(Plan::is_empty) && source.pool.is_empty() {
            return Err(dead_end(ARGUMENTS[0], number, self.steps + 1));
        }
        Ok(plans)
    }

    fn take(&mut self, plans: Vec<[Plan; 2]>, own: [usize; 2]) -> [Step; 2] {
        let BidirectionalOptions { batch, beams, ref constraints, .. } = self.options;
        let scoring = self.options.scoring();
        let mut steps = [Step::with_capacity(batch * beams), Step::with_capacity(batch * beams)];
        for (number, (source, plans)) in self.sources.iter_mut().zip(plans).enumerate() {
            let start = steps[0].len();
            // After a first step with one row for each source, parents are sources.
            let row = |side: usize, slot| match own[side] {
                1 if self.steps == 1 => number,
                _ => number * beams + slot,
            };
            // A finished source keeps its hypotheses, and has empty plans.
            let open = if source.finished { 0 } else { 2 };
            for (side, plan) in plans.into_iter().enumerate().take(open) {
                let last = plan.next.last().copied();
                let pad = constraints[side].pad_token;
                let fill = |slot| match last {
                    Some(last) => (row(side, last.slot), last.token),
                    None => (row(side, slot), pad),
                };
                steps[side].push(&plan.next, beams, |slot| row(side, slot), fill);
                if last.is_some() {
                    source.seen[side] = plan.next.len();
                }
                source.beams[side].take(plan, &constraints[side], scoring, &mut source.pool);
            }
            source.finished = source.finished || source.is_done(&self.options);
            if source.finished {
                for (side, step) in steps.iter_mut().enumerate() {
                    let pad = constraints[side].pad_token;
                    step.finish(start, beams, |slot| row(side, slot), pad);
                }
            }
        }
        steps
    }

    /// Whether each source is finished, (batch,).
    pub fn finished(&self) -> Vec<bool> {
        self.sources.iter().map(|source| source.finished).collect()
    }

    /// The number of steps taken.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The best hypotheses of each source, at most `n_best`, no two with the same tokens: finished ones of
    /// either direction, the best first, then unfinished ones if there are too few. Of equal ones that from left
    /// to right comes first. Available after any number of steps.
    pub fn results(&self) -> Vec<Vec<Hypothesis>> {
        let scoring = self.options.scoring();
        let of_source = |source: &Source| {
            let unfinished = source.beams.iter().flat_map(|beam| beam.unfinished(scoring));
            let all = source.pool.hypotheses().iter().cloned().chain(unfinished);
            best(all.collect(), self.options.n_best)
        };
        self.sources.iter().map(of_source).collect()
    }
}

impl Source {
    /// Whether neither direction can improve the results.
    fn is_done(&self, options: &BidirectionalOptions) -> bool {
        let scoring = options.scoring();
        self.beams.iter().zip(&options.constraints).all(|(beam, constraints)| {
            beam.is_done(constraints, scoring, options.early_stopping, &self.pool)
        })
    }
}
