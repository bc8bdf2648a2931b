//! Exact n-gram counting in bounded memory.

mod count;
mod group;
mod join;
mod key;
mod parts;
mod plan;
mod rows;
mod scatter;
mod split;
mod sums;
mod sweep;
mod table;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use count::{CountOptions, count};
pub use parts::IdParts;
pub use table::{Level, NgramTable};
