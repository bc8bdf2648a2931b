//! The algorithms of `newword`, usable from Rust alone.
//!
//! Arrows point one way: [`lexicon`] uses [`ngram`], which uses [`corpus`]; [`tagging`] knows none of
//! them; all may use [`support`]. Nothing here knows of Python.

pub mod corpus;
pub mod lexicon;
pub mod ngram;
pub mod support;
pub mod tagging;
