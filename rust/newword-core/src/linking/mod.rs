//! Entity linking: knowledge bases in mapped files, and the mentions of their names in text.

mod base;
mod build;
mod file;
mod labels;
mod matching;
mod name_set;
mod normalize;
mod optimal;
mod record;
mod rows;
mod source;
#[cfg(test)]
mod tests;

pub use base::{KnowledgeBase, Summary};
pub use build::{BuildOptions, Builder, Skipped};
pub use matching::{Matches, Mode};
pub use name_set::NameSet;
pub use normalize::Normalization;
pub use record::{Entity, Schema, Wrong};
pub use source::{Place, Pull, Source};
