//! A double-array trie over sequences of `u32` labels.
//!
//! Method: Aoe, "An efficient digital search algorithm by using a double-array structure" (1989).
//! One step costs one array access, whatever the alphabet's size.

use crate::support::{Error, Result};

/// Set in [`Node::check`] where a key ends at the node.
const KEY: u32 = 1 << 31;
/// The check of a slot that no node uses; also the largest number of slots.
const FREE: u32 = KEY - 1;
/// How many places a node with several children tries before the search moves on for good.
const PATIENCE: u32 = 64;

/// A slot. The child of node `p` under label `l` lies at `base(p) + l` (modulo 2^32) and names `p`
/// in its check; the root is slot 0.
#[derive(Debug, Clone, Copy)]
struct Node {
    base: u32,
    check: u32,
}

/// A set of label sequences. Nodes are named by their slots, which lie below [`Trie::slots`]. The
/// last slot is never used, so that it can stand for no node.
#[derive(Debug, Clone)]
pub struct Trie {
    nodes: Vec<Node>,
    longest: usize,
}

impl Trie {
    /// The root's slot, where every walk starts.
    pub const ROOT: u32 = 0;

    /// A trie of `count` keys. `key` gives them by rank; they must be sorted and distinct, an
    /// empty one is left out. O(total length) in practice.
    ///
    /// # Errors
    /// [`Error::Memory`] where more than 2^31 slots were needed.
    pub fn build<'k>(count: usize, key: impl Fn(usize) -> &'k [u32]) -> Result<Self> {
        let (mut builder, mut longest) = (Builder::new(), 0);
        let mut queue = std::collections::VecDeque::new();
        let first = (0..count).position(|rank| !key(rank).is_empty()).unwrap_or(count);
        queue.push_back((Self::ROOT, first..count, 0_usize));
        let mut children: Vec<(u32, std::ops::Range<usize>)> = Vec::new();
        while let Some((node, range, depth)) = queue.pop_front() {
            children.clear();
            for rank in range {
                let label = key(rank)[depth];
                match children.last_mut() {
                    Some((last, ranks)) if *last == label => ranks.end = rank + 1,
                    _ => children.push((label, rank..rank + 1)),
                }
            }
            if children.is_empty() {
                continue;
            }
            let base = builder.place(node, &children)?;
            for (label, ranks) in children.drain(..) {
                let child = base.wrapping_add(label);
                let mut rest = ranks;
                longest = depth + 1;
                if key(rest.start).len() == depth + 1 {
                    builder.nodes[child as usize].check |= KEY;
                    rest.start += 1;
                }
                if !rest.is_empty() {
                    queue.push_back((child, rest, depth + 1));
                }
            }
        }
        builder.nodes.push(Node { base: 0, check: FREE });
        Ok(Self { nodes: builder.nodes, longest })
    }

    /// The child of `node` under `label`.
    #[inline]
    pub fn child(&self, node: u32, label: u32) -> Option<u32> {
        let slot = self.nodes[node as usize].base.wrapping_add(label);
        let found = self.nodes.get(slot as usize)?;
        (found.check & !KEY == node).then_some(slot)
    }

    /// What stands for no node: it has no children and ends no key.
    #[inline]
    pub fn none(&self) -> u32 {
        // Fits: there are no more than 2^31 slots.
        #[allow(clippy::cast_possible_truncation)]
        let last = (self.nodes.len() - 1) as u32;
        last
    }

    /// As [`Trie::child`] with [`Trie::none`] for none, and without a branch: for walks whose ends
    /// no processor can foresee.
    #[inline]
    pub fn step(&self, node: u32, label: u32) -> u32 {
        let slot = self.nodes[node as usize].base.wrapping_add(label).min(self.none());
        let is_child = self.nodes[slot as usize].check & !KEY == node;
        std::hint::select_unpredictable(is_child, slot, self.none())
    }

    /// Whether a key ends at `node`.
    #[inline]
    pub fn is_key(&self, node: u32) -> bool {
        self.nodes[node as usize].check & KEY != 0
    }

    /// `node` where a key ends at it, `other` elsewhere, without a branch.
    #[inline]
    pub fn key_or(&self, node: u32, other: u32) -> u32 {
        std::hint::select_unpredictable(self.is_key(node), node, other)
    }

    /// The node that a sequence leads to, whether or not a key ends there. O(length).
    pub fn walk(&self, labels: &[u32]) -> Option<u32> {
        labels.iter().try_fold(Self::ROOT, |node, &label| self.child(node, label))
    }

    /// Whether a sequence is a key. O(length).
    pub fn contains(&self, labels: &[u32]) -> bool {
        self.walk(labels).is_some_and(|node| self.is_key(node))
    }

    /// The length of the longest key.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// How many slots there are; every node's name is below it.
    pub fn slots(&self) -> usize {
        self.nodes.len()
    }
}

/// A trie being built: nodes are placed breadth first, so the widest come while there is room.
struct Builder {
    nodes: Vec<Node>,
    /// One bit a slot, set where it is free. Slots past the end are free.
    free: Vec<u64>,
    /// Where the search for room starts, by the number of children (15: 15 and more).
    cursors: [u32; 16],
}

impl Builder {
    fn new() -> Self {
        let mut builder = Self { nodes: Vec::new(), free: Vec::new(), cursors: [1; 16] };
        builder.grow(1);
        builder.take(Trie::ROOT, FREE);
        builder
    }

    fn grow(&mut self, slots: usize) {
        let words = slots.div_ceil(64).max(self.free.len());
        self.free.resize(words, u64::MAX);
        self.nodes.resize(words * 64, Node { base: 0, check: FREE });
    }

    fn take(&mut self, slot: u32, parent: u32) {
        self.free[slot as usize / 64] &= !(1 << (slot % 64));
        self.nodes[slot as usize].check = parent;
    }

    fn is_free(&self, slot: u32) -> bool {
        self.free.get(slot as usize / 64).is_none_or(|word| word >> (slot % 64) & 1 == 1)
    }

    /// The first free slot at or after `from`.
    fn next_free(&self, from: u32) -> u32 {
        let mut word = from as usize / 64;
        let mut mask = u64::MAX << (from % 64);
        while let Some(bits) = self.free.get(word) {
            if bits & mask != 0 {
                // Fits: `grow` is never asked for more than 2^31 slots.
                #[allow(clippy::cast_possible_truncation)]
                return (word * 64) as u32 + (bits & mask).trailing_zeros();
            }
            word += 1;
            mask = u64::MAX;
        }
        #[allow(clippy::cast_possible_truncation)] // As above.
        from.max((self.free.len() * 64) as u32)
    }

    /// Finds room for the children of `node` and returns the base that leads to it.
    fn place<T>(&mut self, node: u32, children: &[(u32, T)]) -> Result<u32> {
        let (first, last) = (children[0].0, children[children.len() - 1].0);
        let cursor = children.len().min(self.cursors.len() - 1);
        let mut slot = self.next_free(self.cursors[cursor]);
        let mut tried = 0;
        while !children[1..].iter().all(|(label, _)| self.is_free(slot + (label - first))) {
            slot = self.next_free(slot + 1);
            tried += 1;
        }
        if tried > PATIENCE || children.len() == 1 {
            self.cursors[cursor] = slot;
        }
        let end = u64::from(slot) + u64::from(last - first) + 1;
        if end >= u64::from(FREE) {
            return Err(Error::Memory("the lexicon's trie would need over 2^31 slots".into()));
        }
        self.grow(usize::try_from(end).unwrap_or(usize::MAX));
        let base = slot.wrapping_sub(first);
        self.nodes[node as usize].base = base;
        for (label, _) in children {
            self.take(base.wrapping_add(*label), node);
        }
        Ok(base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn trie_of(keys: &BTreeSet<Vec<u32>>) -> Trie {
        let keys: Vec<&Vec<u32>> = keys.iter().collect();
        Trie::build(keys.len(), |rank| keys[rank]).unwrap()
    }

    #[test]
    fn an_empty_trie_knows_nothing() {
        let trie = trie_of(&BTreeSet::new());
        assert!(!trie.contains(&[]) && !trie.contains(&[0]) && !trie.contains(&[u32::MAX]));
        let trie = trie_of(&BTreeSet::from([vec![]]));
        assert!(!trie.contains(&[]) && !trie.contains(&[1]));
    }

    #[test]
    fn large_labels_and_prefixes_are_told_apart() {
        let keys = BTreeSet::from([vec![7], vec![7, 90_000], vec![90_000, 7, 7]]);
        let trie = trie_of(&keys);
        for key in &keys {
            assert!(trie.contains(key));
        }
        assert!(!trie.contains(&[90_000]) && !trie.contains(&[90_000, 7]));
        assert!(trie.walk(&[90_000, 7]).is_some() && !trie.contains(&[7, 7]));
    }

    proptest! {
        #[test]
        fn it_holds_exactly_its_keys(
            keys in prop::collection::btree_set(prop::collection::vec(0_u32..12, 1..5), 0..200),
            others in prop::collection::vec(prop::collection::vec(0_u32..13, 0..6), 0..200),
        ) {
            let trie = trie_of(&keys);
            prop_assert!(keys.iter().all(|key| trie.contains(key)));
            for other in others {
                prop_assert_eq!(trie.contains(&other), keys.contains(&other));
                let stepped =
                    other.iter().fold(Trie::ROOT, |node, label| trie.step(node, *label));
                prop_assert_eq!(stepped, trie.walk(&other).unwrap_or(trie.none()));
            }
        }
    }
}
