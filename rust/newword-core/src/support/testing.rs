//! Test-only: jobs with the smallest memory budget.

use super::{Context, MemoryBudget};

pub fn job(threads: usize) -> Context {
    Context::new(Some(threads), MemoryBudget::new(MemoryBudget::LEAST).unwrap(), None).unwrap()
}
