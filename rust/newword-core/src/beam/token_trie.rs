//! A set of allowed sequences of tokens, compiled into a trie.

use std::collections::VecDeque;

use crate::support::{Error, Result};

/// A trie over sequences of tokens, in three flat arrays.
///
/// Nodes are numbered breadth first, children in the order of their tokens. Edge `e` therefore leads to node
/// `e + 1`, and no targets are stored. Node `n` has the edges `first[n]..first[n + 1]`.
#[derive(Debug, Clone)]
pub struct TokenTrie {
    first: Vec<u32>,
    labels: Vec<i32>,
    complete: Vec<bool>,
    largest: Option<i32>,
}

impl TokenTrie {
    pub(super) const ROOT: u32 = 0;

    /// The trie of some sequences; repeated ones count once. O(total length × log(number of sequences)).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for an empty set, a negative token, or 2^31 tokens or more.
    pub fn new(sequences: &[&[i32]]) -> Result<Self> {
        if sequences.is_empty() {
            return Err(Error::invalid("sequences", "must not be empty", "none"));
        }
        let total: usize = sequences.iter().map(|sequence| sequence.len()).sum();
        if total >= i32::MAX as usize {
            return Err(Error::invalid("sequences", "must have fewer than 2^31 tokens", total));
        }
        for (row, sequence) in sequences.iter().enumerate() {
            if let Some(token) = sequence.iter().find(|&&token| token < 0) {
                let value = format!("{token} in sequence {row}");
                return Err(Error::invalid("sequences", "must have tokens of at least 0", value));
            }
        }
        let largest = sequences.iter().flat_map(|one| one.iter()).copied().max();
        let mut sorted = sequences.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        let mut trie = Self { first: vec![], labels: vec![], complete: vec![], largest };
        trie.fill(&sorted);
        Ok(trie)
    }

    fn fill(&mut self, sorted: &[&[i32]]) {
        // Each node is the range of sequences that share its path, and the length of the path.
        let mut queue = VecDeque::from([(0..sorted.len(), 0)]);
        while let Some((range, depth)) = queue.pop_front() {
            self.first.push(number(self.labels.len()));
            let complete = sorted[range.start].len() == depth;
            self.complete.push(complete);
            let mut start = range.start + usize::from(complete);
            while start < range.end {
                let label = sorted[start][depth];
                let count = sorted[start..range.end].partition_point(|one| one[depth] == label);
                self.labels.push(label);
                queue.push_back((start..start + count, depth + 1));
                start += count;
            }
        }
        self.first.push(number(self.labels.len()));
    }

    /// The number of nodes, the root included.
    pub fn nodes(&self) -> usize {
        self.complete.len()
    }

    /// The number of sequences.
    pub fn sequences(&self) -> usize {
        self.complete.iter().filter(|&&complete| complete).count()
    }

    fn edges(&self, state: u32) -> std::ops::Range<usize> {
        self.first[state as usize] as usize..self.first[state as usize + 1] as usize
    }

    /// The node after a token, or `None` if no sequence continues with it.
    pub(super) fn next(&self, state: u32, token: i32) -> Option<u32> {
        let edges = self.edges(state);
        let place = self.labels[edges.clone()].binary_search(&token).ok()?;
        Some(number(edges.start + place) + 1)
    }

    /// The tokens with which sequences continue, ascending.
    pub(super) fn tokens(&self, state: u32) -> &[i32] {
        &self.labels[self.edges(state)]
    }

    /// Whether a sequence ends at a node.
    pub(super) fn is_complete(&self, state: u32) -> bool {
        self.complete[state as usize]
    }

    /// The largest token; `None` if the only sequence is empty.
    pub(super) fn largest(&self) -> Option<i32> {
        self.largest
    }
}

/// The number of a node or an edge.
#[allow(clippy::cast_possible_truncation, reason = "a trie has fewer than 2^31 edges")]
fn number(place: usize) -> u32 {
    place as u32
}
