//! The input of decoders: scores, valid steps and constraints, validated once.

use std::borrow::Cow;

use super::scalar::Scalar;
use crate::support::{Error, Result};

/// Up to this number of tags, missing transitions are a matrix of zeros, so that sequences share lanes.
const MOST_ZEROS: usize = 1024;

/// Scores of successive tags: `g(i, j)` for `j` after `i`.
#[derive(Debug, Clone)]
pub enum Transitions<'a, F: Scalar> {
    /// One matrix (tags, tags) for all sequences.
    Shared(Cow<'a, [F]>),
    /// A matrix for each sequence, (batch, tags, tags).
    PerSequence(Cow<'a, [F]>),
    /// `g(i, j)` is the product of row `i` of `left`, (tags, rank), and column `j` of `right`,
    /// (rank, tags); the matrix itself is never formed.
    LowRank {
        /// The factor of the previous tag.
        left: &'a [F],
        /// The factor of the next tag.
        right: &'a [F],
        /// The rank.
        rank: usize,
    },
}

/// The arguments of the caller, in row-major order. [`Problem::new`] validates their shapes.
#[derive(Debug, Clone)]
pub struct Scores<'a, F: Scalar> {
    /// (batch, steps, tags)
    pub shape: [usize; 3],
    /// The score of each tag at each step, of that shape.
    pub emissions: &'a [F],
    /// Scores of successive tags; zeros if `None`.
    pub transitions: Option<Transitions<'a, F>>,
    /// Scores of the first tag, (tags,).
    pub start: Option<&'a [F]>,
    /// Scores of the last tag, (tags,).
    pub end: Option<&'a [F]>,
    /// The number of valid steps of each sequence, from the first, (batch,).
    pub lengths: Option<&'a [i64]>,
    /// The valid steps, (batch, steps); for padding on the left, or inside.
    pub mask: Option<&'a [bool]>,
}

/// A batch to decode. Every sequence begins at the first step of its row, and every argument is valid
/// except for NaN among the emissions, which the decoders check while they read them.
#[derive(Debug, Clone)]
pub struct Problem<'a, F: Scalar> {
    pub(super) emissions: Cow<'a, [F]>,
    pub(super) batch: usize,
    /// Steps of a row of `emissions`.
    pub(super) steps: usize,
    pub(super) tags: usize,
    pub(super) lengths: Vec<usize>,
    pub(super) transitions: Transitions<'a, F>,
    /// Empty where there are none.
    pub(super) start: Cow<'a, [F]>,
    pub(super) end: Cow<'a, [F]>,
    /// Where steps were moved: the caller's number of steps, and of each step kept its place there.
    pub(super) moved: Option<(usize, Vec<u32>)>,
}

impl<'a, F: Scalar> Problem<'a, F> {
    /// Validates the arguments and moves every sequence to the start of its row.
    ///
    /// Emissions are copied if `mask` has padding other than at the end of sequences, and borrowed
    /// otherwise.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] names the invalid argument.
    pub fn new(scores: &Scores<'a, F>) -> Result<Self> {
        let [batch, steps, tags] = scores.shape;
        if batch == 0 || steps == 0 || tags == 0 {
            let rule = "must be of shape (batch, steps, tags), each at least 1";
            return Err(Error::invalid("emissions", rule, format!("{:?}", scores.shape)));
        }
        // Steps and tags are numbered in 32 bits, and paths are signed.
        if steps > i32::MAX as usize || tags > i32::MAX as usize {
            let rule = "must have less than 2^31 steps and tags";
            return Err(Error::invalid("emissions", rule, format!("{:?}", scores.shape)));
        }
        sized("emissions", scores.emissions.len(), batch * steps * tags)?;
        for (argument, vector) in [("start", scores.start), ("end", scores.end)] {
            if let Some(vector) = vector {
                sized(argument, vector.len(), tags)?;
                sound(argument, vector, &[tags])?;
            }
        }
        let transitions = match scores.transitions.clone() {
            Some(transitions) => transitions.checked(batch, tags)?,
            None if tags <= MOST_ZEROS => {
                Transitions::Shared(Cow::Owned(vec![F::default(); tags * tags]))
            }
            // A product of nothing: no matrix that could be too large.
            None => Transitions::LowRank { left: &[], right: &[], rank: 0 },
        };
        if scores.lengths.is_some() && scores.mask.is_some() {
            return Err(Error::invalid("mask", "must be left out where lengths are given", "both"));
        }
        let mut problem = Self {
            emissions: Cow::Borrowed(scores.emissions),
            batch,
            steps,
            tags,
            lengths: vec![steps; batch],
            transitions,
            start: scores.start.unwrap_or_default().into(),
            end: scores.end.unwrap_or_default().into(),
            moved: None,
        };
        if let Some(lengths) = scores.lengths {
            problem.lengths = checked_lengths(lengths, batch, steps)?;
        }
        if let Some(mask) = scores.mask {
            sized("mask", mask.len(), batch * steps)?;
            problem.align(mask);
        }
        Ok(problem)
    }

    /// Restricts the tags allowed at each step; `allowed` has the shape of the caller's
    /// emissions. Copies the emissions. A locally normalised model keeps its probabilities where this
    /// comes after [`Problem::normalized`].
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if `allowed` has another size.
    pub fn restricted(mut self, allowed: &[bool]) -> Result<Self> {
        sized("allowed", allowed.len(), self.batch * self.caller_steps() * self.tags)?;
        let mut emissions = std::mem::take(&mut self.emissions).into_owned();
        for row in 0..self.batch {
            for step in 0..self.lengths[row] {
                let place = row * self.caller_steps() + self.caller_step(row, step);
                let allowed = &allowed[place * self.tags..][..self.tags];
                let scores = &mut emissions[(row * self.steps + step) * self.tags..][..self.tags];
                for (score, &allowed) in scores.iter_mut().zip(allowed) {
                    // NaN stays, to be found by the decoder.
                    if !allowed && score.is_score() {
                        *score = F::FORBIDDEN;
                    }
                }
            }
        }
        self.emissions = Cow::Owned(emissions);
        Ok(self)
    }

    /// The emissions of step `step` of sequence `row`.
    pub(super) fn emission(&self, row: usize, step: usize) -> &[F] {
        &self.emissions[(row * self.steps + step) * self.tags..][..self.tags]
    }

    /// The emissions of a sequence, from its first step to the end of its row.
    pub(super) fn row(&self, row: usize) -> &[F] {
        &self.emissions[row * self.steps * self.tags..][..self.steps * self.tags]
    }

    /// The steps of the caller's arrays.
    pub fn caller_steps(&self) -> usize {
        self.moved.as_ref().map_or(self.steps, |(steps, _)| *steps)
    }

    /// Puts the tags of a sequence's steps to where the caller has these steps.
    #[inline]
    pub(super) fn place(&self, row: usize, path: impl IntoIterator<Item = i32>, to: &mut [i32]) {
        match &self.moved {
            None => {
                for (to, tag) in to.iter_mut().zip(path) {
                    *to = tag;
                }
            }
            Some((_, order)) => {
                for (&step, tag) in order[row * self.steps..].iter().zip(path) {
                    to[step as usize] = tag;
                }
            }
        }
    }

    /// What the caller has at the steps of a sequence.
    pub(super) fn pick<T: Copy>(&self, row: usize, from: &[T]) -> Vec<T> {
        let steps = 0..self.lengths[row];
        match &self.moved {
            None => from[steps].to_vec(),
            Some((_, order)) => {
                let order = &order[row * self.steps..];
                steps.map(|step| from[order[step] as usize]).collect()
            }
        }
    }

    /// The caller's number of a step.
    pub(super) fn caller_step(&self, row: usize, step: usize) -> usize {
        self.moved.as_ref().map_or(step, |(_, order)| order[row * self.steps + step] as usize)
    }

    fn align(&mut self, mask: &[bool]) {
        let rows = || mask.chunks_exact(self.steps);
        self.lengths = rows().map(|row| row.iter().filter(|&&kept| kept).count()).collect();
        if rows().zip(&self.lengths).all(|(row, &length)| row[..length].iter().all(|&kept| kept)) {
            return;
        }
        // A row of only padding still needs one step.
        let longest = self.lengths.iter().copied().max().unwrap_or_default().max(1);
        let mut emissions = vec![F::default(); self.batch * longest * self.tags];
        let mut order = vec![0; self.batch * longest];
        for (row, kept) in rows().enumerate() {
            let steps = (0u32..).zip(kept).filter(|(_, kept)| **kept).map(|(step, _)| step);
            for (place, step) in (row * longest..).zip(steps) {
                order[place] = step;
                emissions[place * self.tags..][..self.tags]
                    .copy_from_slice(self.emission(row, step as usize));
            }
        }
        self.emissions = Cow::Owned(emissions);
        self.moved = Some((self.steps, order));
        self.steps = longest;
    }
}

impl<F: Scalar> Transitions<'_, F> {
    fn checked(self, batch: usize, tags: usize) -> Result<Self> {
        match &self {
            Self::Shared(matrix) => {
                sized("transitions", matrix.len(), tags * tags)?;
                sound("transitions", matrix, &[tags, tags])?;
            }
            Self::PerSequence(matrices) => {
                sized("transitions", matrices.len(), batch * tags * tags)?;
                sound("transitions", matrices, &[batch, tags, tags])?;
            }
            Self::LowRank { left, right, rank } => {
                for (argument, factor, shape) in [
                    ("transitions.left", left, [tags, *rank]),
                    ("transitions.right", right, [*rank, tags]),
                ] {
                    sized(argument, factor.len(), tags * rank)?;
                    // A product with an infinite number is seldom a score.
                    if let Some(place) = factor.iter().position(|value| !value.is_finite()) {
                        return Err(unsound(
                            argument,
                            "must be finite",
                            factor[place],
                            place,
                            &shape,
                        ));
                    }
                }
            }
        }
        Ok(self)
    }
}

/// An array has as many numbers as its shape says.
fn sized(argument: &str, have: usize, want: usize) -> Result<()> {
    if have == want {
        return Ok(());
    }
    let rule = format!("must hold {want} values to fit the emissions");
    Err(Error::invalid(argument, rule, have))
}

/// Neither NaN nor positive infinity.
fn sound<F: Scalar>(argument: &str, scores: &[F], shape: &[usize]) -> Result<()> {
    match scores.iter().position(|score| !score.is_score()) {
        None => Ok(()),
        Some(place) => {
            let rule = "must hold neither NaN nor positive infinity";
            Err(unsound(argument, rule, scores[place], place, shape))
        }
    }
}

/// The error for a score that is none, with its place.
pub(super) fn unsound<F: Scalar>(
    argument: &str,
    rule: &str,
    score: F,
    mut place: usize,
    shape: &[usize],
) -> Error {
    let mut index = vec![0; shape.len()];
    for (index, &size) in index.iter_mut().zip(shape).rev() {
        *index = place % size;
        place /= size;
    }
    Error::invalid(argument, rule, format!("{score} at {index:?}"))
}

fn checked_lengths(lengths: &[i64], batch: usize, steps: usize) -> Result<Vec<usize>> {
    sized("lengths", lengths.len(), batch)?;
    let checked = lengths.iter().enumerate().map(|(row, &length)| {
        usize::try_from(length).ok().filter(|&length| length <= steps).ok_or_else(|| {
            let rule = format!("must be between 0 and {steps}");
            Error::invalid("lengths", rule, format!("{length} at [{row}]"))
        })
    });
    checked.collect()
}
