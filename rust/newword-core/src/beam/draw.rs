//! The random choice of one token.

use super::candidates::{Candidate, id, index};
use super::constraints::{Choices, Tokens, Vocabulary};
use super::element::{BLOCK, Element, LANES};
use super::scores::Scores;
use crate::support::exp::exp;
use crate::support::hash::uniform;
use crate::support::simd::{Kernel, widest};

/// The number of best tokens that a scan finds faster than a selection from all tokens.
const FEW: usize = 256;
/// The number of best tokens among which `top_p` is looked for first.
const PROBABLE: usize = 64;

/// How a token is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Draw {
    pub(super) temperature: f64,
    pub(super) top_k: usize,
    pub(super) top_p: f64,
    pub(super) seed: u64,
}

/// A token and its weight, proportional to its probability.
type Weighted = (i32, f64);

impl Draw {
    /// The number of best tokens to find before the draw, at least 1.
    pub(super) fn width(self) -> usize {
        match self.top_k {
            _ if self.temperature == 0.0 => 1,
            1..=FEW => self.top_k,
            _ if self.top_p < 1.0 => PROBABLE,
            _ => 1,
        }
    }

    /// One of the tokens that may follow. `best` has the best [`width`](Self::width) of them, in order, and at
    /// least one; `place` identifies the draw.
    pub(super) fn choose<E: Element>(
        self,
        scores: &Scores<'_, E>,
        choices: &Choices<'_>,
        vocabulary: &Vocabulary,
        best: &[Candidate],
        place: [u64; 3],
    ) -> i32 {
        if self.temperature == 0.0 {
            return best[0].token;
        }
        let top = best[0].log_prob;
        let weight = |score: f64| exp((score - top) / self.temperature);
        let few: Vec<Weighted> = best.iter().map(|one| (one.token, weight(one.log_prob))).collect();
        let random = uniform(self.seed, place);
        if (1..=FEW).contains(&self.top_k) {
            return draw(&self.most_probable(few), random);
        }
        let weights = weights(scores, choices, vocabulary, top, self.temperature);
        if self.top_k == 0 {
            let sums = block_sums(&weights);
            let total: f64 = sums.iter().sum();
            if self.top_p >= 1.0 {
                return draw_in_blocks(&weights, &sums, random);
            }
            if few.iter().map(|one| one.1).sum::<f64>() >= self.top_p * total {
                return draw(&cut(few, self.top_p * total), random);
            }
        }
        let possible = (0..).zip(weights).filter(|(_, weight)| *weight > 0.0);
        draw(&self.most_probable(sorted(possible.collect(), self.top_k)), random)
    }

    /// The tokens left by `top_p`, of sorted ones.
    fn most_probable(self, tokens: Vec<Weighted>) -> Vec<Weighted> {
        let total: f64 = tokens.iter().map(|one| one.1).sum();
        if self.top_p < 1.0 { cut(tokens, self.top_p * total) } else { tokens }
    }
}

/// The `count` tokens of largest weight (all for 0), in order: the larger weight first, then the lower token.
fn sorted(mut tokens: Vec<Weighted>, count: usize) -> Vec<Weighted> {
    let order = |a: &Weighted, b: &Weighted| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0));
    if count > 0 && count < tokens.len() {
        tokens.select_nth_unstable_by(count - 1, order);
        tokens.truncate(count);
    }
    tokens.sort_unstable_by(order);
    tokens
}

/// The fewest of sorted tokens whose weights together reach `mass`.
fn cut(mut tokens: Vec<Weighted>, mass: f64) -> Vec<Weighted> {
    let mut reached = 0.0;
    let enough = tokens.iter().position(|one| {
        reached += one.1;
        reached >= mass
    });
    tokens.truncate(enough.map_or(tokens.len(), |place| place + 1));
    tokens
}

/// One of some tokens by weight; `random` is from 0 to 1.
fn draw(tokens: &[Weighted], random: f64) -> i32 {
    let total: f64 = tokens.iter().map(|one| one.1).sum();
    let goal = random * total;
    let mut reached = 0.0;
    let found = tokens.iter().find(|one| {
        reached += one.1;
        reached > goal
    });
    // Rounding may leave the goal just beyond the last token.
    found.or(tokens.last()).map_or(0, |one| one.0)
}

/// One of all tokens by weight, first by the sums of blocks.
fn draw_in_blocks(weights: &[f64], sums: &[f64], random: f64) -> i32 {
    let goal = random * sums.iter().sum::<f64>();
    let (mut reached, mut last) = (0.0, 0);
    for (number, (block, sum)) in weights.chunks(BLOCK).zip(sums).enumerate() {
        if reached + sum <= goal {
            reached += sum;
            continue;
        }
        for (place, &weight) in block.iter().enumerate().filter(|(_, weight)| **weight > 0.0) {
            reached += weight;
            last = number * BLOCK + place;
            if reached > goal {
                return id(last);
            }
        }
    }
    // The goal is below the sum of all blocks, so one was searched; rounding may leave the goal beyond it.
    id(last)
}

/// The weights of all tokens; 0 for those that may not follow. The token of score `top` has a weight of 1.
fn weights<E: Element>(
    scores: &Scores<'_, E>,
    choices: &Choices<'_>,
    vocabulary: &Vocabulary,
    top: f64,
    temperature: f64,
) -> Vec<f64> {
    let of = |token: i32| exp((scores.value(0, index(token)) - top) / temperature);
    let mut weights = vec![0.0; vocabulary.size];
    match choices.tokens {
        Tokens::All => {
            widest(Exponentials { row: scores.row(0, 0), top, temperature, out: &mut weights });
            for token in choices.excluded(vocabulary) {
                weights[index(token)] = 0.0;
            }
        }
        Tokens::Listed(tokens) => {
            for &token in tokens.iter().filter(|token| choices.admit(**token, vocabulary)) {
                weights[index(token)] = of(token);
            }
        }
    }
    for &end in &choices.ends {
        weights[index(end)] = of(end);
    }
    weights
}

/// `out[i]`: exp((row[i] - top) / temperature).
struct Exponentials<'a, E> {
    row: &'a [E],
    top: f64,
    temperature: f64,
    out: &'a mut [f64],
}

impl<E: Element> Kernel for Exponentials<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let mut buffer = [E::Wide::default(); BLOCK];
        for (block, out) in self.row.chunks(BLOCK).zip(self.out.chunks_mut(BLOCK)) {
            for (out, &value) in out.iter_mut().zip(E::widen(block, &mut buffer)) {
                // What is larger than `top` may not follow, and its weight does not count.
                let scaled = ((value.into() - self.top) / self.temperature).min(0.0);
                *out = exp(scaled);
            }
        }
    }
}

/// The sum of each block of numbers, in an order that does not depend on the processor.
fn block_sums(numbers: &[f64]) -> Vec<f64> {
    numbers.chunks(BLOCK).map(sum).collect()
}

/// The sum of some numbers, several at a time.
#[inline(always)]
fn sum(numbers: &[f64]) -> f64 {
    let (whole, rest) = numbers.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for values in whole {
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += value;
        }
    }
    sums.iter().chain(rest).sum()
}

/// The logarithm of the sum of exponentials of a row; negative infinity if every score is.
pub(super) fn log_sum_exp<E: Element>(row: &[E]) -> f64 {
    let top = widest(Largest { row });
    if top == f64::NEG_INFINITY {
        return top;
    }
    let mut exponentials = vec![0.0; row.len()];
    widest(Exponentials { row, top, temperature: 1.0, out: &mut exponentials });
    top + block_sums(&exponentials).iter().sum::<f64>().ln()
}

struct Largest<'a, E> {
    row: &'a [E],
}

impl<E: Element> Kernel for Largest<'_, E> {
    type Output = f64;

    #[inline(always)]
    fn run(self) -> f64 {
        let mut tops = [f64::NEG_INFINITY; LANES];
        for values in self.row.chunks(LANES) {
            for (top, value) in tops.iter_mut().zip(values) {
                let value: f64 = value.wide().into();
                *top = if value > *top { value } else { *top };
            }
        }
        tops.into_iter().fold(f64::NEG_INFINITY, f64::max)
    }
}
