//! Exact n-gram counting in bounded memory.

mod cohesion;
mod count;
mod file;
mod group;
mod join;
mod key;
mod links;
mod listed;
mod options;
mod parts;
mod plan;
mod rows;
mod scatter;
mod split;
mod sums;
mod sweep;
mod table;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub(crate) use cohesion::Cohesion;
pub use count::count;
pub use file::{
    CountFile, CountHeader, CountMeta, CountSource, GramColumns, Grams, GroupFiles, Remaining,
    RemoteCounts, RightSums, SourceState, append, check_settings, count_groups, merge,
    merge_for_sums, remaining, right_sums, shares, table_from_file, write_columns, write_counts,
};
pub(crate) use group::Tally;
pub(crate) use links::Links;
pub use options::{CountOptions, Neighbours};
pub use parts::IdParts;
pub(crate) use plan::fit;
pub(crate) use sums::{Sum, Terms, nats};
pub(crate) use table::entropy;
pub use table::{Level, NgramTable};
