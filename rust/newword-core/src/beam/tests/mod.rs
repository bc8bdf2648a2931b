//! Searches against exhaustive enumeration, with models whose scores are exact in 64 bits.

#![allow(clippy::float_cmp, reason = "sums of the same numbers in the same order are equal")]

mod constraints;
mod exhaustive;
mod scans;
mod steps;

use std::sync::Arc;

use super::*;
use crate::support::Workers;
use crate::support::hash::uniform;

/// The end token of all tests.
const END: i32 = 0;

/// A model with few different scores, so that there are ties. Their sums are exact.
#[derive(Debug, Clone, Copy)]
struct Toy {
    seed: u64,
    vocabulary: usize,
}

impl Toy {
    /// The scores of the tokens that may follow.
    fn scores(self, source: usize, tokens: &[i32]) -> Vec<f64> {
        let path = tokens
            .iter()
            .fold(source as u64 + 1, |sum, &token| sum * 31 + u64::from(token.unsigned_abs()) + 1);
        let kinds = [-0.25, -0.5, -0.75, -1.0, -1.5, -3.0, f64::NEG_INFINITY];
        let score = |token: usize| {
            let place = uniform(self.seed, [path, token as u64, 0]) * kinds.len() as f64;
            // The first token is always possible, so that no search is stuck.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 6")]
            let place = (place as usize).min(kinds.len() - if token < 2 { 2 } else { 1 });
            kinds[place]
        };
        (0..self.vocabulary).map(score).collect()
    }
}

fn constraints(max_length: usize) -> Constraints {
    Constraints {
        end_tokens: vec![END],
        pad_token: END,
        max_length: vec![max_length],
        min_length: vec![0],
        force_end: false,
        no_repeat: 0,
        forbidden: vec![],
        prefixes: vec![],
        allowed: vec![],
    }
}

fn options(batch: usize, beams: usize, max_length: usize) -> BeamOptions {
    BeamOptions {
        batch,
        beams,
        groups: 1,
        diversity: 0.0,
        n_best: 1,
        penalty: LengthPenalty::None,
        count_end: true,
        early_stopping: true,
        constraints: constraints(max_length),
    }
}

fn trie(sequences: &[&[i32]]) -> Arc<TokenTrie> {
    Arc::new(TokenTrie::new(sequences).unwrap())
}

/// What a caller keeps: the tokens that each row was fed.
struct Caller {
    toy: Toy,
    batch: usize,
    rows: Vec<Vec<i32>>,
}

impl Caller {
    fn new(toy: Toy, batch: usize) -> Self {
        Self { toy, batch, rows: vec![vec![]; batch] }
    }

    /// The scores of every row; NaN for rows without a hypothesis, which must not be read.
    fn scores(&self, live: &[Option<Vec<i32>>]) -> Vec<f64> {
        let source = |row: usize| row * self.batch / self.rows.len();
        let row = |(row, tokens): (usize, &Vec<i32>)| {
            if self.rows.len() == live.len() && live[row].is_none() {
                return vec![f64::NAN; self.toy.vocabulary];
            }
            self.toy.scores(source(row), tokens)
        };
        self.rows.iter().enumerate().flat_map(row).collect()
    }

    fn advance(&mut self, step: &Step) {
        let parents = step.parents.iter().zip(&step.tokens);
        self.rows = parents
            .map(|(&parent, &token)| {
                let mut row = self.rows[usize::try_from(parent).unwrap()].clone();
                row.push(token);
                row
            })
            .collect();
    }
}

/// Runs a search to its end and returns it.
fn run(options: BeamOptions, toy: Toy, threads: usize) -> BeamSearch {
    let workers = Workers::kept(Some(threads)).unwrap();
    let mut caller = Caller::new(toy, options.batch);
    let mut search = BeamSearch::new(options).unwrap();
    while search.finished().contains(&false) {
        let live = search.live();
        if search.steps() > 0 {
            for (row, tokens) in caller.rows.iter().zip(&live) {
                assert!(tokens.as_ref().is_none_or(|tokens| tokens == row));
            }
        }
        let scores = caller.scores(&live);
        let shape = [caller.rows.len(), toy.vocabulary];
        let step = search.step(&scores, shape, &[], &workers).unwrap();
        caller.advance(&step);
    }
    search
}
