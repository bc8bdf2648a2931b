//! The algorithms of `newword`, usable from Rust alone.
//!
//! Arrows point one way: [`discovery`] uses [`segmentation`], which uses [`ngram`], which uses [`corpus`];
//! [`tagging`] knows none of them; all may use [`support`]. Nothing here knows of Python.

pub mod corpus;
pub mod discovery;
pub mod ngram;
pub mod segmentation;
pub mod support;
pub mod tagging;
mod trie;
