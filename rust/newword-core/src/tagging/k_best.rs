//! The k best paths.

use super::paths::label;
use super::problem::Problem;
use super::rows::Rows;
use super::scalar::Scalar;
use crate::support::{Error, Result, Workers};

/// The best paths of each sequence.
#[derive(Debug, Clone, PartialEq)]
pub struct BestPaths<F> {
    /// Tags, (batch, k, steps) as in the caller's emissions; -1 at masked steps, and all
    /// along a path that does not exist.
    pub tags: Vec<i32>,
    /// Scores, (batch, k), descending; negative infinity if there are fewer than `k` paths.
    pub scores: Vec<F>,
}

/// Finds the `k` best distinct paths of each sequence, the best first. The first is that of
/// [`viterbi`](super::viterbi).
///
/// O(batch steps tags² k) in the worst case, usually far less; k pointers for each tag of each step.
///
/// # Errors
/// As [`viterbi`](super::viterbi), and for a `k` of 0.
pub fn k_best<F: Scalar>(
    problem: &Problem<'_, F>,
    k: usize,
    workers: &Workers<'_>,
) -> Result<BestPaths<F>> {
    if k == 0 {
        return Err(Error::invalid("k", "must be at least 1", k));
    }
    let steps = problem.caller_steps();
    let mut tags = vec![-1; problem.batch * k * steps];
    let rows = tags.chunks_exact_mut(k * steps).enumerate().collect();
    let scores = workers.map(rows, |(row, out): (usize, &mut [i32])| {
        let mut scores = vec![F::FORBIDDEN; k];
        if problem.lengths[row] == 0 {
            scores[0] = F::default();
            return Ok(scores);
        }
        problem.check(row)?;
        let found = search(problem, row, k, workers)?;
        problem.reached(row, found.first().map_or(F::FORBIDDEN, |(_, score)| *score))?;
        for (((path, score), out), to) in
            found.into_iter().zip(out.chunks_exact_mut(steps)).zip(&mut scores)
        {
            problem.place(row, path, out);
            *to = score;
        }
        Ok(scores)
    })?;
    Ok(BestPaths { tags, scores: scores.into_iter().flatten().collect() })
}

/// One way to reach a tag: its score, the tag before, and which of the ways to reach that.
#[derive(Clone, Copy)]
struct Way<F> {
    score: F,
    tag: u32,
    rank: u32,
}

/// Puts a way among the best so far, behind its equals. Whether there was room.
#[inline]
fn insert<F: Scalar>(ways: &mut Vec<Way<F>>, way: Way<F>, k: usize) -> bool {
    if ways.len() == k && ways[k - 1].score >= way.score {
        return false;
    }
    let place = ways.partition_point(|other| other.score >= way.score);
    ways.truncate(k - 1);
    ways.insert(place, way);
    true
}

fn search<F: Scalar>(
    problem: &Problem<'_, F>,
    row: usize,
    k: usize,
    workers: &Workers<'_>,
) -> Result<Vec<(Vec<i32>, F)>> {
    let (tags, steps) = (problem.tags, problem.lengths[row]);
    let mut rows = Rows::of(problem, row);
    let mut history: Vec<Vec<Vec<Way<F>>>> = Vec::with_capacity(steps);
    for step in 0..steps {
        workers.check()?;
        let mut ways = vec![vec![]; tags];
        let emissions = problem.emission(row, step);
        if let Some(before) = history.last() {
            for (tag, origins) in (0..).zip(before) {
                for (ways, &weight) in ways.iter_mut().zip(rows.after(tag as usize)) {
                    extend(ways, origins, tag, weight, k);
                }
            }
            for (ways, &emission) in ways.iter_mut().zip(emissions) {
                for way in ways.iter_mut() {
                    way.score += emission;
                }
                ways.retain(|way| way.score > F::FORBIDDEN);
            }
        } else {
            for (tag, (ways, &emission)) in ways.iter_mut().zip(emissions).enumerate() {
                let start = problem.start.get(tag).copied().unwrap_or_default();
                let score = emission + start;
                if score > F::FORBIDDEN {
                    ways.push(Way { score, tag: 0, rank: 0 });
                }
            }
        }
        history.push(ways);
    }
    let mut last = vec![];
    for (tag, ways) in (0..).zip(&history[steps - 1]) {
        let end = problem.end.get(tag as usize).copied().unwrap_or_default();
        if end > F::FORBIDDEN {
            extend(&mut last, ways, tag, end, k);
        }
    }
    Ok(last.into_iter().map(|way| (trace(&history, way), way.score)).collect())
}

/// Offers every way to reach `tag`, the best first, for what `weight` leads to.
#[inline]
fn extend<F: Scalar>(ways: &mut Vec<Way<F>>, origins: &[Way<F>], tag: u32, weight: F, k: usize) {
    if weight > F::FORBIDDEN {
        for (rank, origin) in (0..).zip(origins) {
            if !insert(ways, Way { score: origin.score + weight, tag, rank }, k) {
                break;
            }
        }
    }
}

fn trace<F: Scalar>(history: &[Vec<Vec<Way<F>>>], mut way: Way<F>) -> Vec<i32> {
    let mut path = vec![0; history.len()];
    for (place, ways) in path.iter_mut().zip(history).rev() {
        *place = label(way.tag as usize);
        way = ways[way.tag as usize][way.rank as usize];
    }
    path
}
