//! The algorithms of `newword`, usable from Rust alone.
//!
//! Dependencies point one way: [`discovery`] uses [`segmentation`], which uses [`ngram`], which uses [`corpus`];
//! [`tagging`], [`beam`] and [`lexicon`] depend on none of them nor on each other; all may use [`support`]. The crate does not depend on Python.

pub mod beam;
pub mod corpus;
pub mod discovery;
pub mod lexicon;
pub mod ngram;
pub mod segmentation;
pub mod support;
pub mod tagging;
mod trie;
