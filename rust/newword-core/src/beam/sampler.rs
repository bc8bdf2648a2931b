//! Random sampling, with the rows and constraints of beam search.

use super::candidates::{Candidate, Chosen, index};
use super::checks::{check_listed, check_rows, dead_end, no_more_rows, positive};
use super::constraints::{Constraints, Vocabulary};
use super::draw::{Draw, log_sum_exp};
use super::element::Element;
use super::live::{Beam, Input, Listed, Plan};
use super::penalty::{LengthPenalty, Scoring};
use super::pool::{Hypothesis, Pool, best};
use super::rows::Step;
use super::scores::Scores;
use crate::support::{Error, Result, Workers};

/// The options of a sampler.
#[derive(Debug, Clone)]
pub struct SamplerOptions {
    /// The number of sources.
    pub batch: usize,
    /// The number of samples for each source.
    pub samples: usize,
    /// The divisor of logits; 0 for the most probable token.
    pub temperature: f64,
    /// The number of most probable tokens to draw from; 0 for all.
    pub top_k: usize,
    /// The probability that the most probable tokens must reach together; 1 for all tokens.
    pub top_p: f64,
    /// The seed. A draw depends on it, the row and the step.
    pub seed: u64,
    /// The constraints on sequences.
    pub constraints: Constraints,
}

impl SamplerOptions {
    fn check(&self) -> Result<()> {
        positive("batch", self.batch)?;
        positive("samples", self.samples)?;
        no_more_rows("times samples", [self.batch, self.samples, 1])?;
        if !(self.temperature >= 0.0 && self.temperature.is_finite()) {
            let rule = "must be a finite number of at least 0";
            return Err(Error::invalid("temperature", rule, self.temperature));
        }
        if !(self.top_p > 0.0 && self.top_p <= 1.0) {
            return Err(Error::invalid("top_p", "must be above 0 and at most 1", self.top_p));
        }
        self.constraints.check(self.batch)
    }
}

/// Samples have no length penalty, because they are not compared.
const SCORING: Scoring = Scoring { penalty: LengthPenalty::None, count_end: true };

/// One sample: a beam of one hypothesis.
#[derive(Debug, Clone)]
struct Sample {
    beam: Beam,
    pool: Pool,
    finished: bool,
}

/// Samples in progress. Row `source * samples + number` is a sample of a source.
pub struct Sampler {
    options: SamplerOptions,
    vocabulary: Option<Vocabulary>,
    samples: Vec<Sample>,
    steps: usize,
}

impl Sampler {
    /// Samples before their first step.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] names the option that breaks its rule.
    pub fn new(options: SamplerOptions) -> Result<Self> {
        options.check()?;
        let sample = |row: usize| Sample {
            beam: Beam::new(row / options.samples, false),
            pool: Pool::new(1),
            finished: false,
        };
        let samples = (0..options.batch * options.samples).map(sample).collect();
        Ok(Self { options, vocabulary: None, samples, steps: 0 })
    }

    /// Takes a step. `logits` are scores whose softmax is the distribution of the next token; their shape is
    /// (batch × samples, vocabulary), or (batch, vocabulary) in the first step, and parents are then sources.
    /// `listed` is as for [`BeamSearch::step`](super::BeamSearch::step).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for scores of another shape, NaN, positive infinity, or a sample that no
    /// token may follow. The samples are then unchanged.
    pub fn step<E: Element>(
        &mut self,
        logits: &[E],
        [rows, size]: [usize; 2],
        listed: Listed<'_>,
        workers: &Workers<'_>,
    ) -> Result<Step> {
        let SamplerOptions { batch, samples, ref constraints, .. } = self.options;
        let first = (self.steps == 0).then_some(batch);
        check_rows("logits", logits, [rows, size], batch * samples, first)?;
        let known = self.vocabulary.as_ref();
        let vocabulary = Vocabulary::of_step("logits", known, constraints, size)?;
        check_listed(listed, batch * samples, size)?;
        // Samples that share a row of the model's batch.
        let shared = batch * samples / rows;
        let scores = Scores {
            argument: "logits",
            values: logits,
            vocabulary: size,
            base: 0,
            stride: 1,
            averaged: 1,
            cap: f64::INFINITY,
        };
        let plans = workers.map((0..batch * samples).collect(), |row| {
            let scores = Scores { base: row / shared, ..scores };
            self.plan(row, &vocabulary, scores, listed.get(row..).unwrap_or_default())
        })?;
        self.vocabulary = Some(vocabulary);
        self.steps += 1;
        Ok(self.take(plans, shared))
    }

    fn plan<E: Element>(
        &self,
        row: usize,
        vocabulary: &Vocabulary,
        scores: Scores<'_, E>,
        listed: Listed<'_>,
    ) -> Result<Plan> {
        let SamplerOptions { samples, temperature, top_k, top_p, seed, ref constraints, .. } =
            self.options;
        let sample = &self.samples[row];
        if sample.finished {
            return Ok(Plan::default());
        }
        let draw = Draw { temperature, top_k, top_p, seed };
        let (width, chosen) = (draw.width(), Chosen::default());
        let input = Input { constraints, vocabulary, scores, width, chosen, listed };
        let Plan { next, ended, repeat } = sample.beam.plan(&input)?;
        let mut best = [next, ended].concat();
        if best.is_empty() {
            return Err(dead_end("logits", row / samples, self.steps + 1));
        }
        best.sort_by(Candidate::order);
        best.truncate(width);
        let choices = constraints.choices(&sample.beam.place(0, listed), repeat);
        let place = [row / samples, row % samples, self.steps].map(|place| place as u64);
        let token = draw.choose(&scores, &choices, vocabulary, &best, place);
        let log_prob = scores.value(0, index(token)) - log_sum_exp(scores.row(0, 0));
        let sum = sample.beam.live[0].log_prob + log_prob;
        let chosen = vec![Candidate { rank: sum, sum, log_prob, slot: 0, token }];
        let plan = Plan { repeat, ..Plan::default() };
        Ok(if choices.ends.contains(&token) {
            Plan { ended: chosen, ..plan }
        } else {
            Plan { next: chosen, ..plan }
        })
    }

    fn take(&mut self, plans: Vec<Plan>, shared: usize) -> Step {
        let constraints = &self.options.constraints;
        let mut step = Step::with_capacity(plans.len());
        for (row, (sample, plan)) in self.samples.iter_mut().zip(plans).enumerate() {
            let parent = |_| row / shared;
            step.push(&plan.next, 1, parent, |_| (row / shared, constraints.pad_token));
            if !sample.finished {
                sample.beam.take(plan, constraints, SCORING, &mut sample.pool);
                sample.finished = sample.beam.is_done(constraints, SCORING, false, &sample.pool);
            }
            if sample.finished {
                step.finish(row, 1, parent, constraints.pad_token);
            }
        }
        step
    }

    /// Whether all samples of each source are finished, (batch,).
    pub fn finished(&self) -> Vec<bool> {
        let sources = self.samples.chunks_exact(self.options.samples);
        sources.map(|samples| samples.iter().all(|sample| sample.finished)).collect()
    }

    /// The number of steps taken.
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// The tokens of each row's sample so far; `None` if it is finished.
    pub fn live(&self) -> Vec<Option<Vec<i32>>> {
        let tokens = |sample: &Sample| (!sample.finished).then(|| sample.beam.tokens(0));
        self.samples.iter().map(tokens).collect()
    }

    /// The samples of each source in their order. Log-probabilities are those of the model, before temperature,
    /// `top_k` and `top_p`. Available after any number of steps.
    pub fn results(&self) -> Vec<Vec<Hypothesis>> {
        let of_sample = |(number, sample): (usize, &Sample)| {
            let all = sample.pool.hypotheses().iter().cloned();
            let all = all.chain(sample.beam.unfinished(SCORING)).collect();
            best(all, 1).into_iter().map(move |one| Hypothesis { group: number, ..one })
        };
        let sources = self.samples.chunks_exact(self.options.samples);
        sources.map(|samples| samples.iter().enumerate().flat_map(of_sample).collect()).collect()
    }
}
