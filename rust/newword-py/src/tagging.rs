//! Decoders of tag sequences, on `NumPy` arrays.

use std::borrow::Cow;

use newword_core::support::{Result, Workers};
use newword_core::tagging::{self, Normalization, Paths, Problem, Scalar, Scores, Transitions};
use numpy::ndarray::{Array, Dimension, IntoDimension};
use numpy::{
    Element, IntoPyArray, PyArray, PyArray1, PyArray3, PyReadonlyArray1, PyReadonlyArray2,
    PyReadonlyArray3, PyReadonlyArrayDyn,
};
use pyo3::prelude::*;

use crate::door::enter_briefly;
use crate::errors::invalid;

/// Scores as Python checked them: emissions, transitions (or the left factor), the right factor, start
/// and end, all of one type and contiguous; lengths, mask, allowed; the normalization.
#[derive(FromPyObject)]
pub struct Arguments<'py>(
    Bound<'py, PyAny>,
    Option<Bound<'py, PyAny>>,
    Option<Bound<'py, PyAny>>,
    Option<Bound<'py, PyAny>>,
    Option<Bound<'py, PyAny>>,
    Option<PyReadonlyArray1<'py, i64>>,
    Option<PyReadonlyArray2<'py, bool>>,
    Option<PyReadonlyArray3<'py, bool>>,
    String,
);

/// The same with the type of scores known.
struct Typed<'a, 'py, F: Element> {
    emissions: PyReadonlyArray3<'py, F>,
    transitions: Option<PyReadonlyArrayDyn<'py, F>>,
    right: Option<PyReadonlyArray2<'py, F>>,
    start: Option<PyReadonlyArray1<'py, F>>,
    end: Option<PyReadonlyArray1<'py, F>>,
    rest: &'a Arguments<'py>,
}

impl<'a, 'py, F: Element + Scalar> Typed<'a, 'py, F> {
    fn of(arguments: &'a Arguments<'py>) -> PyResult<Self> {
        let Arguments(emissions, transitions, right, start, end, ..) = arguments;
        Ok(Self {
            emissions: emissions.extract()?,
            transitions: transitions.as_ref().map(PyAnyMethods::extract).transpose()?,
            right: right.as_ref().map(PyAnyMethods::extract).transpose()?,
            start: start.as_ref().map(PyAnyMethods::extract).transpose()?,
            end: end.as_ref().map(PyAnyMethods::extract).transpose()?,
            rest: arguments,
        })
    }

    fn shape(&self) -> [usize; 3] {
        let shape = self.emissions.as_array().raw_dim();
        [shape[0], shape[1], shape[2]]
    }

    /// Solves the problem: at once where it is small, without the interpreter where it is not. `share`
    /// is how much work there is for each pair of tags of each step.
    fn solve<T: Send>(
        &self,
        py: Python<'py>,
        threads: Option<usize>,
        share: usize,
        solver: impl FnOnce(&Problem<'_, F>, &Workers<'_>) -> Result<T> + Send,
    ) -> PyResult<T> {
        self.solve_owned(py, threads, share, false, |problem, workers| solver(&problem, workers))
    }

    /// The same for a solver that takes the problem. Where `halved`, a locally normalised model counts
    /// emissions half wherever a neighbouring tag is given.
    fn solve_owned<T: Send>(
        &self,
        py: Python<'py>,
        threads: Option<usize>,
        share: usize,
        halved: bool,
        solver: impl FnOnce(Problem<'_, F>, &Workers<'_>) -> Result<T> + Send,
    ) -> PyResult<T> {
        let Arguments(.., lengths, mask, allowed, normalization) = self.rest;
        let by = match normalization.as_str() {
            "global" => Normalization::Global,
            "local" => Normalization::Local,
            "bidirectional" => Normalization::Bidirectional,
            other => return Err(invalid("normalization", "must be known", other)),
        };
        let transitions = match (&self.transitions, &self.right) {
            (Some(left), Some(right)) => Some(Transitions::LowRank {
                left: left.as_slice()?,
                right: right.as_slice()?,
                rank: right.as_array().nrows(),
            }),
            (Some(matrix), None) if matrix.as_array().ndim() == 2 => {
                Some(Transitions::Shared(Cow::Borrowed(matrix.as_slice()?)))
            }
            (Some(matrices), None) => {
                Some(Transitions::PerSequence(Cow::Borrowed(matrices.as_slice()?)))
            }
            (None, _) => None,
        };
        let scores = Scores {
            shape: self.shape(),
            emissions: self.emissions.as_slice()?,
            transitions,
            start: self.start.as_ref().map(|array| array.as_slice()).transpose()?,
            end: self.end.as_ref().map(|array| array.as_slice()).transpose()?,
            lengths: lengths.as_ref().map(|array| array.as_slice()).transpose()?,
            mask: mask.as_ref().map(|array| array.as_slice()).transpose()?,
        };
        let allowed = allowed.as_ref().map(|array| array.as_slice()).transpose()?;
        let work = self.shape().iter().fold(share, |product, &size| product.saturating_mul(size));
        enter_briefly(py, threads, work.saturating_mul(self.shape()[2]), |workers| {
            let mut problem = Problem::new(&scores)?.normalized(by, halved, workers)?;
            if let Some(allowed) = allowed {
                problem = problem.restricted(allowed)?;
            }
            solver(problem, workers)
        })
    }

    fn paths(&self, py: Python<'py>, paths: Paths<F>) -> PyResult<Found<'py>> {
        let [batch, steps, _] = self.shape();
        let tags = array(py, [batch, steps], paths.tags)?.into_any();
        Ok((tags, PyArray1::from_vec(py, paths.scores).into_any()))
    }
}

/// Paths and scores.
type Found<'py> = (Bound<'py, PyAny>, Bound<'py, PyAny>);

fn array<T: Element, D: IntoDimension>(
    py: Python<'_>,
    shape: D,
    values: Vec<T>,
) -> PyResult<Bound<'_, PyArray<T, D::Dim>>>
where
    D::Dim: Dimension,
{
    let made = Array::from_shape_vec(shape.into_dimension(), values);
    let made = made.map_err(|error| invalid("shape", "must fit the result", error))?;
    Ok(made.into_pyarray(py))
}

/// Runs `body` with `typed`, and with `Score` as the type of the emissions.
macro_rules! typed {
    ($arguments:expr, $typed:ident, $score:ident => $body:expr) => {
        if $arguments.0.cast::<PyArray3<f32>>().is_ok() {
            type $score = f32;
            let $typed = Typed::<$score>::of(&$arguments)?;
            $body
        } else {
            type $score = f64;
            let $typed = Typed::<$score>::of(&$arguments)?;
            $body
        }
    };
}

/// The best path of each sequence and its score; with scores of triples of tags where given.
#[pyfunction]
pub fn viterbi<'py>(
    py: Python<'py>,
    arguments: Arguments<'py>,
    second_order: Option<Bound<'py, PyAny>>,
    threads: Option<usize>,
) -> PyResult<Found<'py>> {
    typed!(arguments, typed, Score => {
        let paths = match second_order {
            None => typed.solve(py, threads, 1, tagging::viterbi)?,
            Some(triples) => {
                let triples: PyReadonlyArray3<'_, Score> = triples.extract()?;
                let triples = triples.as_slice()?;
                typed.solve(py, threads, typed.shape()[2], |problem, workers| {
                    tagging::viterbi_second_order(problem, triples, workers)
                })?
            }
        };
        typed.paths(py, paths)
    })
}

/// The path found by beam search for each sequence, and its score.
#[pyfunction]
pub fn beam_search<'py>(
    py: Python<'py>,
    arguments: Arguments<'py>,
    beam_size: usize,
    threads: Option<usize>,
) -> PyResult<Found<'py>> {
    typed!(arguments, typed, Score => {
        let paths = typed.solve(py, threads, 1, |problem, workers| {
            tagging::beam_search(problem, beam_size, workers)
        })?;
        typed.paths(py, paths)
    })
}

/// The path with the highest expected number of correct tags, and that number.
#[pyfunction]
pub fn posterior_decode<'py>(
    py: Python<'py>,
    arguments: Arguments<'py>,
    threads: Option<usize>,
) -> PyResult<Found<'py>> {
    typed!(arguments, typed, Score => {
        let paths = typed.solve(py, threads, 8, tagging::posterior_decode)?;
        typed.paths(py, paths)
    })
}

/// The k best paths of each sequence and their scores.
#[pyfunction]
pub fn k_best<'py>(
    py: Python<'py>,
    arguments: Arguments<'py>,
    k: usize,
    threads: Option<usize>,
) -> PyResult<Found<'py>> {
    typed!(arguments, typed, Score => {
        let paths = typed.solve(py, threads, k.saturating_mul(8), |problem, workers| {
            tagging::k_best(problem, k, workers)
        })?;
        let [batch, steps, _] = typed.shape();
        let tags = array(py, [batch, k, steps], paths.tags)?.into_any();
        Ok((tags, array(py, [batch, k], paths.scores)?.into_any()))
    })
}

/// The log of the sum of exp(score) over all paths of each sequence.
#[pyfunction]
pub fn log_partition<'py>(
    py: Python<'py>,
    arguments: Arguments<'py>,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    typed!(arguments, typed, Score => {
        let sums = typed.solve(py, threads, 2, tagging::log_partition)?;
        Ok(PyArray1::from_vec(py, sums))
    })
}

/// The probability of each tag at each step.
#[pyfunction]
pub fn marginals<'py>(
    py: Python<'py>,
    arguments: Arguments<'py>,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    typed!(arguments, typed, Score => {
        let found = typed.solve(py, threads, 6, tagging::marginals)?;
        Ok(array(py, typed.shape(), found)?.into_any())
    })
}

/// The score of each given path.
#[pyfunction]
pub fn path_score<'py>(
    py: Python<'py>,
    arguments: Arguments<'py>,
    paths: PyReadonlyArray2<'py, i32>,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    typed!(arguments, typed, Score => {
        let paths = paths.as_slice()?;
        let scores = typed.solve(py, threads, 1, |problem, workers| {
            tagging::path_score(problem, paths, workers)
        })?;
        Ok(PyArray1::from_vec(py, scores).into_any())
    })
}

/// Sampled paths, (batch, count, steps).
#[pyfunction]
pub fn sample_paths<'py>(
    py: Python<'py>,
    arguments: Arguments<'py>,
    count: usize,
    seed: u64,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyArray3<i32>>> {
    typed!(arguments, typed, Score => {
        let tags = typed.solve(py, threads, count.saturating_add(8), |problem, workers| {
            tagging::sample(problem, count, seed, workers)
        })?;
        let [batch, steps, _] = typed.shape();
        array(py, [batch, count, steps], tags)
    })
}

/// Emissions whose sums along a path, transitions added, are log-probabilities of a locally normalised
/// model; boundary scores are among them.
#[pyfunction]
pub fn local_emissions<'py>(
    py: Python<'py>,
    arguments: Arguments<'py>,
    halved: bool,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    typed!(arguments, typed, Score => {
        let found = typed.solve_owned(py, threads, 2, halved, |problem, _| {
            Ok(problem.into_emissions())
        })?;
        Ok(array(py, typed.shape(), found)?.into_any())
    })
}
