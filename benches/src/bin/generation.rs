//! A step of beam search and a bare pass over the same memory, in turns: `generation [TURNS]`. Prints lines of threads,
//! arrays in turn, and the median and shortest microseconds of both.

use std::hint::black_box;
use std::time::Instant;

use newword_core::beam::{BeamOptions, BeamSearch, Constraints, LengthPenalty};
use newword_core::support::{Result, Workers};

const BATCH: usize = 32;
const BEAMS: usize = 5;
const VOCABULARY: usize = 32_000;
const ROWS: usize = BATCH * BEAMS;

fn main() -> Result<()> {
    let turns = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(100);
    // One array stays in the cache, if that is large enough; eight do not.
    for count in [1, 8] {
        let arrays: Vec<_> = (0..count).map(scores).collect();
        for threads in [1, 2] {
            let workers = Workers::kept(Some(threads))?;
            let mut search = search()?;
            // From the second step on, all rows are read.
            step(&mut search, &arrays[0], &workers)?;
            let (mut passes, mut steps) = (vec![], vec![]);
            for turn in 0..turns {
                for (place, array) in arrays.iter().enumerate() {
                    // What ran last has filled the cache: both go first in turn.
                    if (turn + place) % 2 == 0 {
                        passes.push(timed(|| pass(array, &workers))?);
                        steps.push(timed(|| step(&mut search, array, &workers))?);
                    } else {
                        steps.push(timed(|| step(&mut search, array, &workers))?);
                        passes.push(timed(|| pass(array, &workers))?);
                    }
                }
            }
            let [pass, step] = [passes, steps].map(summary);
            println!("{threads} {count} {pass} {step}");
        }
    }
    Ok(())
}

/// Log-probabilities of random numbers of about normal distribution. The end token is improbable.
fn scores(seed: u64) -> Vec<f32> {
    let mut state = seed + 1;
    let mut uniform = move || {
        // A linear congruential generator (Knuth, MMIX).
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / 16_777_216.0
    };
    let mut values: Vec<f32> = (0..ROWS * VOCABULARY)
        .map(|_| (uniform() + uniform() + uniform() + uniform() - 2.0) * 1.73)
        .collect();
    for row in values.chunks_exact_mut(VOCABULARY) {
        row[0] = -20.0;
        let total = row.iter().map(|value| value.exp()).sum::<f32>().ln();
        for value in row {
            *value -= total;
        }
    }
    values
}

fn search() -> Result<BeamSearch> {
    BeamSearch::new(BeamOptions {
        batch: BATCH,
        beams: BEAMS,
        groups: 1,
        diversity: 0.0,
        n_best: 1,
        penalty: LengthPenalty::None,
        count_end: true,
        early_stopping: true,
        constraints: Constraints {
            end_tokens: vec![0],
            pad_token: 0,
            max_length: vec![1 << 30],
            min_length: vec![1 << 30],
            force_end: false,
            no_repeat: 0,
            forbidden: vec![],
            prefixes: vec![],
            allowed: vec![],
        },
    })
}

fn step(search: &mut BeamSearch, scores: &[f32], workers: &Workers<'_>) -> Result<()> {
    let step = search.step(scores, [ROWS, VOCABULARY], &[], workers)?;
    assert!(step.tokens.iter().all(|&token| token > 0), "the search lost its hypotheses");
    Ok(())
}

/// Reads every number once: the sum of their bits, in as many pieces as there are sources.
fn pass(scores: &[f32], workers: &Workers<'_>) -> Result<()> {
    let sum = |piece: &[f32]| {
        let mut sums = [0_u32; 64];
        for values in piece.as_chunks::<64>().0 {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum = sum.wrapping_add(value.to_bits());
            }
        }
        Ok(sums)
    };
    let pieces = scores.chunks_exact(BEAMS * VOCABULARY).collect();
    black_box(workers.map(pieces, sum)?);
    Ok(())
}

/// The microseconds of one run.
fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64() * 1e6)
}

/// The median and the shortest.
fn summary(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    format!("{:.1} {:.1}", times[times.len() / 2], times[0])
}
