//! Locally normalised models as sums of scores, so that every decoder supports them.
//!
//! In a maximum-entropy Markov model the normaliser of a step depends only on the previous tag. Its
//! logarithm can therefore be subtracted from the emission of that tag, and the score of a path is its
//! log-probability.
//!
//! Normalisers are independent: a sequence may be split anywhere, and steps of any sequences are
//! computed together, see [`sums`].

mod sums;

use std::borrow::Cow;

use self::sums::Sums;
use super::exp::ln;
use super::forward_backward::Scaled;
use super::problem::Problem;
use super::scalar::{LANES, Scalar};
use crate::support::simd::{Kernel, widest};
use crate::support::{Result, Workers};

/// How the probability of a path is normalised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Normalization {
    /// Not at all, or over all paths, which has the same best path: CRF.
    Global,
    /// At each step, given the previous tag: MEMM.
    Local,
    /// The mean of the log-probabilities of both directions: bidirectional MEMM.
    Bidirectional,
}

impl<F: Scalar> Problem<'_, F> {
    /// The problem whose path scores are log-probabilities under a locally normalised model of these
    /// scores, start and end taken for parts of the first and last emission.
    ///
    /// Where `halved`, emissions count half wherever a neighbouring tag is given, as do start and end;
    /// transitions are taken as they are.
    ///
    /// O(batch steps tags²); an exponential and a logarithm for each emission, or for each pair of tags where
    /// scores range widely or there is no matrix that all sequences share.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`](crate::support::Error::InvalidArgument) for an emission that is NaN or
    /// positive infinity.
    pub fn normalized(
        self,
        by: Normalization,
        halved: bool,
        workers: &Workers<'_>,
    ) -> Result<Self> {
        if by == Normalization::Global {
            return Ok(self);
        }
        let model = Model { both: by == Normalization::Bidirectional, halved };
        let scaled = Scaled::of(&self);
        let mut emissions = vec![F::default(); self.batch * self.steps * self.tags];
        let scaled = scaled.as_ref();
        workers.map(blocks(&self, &mut emissions), |block| {
            widest(Block { problem: &self, scaled, model, stretches: block, workers })
        })?;
        Ok(Self {
            emissions: Cow::Owned(emissions),
            start: Cow::default(),
            end: Cow::default(),
            ..self
        })
    }

    /// The emissions at the steps where the caller has them, (batch, steps, tags), without start and end;
    /// steps that do not count hold anything.
    pub fn into_emissions(self) -> Vec<F> {
        if self.moved.is_none() {
            return self.emissions.into_owned();
        }
        let mut out = vec![F::default(); self.batch * self.caller_steps() * self.tags];
        for row in 0..self.batch {
            for step in 0..self.lengths[row] {
                let place = (row * self.caller_steps() + self.caller_step(row, step)) * self.tags;
                out[place..][..self.tags].copy_from_slice(self.emission(row, step));
            }
        }
        out
    }
}

/// What is normalised.
#[derive(Debug, Clone, Copy)]
struct Model {
    /// Both directions, or the one in which the tag before is given.
    both: bool,
    /// Whether emissions count half where a neighbouring tag is given.
    halved: bool,
}

impl Model {
    /// The weight of a direction.
    fn share(self) -> f64 {
        if self.both { 0.5 } else { 1.0 }
    }

    /// By what emissions are multiplied where a neighbouring tag is given.
    fn scale(self) -> f64 {
        if self.halved { 0.5 } else { 1.0 }
    }
}

/// How many numbers a thread works on at once, so that they stay in a near cache.
const BLOCK: usize = 4096;

/// Successive steps of a sequence, and where their scores go.
struct Stretch<'o, F> {
    row: usize,
    first: usize,
    out: &'o mut [F],
}

/// Cuts the steps that count into blocks of about [`BLOCK`] numbers, long sequences too.
fn blocks<'o, F: Scalar>(problem: &Problem<'_, F>, out: &'o mut [F]) -> Vec<Vec<Stretch<'o, F>>> {
    let tags = problem.tags;
    let steps = (BLOCK / tags).max(LANES);
    let mut blocks = vec![];
    let mut block = vec![];
    let mut size = 0;
    for (row, out) in out.chunks_exact_mut(problem.steps * tags).enumerate() {
        let out = &mut out[..problem.lengths[row] * tags];
        for (place, out) in out.chunks_mut(steps * tags).enumerate() {
            if size + out.len() > steps * tags {
                blocks.push(std::mem::take(&mut block));
                size = 0;
            }
            size += out.len();
            block.push(Stretch { row, first: place * steps, out });
        }
    }
    blocks.push(block);
    blocks
}

/// A block to be worked on.
struct Block<'p, 'a, 'o, F: Scalar> {
    problem: &'p Problem<'a, F>,
    scaled: Option<&'p Scaled>,
    model: Model,
    stretches: Vec<Stretch<'o, F>>,
    workers: &'p Workers<'p>,
}

impl<F: Scalar> Kernel for Block<'_, '_, '_, F> {
    type Output = Result<()>;

    #[inline(always)]
    fn run(mut self) -> Result<()> {
        let sums = Sums::of(&self)?;
        let mut at = 0;
        for stretch in &mut self.stretches {
            stretch.write(self.problem, self.model, &sums, at);
            at += stretch.with_neighbours(self.problem).len();
        }
        Ok(())
    }
}

impl<F: Scalar> Stretch<'_, F> {
    /// The step behind the last.
    fn end(&self, problem: &Problem<'_, F>) -> usize {
        self.first + self.out.len() / problem.tags
    }

    /// Its steps, the one before and the one behind them, where there are such.
    fn with_neighbours(&self, problem: &Problem<'_, F>) -> std::ops::Range<usize> {
        self.first.saturating_sub(1)..(self.end(problem) + 1).min(problem.lengths[self.row])
    }

    /// Writes the scores, from sums in which the steps with their neighbours begin at step `at`.
    #[inline(always)]
    fn write(&mut self, problem: &Problem<'_, F>, model: Model, sums: &Sums, at: usize) {
        let (tags, share) = (problem.tags, model.share());
        let begins = self.first == 0;
        let ends = self.end(problem) == problem.lengths[self.row];
        let here = at + usize::from(!begins);
        let size = self.out.len();
        let mut scores = sums.given[here * tags..][..size].to_vec();
        if begins {
            sums.take_off_alone(here, model, &mut scores[..tags]);
        }
        if ends & model.both {
            sums.take_off_alone(here + size / tags - 1, model, &mut scores[size - tags..]);
        }
        // The normaliser of the next step, given the tag at this one, and of the one before.
        let inner = if ends { size - tags } else { size };
        take_off(&mut scores[..inner], &sums.ahead[(here + 1) * tags..], share);
        if model.both {
            let inner = if begins { tags } else { 0 };
            let behind = &sums.behind[(here * tags + inner - tags)..];
            take_off(&mut scores[inner..], behind, share);
        }
        for (out, score) in self.out.iter_mut().zip(scores) {
            *out = F::nearest(score);
        }
    }
}

impl Sums {
    /// Takes off a step's normaliser where no neighbouring tag is given.
    #[inline(always)]
    fn take_off_alone(&self, step: usize, model: Model, scores: &mut [f64]) {
        let given = &self.given[step * scores.len()..];
        let top = self.top[step];
        // Its own scores are the first to say that nothing is allowed.
        let sum =
            if top > f64::NEG_INFINITY { ln(self.total[step]) + top / model.scale() } else { 0.0 };
        for (score, &given) in scores.iter_mut().zip(given) {
            // What is halved elsewhere counts in full.
            let missing = if model.halved { given } else { 0.0 };
            *score += model.share() * (missing - sum);
        }
    }
}

/// Takes normalisers off scores. A tag that nothing may follow is forbidden.
#[inline(always)]
fn take_off(scores: &mut [f64], sums: &[f64], share: f64) {
    for (score, &sum) in scores.iter_mut().zip(sums) {
        *score = if sum > f64::NEG_INFINITY { *score - share * sum } else { sum };
    }
}
