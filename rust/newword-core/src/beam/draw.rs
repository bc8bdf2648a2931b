//! The random choice of one token.

use super::candidates::{id, index};
use super::constraints::{Choices, Tokens, Vocabulary};
use super::element::{BLOCK, Element, LANES};
use super::scores::Scores;
use crate::support::exp::exp;
use crate::support::hash::uniform;
use crate::support::simd::{Kernel, widest};

/// A token and its score.
type Scored = (i32, f64);

/// The tokens that may follow, with their scores; end tokens come last. Tokens of score negative infinity are
/// left out.
pub(super) fn open_tokens<E: Element>(
    scores: &Scores<'_, E>,
    choices: &Choices<'_>,
    vocabulary: &Vocabulary,
) -> Vec<Scored> {
    let scored = |token: i32| (token, scores.value(0, index(token)));
    let ends = choices.ends.iter().map(|&end| scored(end));
    let admitted = |token: &i32| choices.admit(*token, vocabulary);
    let possible = |(_, score): &Scored| *score > f64::NEG_INFINITY;
    match choices.tokens {
        Tokens::All => {
            let ordinary = (0..id(vocabulary.size)).filter(admitted).map(scored);
            ordinary.chain(ends).filter(possible).collect()
        }
        Tokens::Listed(tokens) => {
            let listed = tokens.iter().copied().filter(admitted).map(scored);
            listed.chain(ends).filter(possible).collect()
        }
    }
}

/// How a token is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draw {
    pub(super) temperature: f64,
    pub(super) top_k: usize,
    pub(super) top_p: f64,
    pub(super) seed: u64,
}

/// Sorts by score, descending, then by token, ascending.
fn order(a: &Scored, b: &Scored) -> std::cmp::Ordering {
    b.1.total_cmp(&a.1).then(a.0.cmp(&b.0))
}

impl Draw {
    /// One of `open`, which is not empty. `place` identifies the draw.
    pub(super) fn choose(self, mut open: Vec<Scored>, place: [u64; 3]) -> i32 {
        let best = *open.iter().min_by(|a, b| order(a, b)).unwrap_or(&open[0]);
        if self.temperature == 0.0 {
            return best.0;
        }
        if self.top_k > 0 && self.top_k < open.len() {
            open.select_nth_unstable_by(self.top_k - 1, order);
            open.truncate(self.top_k);
            open.sort_unstable_by(order);
        }
        let weight = |score: f64| ((score - best.1) / self.temperature).exp();
        if self.top_p < 1.0 {
            let total: f64 = open.iter().map(|one| weight(one.1)).sum();
            keep_most_probable(&mut open, weight, self.top_p * total);
        }
        let mut reached = 0.0;
        let sums: Vec<f64> = open
            .iter()
            .map(|one| {
                reached += weight(one.1);
                reached
            })
            .collect();
        let goal = uniform(self.seed, place) * reached;
        // The first token whose cumulative weight is above the goal.
        open[sums.partition_point(|&sum| sum <= goal).min(open.len() - 1)].0
    }
}

/// Keeps the fewest tokens of highest score whose weights together reach `mass`. Sorts only as many as needed.
fn keep_most_probable(open: &mut Vec<Scored>, weight: impl Fn(f64) -> f64, mass: f64) {
    let mut sorted = 0;
    let mut reached = 0.0;
    let mut size = 64;
    while sorted < open.len() {
        let end = (sorted + size).min(open.len());
        let rest = &mut open[sorted..];
        if end - sorted < rest.len() {
            rest.select_nth_unstable_by(end - sorted - 1, order);
        }
        open[sorted..end].sort_unstable_by(order);
        for place in sorted..end {
            reached += weight(open[place].1);
            if reached >= mass {
                open.truncate(place + 1);
                return;
            }
        }
        sorted = end;
        size *= 2;
    }
}

/// The logarithm of the sum of exponentials of a row; negative infinity if every score is.
pub(super) fn log_sum_exp<E: Element>(row: &[E]) -> f64 {
    widest(LogSumExp { row })
}

struct LogSumExp<'a, E> {
    row: &'a [E],
}

impl<E: Element> Kernel for LogSumExp<'_, E> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let top = self.fold(f64::NEG_INFINITY, |top, value| if value > top { value } else { top });
        let top = top.into_iter().fold(f64::NEG_INFINITY, f64::max);
        if top == f64::NEG_INFINITY {
            return top;
        }
        let sums = self.fold(0.0, |sum, value| sum + exp(value - top));
        top + sums.into_iter().sum::<f64>().ln()
    }
}

impl<E: Element> LogSumExp<'_, E> {
    /// Folds the row into several numbers at a time.
    #[inline(always)]
    fn fold(&self, start: f64, one: impl Fn(f64, f64) -> f64) -> [f64; LANES] {
        let mut lanes = [start; LANES];
        let mut buffer = [E::Wide::default(); BLOCK];
        for block in self.row.chunks(BLOCK) {
            let (whole, rest) = E::widen(block, &mut buffer).as_chunks::<LANES>();
            for values in whole {
                lanes = std::array::from_fn(|lane| one(lanes[lane], values[lane].into()));
            }
            for (lane, &value) in lanes.iter_mut().zip(rest) {
                *lane = one(*lane, value.into());
            }
        }
        lanes
    }
}
