//! Decoding of tag sequences, from scores of tags at each step and of successive tags.
//!
//! [`Problem::new`] validates a batch for all decoders. A score of negative infinity is a constraint,
//! NaN an error. Ties go to the path with the lower tag at the last step where the paths differ.

#![allow(
    clippy::inline_always,
    reason = "a kernel must be inlined whole to be built with wide vectors"
)]
#![allow(
    clippy::needless_bitwise_bool,
    reason = "branches keep loops over lanes from being vectors"
)]
#![allow(clippy::float_cmp, reason = "what is forbidden is exactly negative infinity")]

mod beam;
mod exp;
mod forward_backward;
mod k_best;
mod log_domain;
mod normalize;
mod path_score;
mod paths;
mod pieces;
mod posterior;
mod problem;
mod relax;
mod rows;
mod sampling;
mod scalar;
mod second_order;
#[cfg(test)]
mod tests;
mod viterbi;

pub use beam::beam_search;
pub use forward_backward::{log_partition, marginals};
pub use k_best::{BestPaths, k_best};
pub use normalize::Normalization;
pub use path_score::path_score;
pub use paths::Paths;
pub use posterior::posterior_decode;
pub use problem::{Problem, Scores, Transitions};
pub use sampling::sample;
pub use scalar::Scalar;
pub use second_order::viterbi_second_order;
pub use viterbi::viterbi;
