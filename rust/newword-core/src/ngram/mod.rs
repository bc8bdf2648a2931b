//! Exact n-gram counting in bounded memory.

mod count;
mod table;

pub use count::{CountOptions, count};
pub use table::{Level, NgramTable};
