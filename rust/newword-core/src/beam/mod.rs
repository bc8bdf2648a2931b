//! Generation of sequences: the caller's model scores the next tokens of hypotheses, a search chooses how they
//! continue.
//!
//! The model has a fixed number of rows, one for each hypothesis. A step takes the log-probabilities of every
//! row and returns a parent row and a token for each. Results do not depend on the number of threads. Ties go to
//! the lower parent, then to the lower token. Log-probabilities are added in 64 bits, token by token.

#![allow(
    clippy::inline_always,
    reason = "a kernel must be inlined whole to be compiled with wide vectors"
)]

mod bidirectional;
mod candidates;
mod checks;
mod constraints;
mod draw;
mod element;
mod history;
mod live;
mod penalty;
mod pool;
mod rows;
mod sampler;
mod scores;
mod search;
#[cfg(test)]
mod tests;
mod token_trie;

pub use bidirectional::{BidirectionalBeamSearch, BidirectionalOptions, Pairing};
pub use constraints::Constraints;
pub use element::Element;
pub use half::{bf16, f16};
pub use penalty::LengthPenalty;
pub use pool::Hypothesis;
pub use rows::Step;
pub use sampler::{Sampler, SamplerOptions};
pub use search::{BeamOptions, BeamSearch};
pub use token_trie::TokenTrie;
