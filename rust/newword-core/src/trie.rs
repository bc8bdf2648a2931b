//! A double-array trie over sequences of `u32` labels.
//!
//! Method: Aoe, "An efficient digital search algorithm by using a double-array structure" (1989).
//! One step costs one array access, whatever the alphabet's size. All keys that begin at a place are
//! found by one walk from it.

use std::ops::{Deref, Range};

use crate::support::arrays::Array;
use crate::support::{Error, Result};

/// Set in the check of a [`Node`] where a key ends at the node.
const KEY: u32 = 1 << 31;
/// Set in the check of a node whose children lie in blocks.
const WIDE: u32 = 1 << 30;
/// The rest of a check: what the node is a child of.
const PARENT: u32 = WIDE - 1;
/// The parent of a slot that no node uses; also the largest number of slots.
const FREE: u32 = PARENT;
/// From so many keys on, children of a node are divided into blocks where they are many.
const MANY_KEYS: usize = if cfg!(test) { 8 } else { 1 << 20 };
/// So many children.
const MANY_CHILDREN: usize = if cfg!(test) { 4 } else { 32 };
/// A block has the children whose labels agree in all but so many bits.
const BLOCK_BITS: u32 = if cfg!(test) { 2 } else { 8 };
/// How many places a node with several children tries before the search moves on for good.
const PATIENCE: u32 = 64;
/// How many slots it passes before that: a full array has few free places and long ways between them.
const REACH: u32 = 1 << 12;

/// A slot: base and check. The child of node `p` under label `l` lies at `base(p) + l` (modulo 2^32)
/// and names `p` in its check; the root is slot 0. Any two numbers are a slot: whatever a file holds,
/// a walk ends with its labels and never leaves the slots.
///
/// Large tries have nodes with hundreds of children, spread so wide over the labels that no two such
/// nodes fit into each other: most slots would be free. There, a node's children are blocks, under the
/// upper bits of a label, and theirs are the children, under the label. That costs a second access at
/// these few nodes.
pub type Node = [u32; 2];

/// The parts of a [`Node`].
const BASE: usize = 0;
const CHECK: usize = 1;
/// A slot that no node uses.
const UNUSED: Node = [0, FREE];

/// A set of label sequences. Nodes are named by their slots, which lie below [`Trie::slots`], so that
/// an array with a value a slot makes a map of it. The last slot is never used, so that it can stand
/// for no node.
///
/// The slots may be anywhere: in memory, or in a file that is mapped.
#[derive(Debug, Clone)]
pub struct Trie<S = Vec<Node>> {
    nodes: S,
    longest: usize,
}

impl Trie<Vec<Node>> {
    /// The root's slot, where every walk starts.
    pub const ROOT: u32 = ROOT;

    /// A trie of `count` keys. `key` gives them by rank; they must be sorted and distinct, an
    /// empty one is left out. O(total length) in practice.
    ///
    /// # Errors
    /// [`Error::Memory`] where more than 2^30 slots were needed.
    pub fn build<'k>(count: usize, key: impl Fn(usize) -> &'k [u32]) -> Result<Self> {
        Self::build_with(count, key, |_, _| ())
    }

    /// As [`Trie::build`], and tells `found` the rank and the node of every key that is not empty:
    /// cheaper than to walk to each.
    ///
    /// # Errors
    /// As [`Trie::build`].
    pub fn build_with<'k>(
        count: usize,
        key: impl Fn(usize) -> &'k [u32],
        mut found: impl FnMut(usize, u32),
    ) -> Result<Self> {
        let (mut builder, mut longest) = (Builder::new(), 0);
        let first = (0..count).position(|rank| !key(rank).is_empty()).unwrap_or(count);
        // The nodes of one depth, each with the ranks of its keys, and those of the next.
        let mut level = vec![(ROOT, rank(first)?, rank(count)?)];
        let mut children: Vec<(u32, Range<usize>)> = Vec::new();
        while !level.is_empty() {
            let mut next = Vec::new();
            for (node, start, end) in level {
                gather(&mut children, start as usize..end as usize, |rank| key(rank)[longest]);
                if children.is_empty() {
                    continue;
                }
                if count >= MANY_KEYS && node != ROOT && is_wide(&children) {
                    builder.place_blocks(node, &children)?;
                } else {
                    builder.place(node, &children)?;
                }
                for (label, mut ranks) in children.drain(..) {
                    let child = builder.slot(node, label);
                    if key(ranks.start).len() == longest + 1 {
                        builder.nodes[child as usize][CHECK] |= KEY;
                        found(ranks.start, child);
                        ranks.start += 1;
                    }
                    if !ranks.is_empty() {
                        next.push((child, rank(ranks.start)?, rank(ranks.end)?));
                    }
                }
            }
            longest += 1;
            level = next;
        }
        builder.nodes.push(UNUSED);
        // Without a key nothing was placed.
        Ok(Self { nodes: builder.nodes, longest: if first == count { 0 } else { longest } })
    }
}

/// The root's slot.
const ROOT: u32 = 0;

/// A rank in half the bytes.
fn rank(rank: usize) -> Result<u32> {
    u32::try_from(rank).map_err(|_| Error::Memory("a trie holds at most 2^32 keys".into()))
}

/// The labels that `label` gives for `ranks` in order, each with its ranks.
fn gather(
    children: &mut Vec<(u32, Range<usize>)>,
    ranks: Range<usize>,
    label: impl Fn(usize) -> u32,
) {
    children.clear();
    for rank in ranks {
        let label = label(rank);
        match children.last_mut() {
            Some((last, ranks)) if *last == label => ranks.end = rank + 1,
            _ => children.push((label, rank..rank + 1)),
        }
    }
}

/// Whether children are many, and more than twice as many as their blocks.
fn is_wide<T>(children: &[(u32, T)]) -> bool {
    children.len() >= MANY_CHILDREN && 2 * blocks(children).count() < children.len()
}

fn blocks<T>(children: &[(u32, T)]) -> impl Iterator<Item = (u32, &[(u32, T)])> {
    let same = |a: &(u32, T), b: &(u32, T)| a.0 >> BLOCK_BITS == b.0 >> BLOCK_BITS;
    children.chunk_by(same).map(|block| (block[0].0 >> BLOCK_BITS, block))
}

impl Trie<Vec<Node>> {
    /// The trie of [`Trie::nodes`], with the length of its longest key; none where the slots are too few
    /// or too many.
    pub fn from_nodes(nodes: Vec<Node>, longest: usize) -> Option<Self> {
        (2..=FREE as usize).contains(&nodes.len()).then_some(Self { nodes, longest })
    }

    /// Leaves the node where it is, but ends no key at it.
    pub fn end_no_key(&mut self, node: u32) {
        self.nodes[node as usize][CHECK] &= !KEY;
    }
}

impl Trie<Array<Node>> {
    /// The trie that a file holds, with the length of its longest key; none where the slots are too
    /// few or too many.
    pub fn from_array(nodes: Array<Node>, longest: usize) -> Option<Self> {
        (2..=FREE as usize).contains(&nodes.len()).then_some(Self { nodes, longest })
    }

    /// The same trie, for loops.
    #[inline]
    pub fn view(&self) -> Trie<&[Node]> {
        Trie { nodes: &self.nodes, longest: self.longest }
    }
}

impl From<Trie<Vec<Node>>> for Trie<Array<Node>> {
    fn from(trie: Trie<Vec<Node>>) -> Self {
        Self { nodes: trie.nodes.into(), longest: trie.longest }
    }
}

impl<S: Deref<Target = [Node]>> Trie<S> {
    /// The slots, to be written to a file.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The child of `node` under `label`.
    #[inline]
    pub fn child(&self, node: u32, label: u32) -> Option<u32> {
        Some(self.step(node, label)).filter(|slot| *slot != self.none())
    }

    /// What stands for no node: it has no children and ends no key.
    #[inline]
    pub fn none(&self) -> u32 {
        // Fits: there are no more than 2^30 slots.
        #[allow(clippy::cast_possible_truncation)]
        let last = (self.nodes.len() - 1) as u32;
        last
    }

    /// As [`Trie::child`] with [`Trie::none`] for none, and without a branch but for wide nodes: for
    /// walks whose ends no processor can foresee.
    #[allow(clippy::inline_always)] // Left to itself the compiler calls it, three times a symbol.
    #[inline(always)]
    pub fn step(&self, node: u32, label: u32) -> u32 {
        let [base, check] = self.nodes[node as usize];
        if check & WIDE == 0 {
            self.step_from(base, node, label)
        } else {
            self.step_wide(node, label)
        }
    }

    #[inline]
    fn step_from(&self, base: u32, node: u32, label: u32) -> u32 {
        let slot = base.wrapping_add(label).min(self.none());
        let is_child = self.nodes[slot as usize][CHECK] & PARENT == node;
        std::hint::select_unpredictable(is_child, slot, self.none())
    }

    fn step_wide(&self, node: u32, label: u32) -> u32 {
        let block = self.step_from(self.nodes[node as usize][BASE], node, label >> BLOCK_BITS);
        self.step_from(self.nodes[block as usize][BASE], block, label)
    }

    /// Whether a key ends at `node`.
    #[inline]
    pub fn is_key(&self, node: u32) -> bool {
        self.nodes[node as usize][CHECK] & KEY != 0
    }

    /// `node` where a key ends at it, `other` elsewhere, without a branch.
    #[inline]
    pub fn key_or(&self, node: u32, other: u32) -> u32 {
        std::hint::select_unpredictable(self.is_key(node), node, other)
    }

    /// The node that a sequence leads to, whether or not a key ends there. O(length).
    pub fn walk(&self, labels: &[u32]) -> Option<u32> {
        labels.iter().try_fold(ROOT, |node, &label| self.child(node, label))
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
        builder.take(ROOT, FREE);
        builder
    }

    fn grow(&mut self, slots: usize) {
        let words = slots.div_ceil(64).max(self.free.len());
        self.free.resize(words, u64::MAX);
        self.nodes.resize(words * 64, UNUSED);
    }

    fn take(&mut self, slot: u32, parent: u32) {
        self.free[slot as usize / 64] &= !(1 << (slot % 64));
        self.nodes[slot as usize][CHECK] = parent;
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
                // Fits: `grow` is never asked for more than 2^30 slots.
                #[allow(clippy::cast_possible_truncation)]
                return (word * 64) as u32 + (bits & mask).trailing_zeros();
            }
            word += 1;
            mask = u64::MAX;
        }
        #[allow(clippy::cast_possible_truncation)] // As above.
        from.max((self.free.len() * 64) as u32)
    }

    /// Where the child of `node` under `label` lies, which has been placed.
    fn slot(&self, node: u32, label: u32) -> u32 {
        let [base, check] = self.nodes[node as usize];
        if check & WIDE == 0 {
            return base.wrapping_add(label);
        }
        let block = base.wrapping_add(label >> BLOCK_BITS);
        self.nodes[block as usize][BASE].wrapping_add(label)
    }

    /// As [`Builder::place`], in blocks.
    fn place_blocks<T>(&mut self, node: u32, children: &[(u32, T)]) -> Result<()> {
        let blocks: Vec<(u32, &[(u32, T)])> = blocks(children).collect();
        self.place(node, &blocks)?;
        for (block, children) in blocks {
            self.place(self.slot(node, block), children)?;
        }
        self.nodes[node as usize][CHECK] |= WIDE;
        Ok(())
    }

    /// Finds room for the children of `node`.
    fn place<T>(&mut self, node: u32, children: &[(u32, T)]) -> Result<()> {
        let (first, last) = (children[0].0, children[children.len() - 1].0);
        let cursor = children.len().min(self.cursors.len() - 1);
        let start = self.next_free(self.cursors[cursor]);
        let (mut slot, mut tried) = (start, 0);
        while !children[1..].iter().all(|(label, _)| self.is_free(slot + (label - first))) {
            slot = self.next_free(slot + 1);
            tried += 1;
        }
        let gives_up = tried > PATIENCE || slot - start > REACH;
        // What lies before `start` is taken, and need not be passed again.
        self.cursors[cursor] = if gives_up || children.len() == 1 { slot } else { start };
        let end = u64::from(slot) + u64::from(last - first) + 1;
        if end >= u64::from(FREE) {
            return Err(Error::Memory("the lexicon's trie would need over 2^30 slots".into()));
        }
        self.grow(usize::try_from(end).unwrap_or(usize::MAX));
        let base = slot.wrapping_sub(first);
        self.nodes[node as usize][BASE] = base;
        for (label, _) in children {
            self.take(base.wrapping_add(*label), node);
        }
        Ok(())
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

    #[test]
    fn children_in_blocks_are_told_apart() {
        let labels = (0..60).filter(|label| label % 4 != 1);
        let keys: BTreeSet<Vec<u32>> = labels.map(|label| vec![9, label]).collect();
        let trie = trie_of(&keys);
        assert!(trie.nodes[trie.walk(&[9]).unwrap() as usize][CHECK] & WIDE != 0);
        for label in (0..130).chain([u32::MAX]) {
            assert_eq!(trie.contains(&[9, label]), keys.contains(&vec![9, label]), "{label}");
        }
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
                    other.iter().fold(ROOT, |node, label| trie.step(node, *label));
                prop_assert_eq!(stepped, trie.walk(&other).unwrap_or(trie.none()));
            }
        }
    }
}
