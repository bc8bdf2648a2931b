//! Test-only: jobs with as little memory as there may be.

use super::{Context, MemoryBudget};

pub fn job(threads: usize) -> Context {
    Context::new(Some(threads), MemoryBudget::new(MemoryBudget::LEAST).unwrap(), None).unwrap()
}
