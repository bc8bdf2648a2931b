//! Shared by all modules: errors, cancellation, progress, threads, the memory budget, hashing,
//! mapped arrays.

pub mod arrays;
pub mod context;
pub mod error;
pub(crate) mod exp;
pub mod hash;
pub mod keyed;
pub mod memory;
pub(crate) mod names;
pub(crate) mod simd;
pub(crate) mod spill;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod varint;
pub mod wire;
pub mod workers;

pub use context::{Context, Progress, Stage};
pub use error::{Error, Result};
pub use memory::MemoryBudget;
pub use workers::Workers;
