//! The algorithms of `newword`, usable from Rust alone.
//!
//! Dependencies point one way: [`discovery`] uses [`segmentation`], which uses [`ngram`], which uses [`corpus`];
//! [`linking`] uses [`corpus`] and [`lexicon`]; [`tagging`], [`beam`] and [`lexicon`] depend on none of them nor on each other; all may use [`support`]. The crate does not depend on Python.

pub mod beam;
pub mod corpus;
pub mod discovery;
pub mod lexicon;
pub mod linking;
pub mod ngram;
pub mod segmentation;
pub mod support;
pub mod tagging;
mod trie;
