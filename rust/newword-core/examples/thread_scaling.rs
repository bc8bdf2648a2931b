//! How much faster two threads are than one at work of a given length that touches no memory:
//! `cargo run --release -p newword-core --example thread_scaling`.
//!
//! What a decoder gains from a second thread is at most this, on the machine where both ran.

#![allow(clippy::print_stdout, reason = "it is a measurement")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use newword_core::support::{Result, Workers};

/// Pieces for all threads, as decoders cut a batch.
const PIECES: u32 = 16;
const REPEATS: usize = 200;

fn main() -> Result<()> {
    let rounds_a_second = speed();
    let (one, two) = (Workers::caller(), Workers::kept(Some(2))?);
    for microseconds in [100, 300, 1_000, 3_000, 10_000] {
        let rounds = rounds_a_second * microseconds / 1_000_000;
        let (alone, shared) = (time(&one, rounds)?, time(&two, rounds)?);
        let ratio = alone.as_secs_f64() / shared.as_secs_f64();
        println!("{microseconds:6} us of work: {alone:.0?} and {shared:.0?}, {ratio:.2} times");
    }
    Ok(())
}

/// A chain of dependent multiplications: nothing but the core's clock decides how long it takes.
fn spin(rounds: u64) -> u64 {
    (0..rounds)
        .fold(1, |state, round| black_box(state).wrapping_mul(0x9e37_79b9).wrapping_add(round))
}

fn speed() -> u64 {
    let (rounds, start) = (20_000_000, Instant::now());
    black_box(spin(rounds));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an estimate")]
    let a_second = (rounds as f64 / start.elapsed().as_secs_f64()) as u64;
    a_second
}

/// The least time of the work in [`PIECES`] pieces.
fn time(workers: &Workers<'_>, rounds: u64) -> Result<Duration> {
    let mut least = Duration::MAX;
    for _ in 0..REPEATS {
        let start = Instant::now();
        let pieces = (0..PIECES).map(|_| rounds / u64::from(PIECES)).collect();
        black_box(workers.map(pieces, |rounds| Ok(spin(rounds)))?);
        least = least.min(start.elapsed());
    }
    Ok(least)
}
