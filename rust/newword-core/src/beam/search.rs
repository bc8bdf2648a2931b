//! Beam search over a batch: the caller's model scores rows, the search chooses how they continue.

use super::candidates::Chosen;
use super::checks::{check_listed, check_rows, dead_end, no_more_rows, positive};
use super::constraints::{Constraints, Vocabulary};
use super::element::Element;
use super::live::{Beam, Input, Listed, Plan};
use super::penalty::{LengthPenalty, Scoring};
use super::pool::{Hypothesis, Pool, best};
use super::rows::Step;
use super::scores::Scores;
use crate::support::{Error, Result, Workers};

/// The options of a beam search.
#[derive(Debug, Clone)]
pub struct BeamOptions {
    /// The number of sources.
    pub batch: usize,
    /// The number of live hypotheses for each source.
    pub beams: usize,
    /// The number of groups into which the hypotheses of a source are divided.
    pub groups: usize,
    /// The penalty for each earlier group that chose the same token in the same step.
    pub diversity: f64,
    /// The number of results for each source.
    pub n_best: usize,
    /// The length penalty.
    pub penalty: LengthPenalty,
    /// Whether the end token counts in the length of the penalty.
    pub count_end: bool,
    /// Whether a source is finished as soon as its results can no longer improve.
    pub early_stopping: bool,
    /// The constraints on sequences.
    pub constraints: Constraints,
}

impl BeamOptions {
    fn check(&self) -> Result<()> {
        let arguments = [("batch", self.batch), ("beams", self.beams), ("n_best", self.n_best)];
        for (argument, value) in arguments.into_iter().chain([("groups", self.groups)]) {
            positive(argument, value)?;
        }
        no_more_rows("times beams", [self.batch, self.beams, 1])?;
        if !self.beams.is_multiple_of(self.groups) {
            let rule = format!("must divide beams, {}", self.beams);
            return Err(Error::invalid("groups", rule, self.groups));
        }
        if !(self.diversity >= 0.0 && self.diversity.is_finite()) {
            let rule = "must be a finite number of at least 0";
            return Err(Error::invalid("diversity", rule, self.diversity));
        }
        self.penalty.check()?;
        self.constraints.check(self.batch)
    }

    /// The number of hypotheses in a group.
    fn width(&self) -> usize {
        self.beams / self.groups
    }

    /// The number of results for each group.
    fn results_of_group(&self) -> usize {
        self.n_best.div_ceil(self.groups)
    }

    fn scoring(&self) -> Scoring {
        Scoring { penalty: self.penalty, count_end: self.count_end }
    }
}

/// A beam with its own results.
#[derive(Debug, Clone)]
struct Group {
    beam: Beam,
    pool: Pool,
}

#[derive(Debug, Clone)]
struct Source {
    groups: Vec<Group>,
    finished: bool,
}

/// A beam search in progress.
///
/// Row `source * beams + slot` belongs to slot `slot` of a source. Live hypotheses take the first slots of their
/// group. A row without one is its own parent and gets the pad token. Before the first step each source has one
/// empty hypothesis, in its first row.
///
/// The search does not depend on `n_best`: every group of a source continues until all of them are done, so the
/// results for a smaller number are the first of those for a larger one.
pub struct BeamSearch {
    options: BeamOptions,
    vocabulary: Option<Vocabulary>,
    sources: Vec<Source>,
    steps: usize,
}

impl BeamSearch {
    /// A search before its first step.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] names the option that breaks its rule.
    pub fn new(options: BeamOptions) -> Result<Self> {
        options.check()?;
        let pool = Pool::new(options.results_of_group());
        let group = |source| Group { beam: Beam::new(source, false), pool: pool.clone() };
        let groups = |source| (0..options.groups).map(|_| group(source)).collect();
        let sources = (0..options.batch)
            .map(|source| Source { groups: groups(source), finished: false })
            .collect();
        Ok(Self { options, vocabulary: None, sources, steps: 0 })
    }

    /// Takes a step. `log_probs` has the shape (batch × beams, vocabulary); in the first step (batch, vocabulary)
    /// is enough, and parents are then sources. Only rows of live hypotheses are read. `listed` has the tokens
    /// allowed after each row of the search, ascending, or is empty.
    ///
    /// One pass over the rows; O(beams × log vocabulary) insertions for scores in random order.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for scores of another shape, NaN, positive infinity, a log-probability
    /// above 0 with early stopping, or a source that no token may follow. The search is then unchanged.
    pub fn step<E: Element>(
        &mut self,
        log_probs: &[E],
        [rows, size]: [usize; 2],
        listed: Listed<'_>,
        workers: &Workers<'_>,
    ) -> Result<Step> {
        let BeamOptions { batch, beams, early_stopping, ref constraints, .. } = self.options;
        let first = (self.steps == 0).then_some(batch);
        check_rows("log_probs", log_probs, [rows, size], batch * beams, first)?;
        let known = self.vocabulary.as_ref();
        let vocabulary = Vocabulary::of_step("log_probs", known, constraints, size)?;
        check_listed(listed, batch * beams, size)?;
        // Rows of one source in the model's batch.
        let own = rows / batch;
        let scores = Scores {
            argument: "log_probs",
            values: log_probs,
            vocabulary: size,
            base: 0,
            stride: 1,
            averaged: 1,
            cap: if early_stopping { 0.0 } else { f64::INFINITY },
        };
        let plans = workers.map((0..batch).collect(), |source| {
            self.plan(source, &vocabulary, Scores { base: source * own, ..scores }, listed)
        })?;
        self.vocabulary = Some(vocabulary);
        self.steps += 1;
        Ok(self.take(plans, own))
    }

    fn plan<E: Element>(
        &self,
        source: usize,
        vocabulary: &Vocabulary,
        scores: Scores<'_, E>,
        listed: Listed<'_>,
    ) -> Result<Vec<Plan>> {
        let BeamOptions { beams, diversity, ref constraints, .. } = self.options;
        let width = self.options.width();
        let mut chosen = vec![];
        let mut plans = Vec::with_capacity(self.options.groups);
        if self.sources[source].finished {
            return Ok(plans);
        }
        for (number, group) in self.sources[source].groups.iter().enumerate() {
            let ahead = number * width;
            // Every group begins with the first row of its source.
            let base = scores.base + if self.steps == 0 { 0 } else { ahead };
            let input = Input {
                constraints,
                vocabulary,
                scores: Scores { base, ..scores },
                width,
                chosen: Chosen { tokens: chosen, diversity },
                listed: listed.get(source * beams + ahead..).unwrap_or_default(),
            };
            let plan = group.beam.plan(&input)?;
            if plan.is_empty() && group.pool.is_empty() {
                return Err(dead_end(scores.argument, source, self.steps + 1));
            }
            chosen = input.chosen.tokens;
            chosen.extend(plan.next.iter().map(|next| next.token));
            plans.push(plan);
        }
        Ok(plans)
    }

    fn take(&mut self, plans: Vec<Vec<Plan>>, own: usize) -> Step {
        let BeamOptions { batch, beams, early_stopping, ref constraints, .. } = self.options;
        let (width, scoring) = (self.options.width(), self.options.scoring());
        let mut step = Step::with_capacity(batch * beams);
        for (number, (source, plans)) in self.sources.iter_mut().zip(plans).enumerate() {
            let start = step.len();
            let row = |slot| if own == 1 { number } else { number * beams + slot };
            for (place, (group, plan)) in source.groups.iter_mut().zip(plans).enumerate() {
                let ahead = place * width;
                let parent = |slot| row(if self.steps == 1 { 0 } else { ahead + slot });
                let fill = |slot| (row(ahead + slot), constraints.pad_token);
                step.push(&plan.next, width, parent, fill);
                group.beam.take(plan, constraints, scoring, &mut group.pool);
            }
            let done = |Group { beam, pool }: &Group| {
                beam.is_done(constraints, scoring, early_stopping, pool)
            };
            source.finished = source.finished || source.groups.iter().all(done);
            if source.finished {
                step.finish(start, beams, row, constraints.pad_token);
            }
        }
        step
    }

    /// Whether each source is finished, (batch,).
    pub fn finished(&self) -> Vec<bool> {
        self.sources.iter().map(|source| source.finished).collect()
    }

    /// The number of steps taken.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The tokens of the live hypothesis of each row; `None` if there is none.
    pub fn live(&self) -> Vec<Option<Vec<i32>>> {
        let width = self.options.width();
        let mut rows = Vec::with_capacity(self.options.batch * self.options.beams);
        for source in &self.sources {
            for group in &source.groups {
                let live = if source.finished { 0 } else { group.beam.live.len() };
                rows.extend((0..width).map(|slot| (slot < live).then(|| group.beam.tokens(slot))));
            }
        }
        rows
    }

    /// The best hypotheses of each source, at most `n_best`: finished ones, the best first, then unfinished ones
    /// if there are too few, no two with the same tokens. With several groups the best of each group come
    /// first, then the second best, and so on; two groups may have the same hypothesis. Available after any
    /// number of steps.
    pub fn results(&self) -> Vec<Vec<Hypothesis>> {
        let scoring = self.options.scoring();
        let of_source = |source: &Source| {
            let mut ranked = vec![];
            for (number, Group { beam, pool }) in source.groups.iter().enumerate() {
                let all = pool.hypotheses().iter().cloned().chain(beam.unfinished(scoring));
                let group = best(all.collect(), self.options.results_of_group());
                let number = |one| Hypothesis { group: number, ..one };
                ranked.extend(group.into_iter().map(number).enumerate());
            }
            // Stable: of equal ones that of the lower group stays in front.
            ranked.sort_by(|(rank, a), (other, b)| rank.cmp(other).then_with(|| a.order(b)));
            ranked.truncate(self.options.n_best);
            ranked.into_iter().map(|(_, hypothesis)| hypothesis).collect()
        };
        self.sources.iter().map(of_source).collect()
    }
}
