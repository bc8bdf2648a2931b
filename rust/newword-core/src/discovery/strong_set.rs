//! Cutting a sequence into maximal chains of overlapping members of a strong set.
//!
//! Source: the second step of <https://kexue.fm/archives/4256>: the boundary between two
//! neighbours survives only if no member of the set covers both. "Better to keep together than to
//! cut wrongly." A chain may be longer than the longest member.

use std::ops::Range;

use crate::support::Result;
use crate::trie::Trie;

/// Word sequences of 2 to `order` symbols that count as solid.
#[derive(Debug, Clone)]
pub struct StrongSet {
    trie: Trie,
    order: usize,
}

/// A maximal chain, or a single symbol that no member covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Where it lies.
    pub range: Range<usize>,
    /// The trie node of the member it is; [`Trie::ROOT`] where it is not one.
    pub member: u32,
    /// For chains longer than the order: whether all windows of `order` symbols are members.
    /// Otherwise whether the segment is a member or a single symbol.
    pub solid: bool,
}

impl StrongSet {
    /// A set of `count` members given by rank, sorted and distinct, none longer than `order`.
    ///
    /// # Errors
    /// More members than a trie can hold.
    pub fn new<'k>(
        order: usize,
        count: usize,
        member: impl Fn(usize) -> &'k [u32],
    ) -> Result<Self> {
        Self::among(order, count, member, |_| true)
    }

    /// A set of those of `count` sequences that are members. [`StrongSet::cut`] tells where sequences of
    /// `order` symbols start, members or not.
    ///
    /// # Errors
    /// As [`StrongSet::new`].
    pub fn among<'k>(
        order: usize,
        count: usize,
        sequence: impl Fn(usize) -> &'k [u32],
        is_member: impl Fn(usize) -> bool,
    ) -> Result<Self> {
        let mut others = Vec::new();
        let mut trie = Trie::build_with(count, sequence, |rank, node| {
            if !is_member(rank) {
                others.push(node);
            }
        })?;
        for node in others {
            trie.end_no_key(node);
        }
        Ok(Self { trie, order })
    }

    /// The set of a trie whose keys are its members, none longer than `order`.
    pub fn from_trie(trie: Trie, order: usize) -> Self {
        Self { trie, order }
    }

    /// The length of the longest window that is looked at.
    pub fn order(&self) -> usize {
        self.order
    }

    /// The trie of the members.
    pub fn trie(&self) -> &Trie {
        &self.trie
    }

    /// Whether a word passes backtracking: of up to `order` symbols it must itself be a member
    /// (single symbols always pass), of more symbols all its windows of `order` must be.
    pub fn is_solid(&self, word: &[u32]) -> bool {
        word.len() < 2 || self.first_gap(word).is_none()
    }

    /// The first window that keeps a word of 2 or more symbols from passing.
    pub fn first_gap<'w>(&self, word: &'w [u32]) -> Option<&'w [u32]> {
        word.windows(self.order.min(word.len()).max(1)).find(|window| !self.trie.contains(window))
    }

    /// Cuts `ids` and calls `emit` with every segment from left to right; breaks (zeros) belong to
    /// none. Calls `twice` with places where sequences of `order` symbols start that are in the trie, if one
    /// started just before, too. O(length * order).
    pub fn cut(&self, ids: &[u32], mut emit: impl FnMut(Segment), mut twice: impl FnMut(usize)) {
        let mut open = Open::at(0);
        let mut behind_full = usize::MAX;
        let mut pairs = Pairs::default();
        for (at, &id) in ids.iter().enumerate() {
            if at >= open.end {
                if open.end > open.start {
                    open.close(self.order, &mut emit);
                }
                let start = at + usize::from(id == 0);
                open = Open::at(start);
                if id == 0 {
                    continue;
                }
                open.end = at + 1;
            }
            let pair = self.pair(&mut pairs, ids, at);
            let Longest { member, length, is_full } = self.longest(pair, &ids[at..]);
            if is_full {
                if behind_full == at {
                    twice(at);
                }
                behind_full = at + 1;
            }
            if length < self.order {
                open.gap = open.gap.min(at);
            }
            if at + length > open.end {
                open.end = at + length;
                open.member = if at == open.start { member } else { Trie::ROOT };
            }
        }
        if open.end > open.start {
            open.close(self.order, &mut emit);
        }
    }

    /// The node of the two symbols that start at a place.
    #[inline]
    fn pair(&self, pairs: &mut Pairs, ids: &[u32], at: usize) -> u32 {
        if at >= pairs.end {
            self.fill(pairs, ids, at);
        }
        pairs.nodes[at % BLOCK]
    }

    fn fill(&self, pairs: &mut Pairs, ids: &[u32], at: usize) {
        let start = at - at % BLOCK;
        let seconds = ids[start + 1..].iter().copied().chain([0]);
        for ((node, id), second) in pairs.nodes.iter_mut().zip(&ids[start..]).zip(seconds) {
            *node = self.trie.step(self.trie.step(Trie::ROOT, *id), second);
        }
        pairs.end = start + BLOCK;
    }

    /// The longest member that `ids` starts with, whose first two symbols have this node.
    #[inline]
    fn longest(&self, pair: u32, ids: &[u32]) -> Longest {
        let mut node = pair;
        let mut found = Longest { member: Trie::ROOT, length: 0, is_full: false };
        if node == self.trie.none() {
            return found;
        }
        if self.trie.is_key(node) {
            (found.member, found.length) = (node, 2);
        }
        for (depth, &id) in ids.iter().enumerate().take(self.order).skip(2) {
            match self.trie.child(node, id) {
                Some(child) => node = child,
                None => return found,
            }
            if self.trie.is_key(node) {
                (found.member, found.length) = (node, depth + 1);
            }
        }
        found.is_full = ids.len() >= self.order;
        found
    }
}

/// Places whose first two symbols are looked up together, so that loads overlap.
const BLOCK: usize = if cfg!(test) { 4 } else { 256 };

/// The nodes of the two symbols that start at each place of a block.
struct Pairs {
    nodes: [u32; BLOCK],
    /// The end of the block.
    end: usize,
}

impl Default for Pairs {
    fn default() -> Self {
        Self { nodes: [0; BLOCK], end: 0 }
    }
}

/// The longest member that starts at a place: its node and its length, or the root and 0.
struct Longest {
    member: u32,
    length: usize,
    /// Whether the trie goes on for `order` symbols.
    is_full: bool,
}

/// The segment that the scan is in.
struct Open {
    start: usize,
    end: usize,
    member: u32,
    /// The first place at which no member of full length starts.
    gap: usize,
}

impl Open {
    fn at(start: usize) -> Self {
        Self { start, end: start, member: Trie::ROOT, gap: usize::MAX }
    }

    /// Hands out the segment, which is not empty.
    #[allow(clippy::inline_always)] // Left to itself the compiler calls it, once a symbol.
    #[inline(always)]
    fn close(&self, order: usize, emit: &mut impl FnMut(Segment)) {
        let solid = match self.end - self.start {
            1 => true,
            length if length <= order => self.member != Trie::ROOT,
            _ => self.gap > self.end - order,
        };
        emit(Segment { range: self.start..self.end, member: self.member, solid });
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    pub fn strong(order: usize, members: &BTreeSet<Vec<u32>>) -> StrongSet {
        let members: Vec<&Vec<u32>> = members.iter().collect();
        StrongSet::new(order, members.len(), |rank| members[rank]).unwrap()
    }

    /// The definition, word for word: a boundary survives where no member covers both sides.
    pub fn cut_slowly(ids: &[u32], members: &BTreeSet<Vec<u32>>) -> Vec<Range<usize>> {
        let covered = |boundary: usize| {
            members.iter().any(|member| {
                (0..ids.len()).any(|start| {
                    let end = start + member.len();
                    start < boundary && boundary < end && ids.get(start..end) == Some(&member[..])
                })
            })
        };
        let mut segments = Vec::new();
        let mut start = 0;
        for end in 1..=ids.len() {
            if end == ids.len() || !covered(end) {
                if ids[start] != 0 {
                    segments.push(start..end);
                }
                start = end;
            }
        }
        segments
    }

    pub fn members() -> impl Strategy<Value = BTreeSet<Vec<u32>>> {
        prop::collection::btree_set(prop::collection::vec(1_u32..5, 2..5), 0..12)
    }

    fn cut(strong: &StrongSet, ids: &[u32]) -> Vec<Segment> {
        let mut segments = Vec::new();
        strong.cut(ids, |segment| segments.push(segment), |_| ());
        segments
    }

    #[test]
    fn a_false_chain_is_cut_as_one_and_fails_backtracking() {
        // 各项 and 项目 chain to 各项目, which is no member: the article's example.
        let members = BTreeSet::from([vec![1, 2], vec![2, 3]]);
        let strong = strong(4, &members);
        let found = cut(&strong, &[1, 2, 3, 0, 1, 2]);
        assert_eq!(found[0].range, 0..3);
        assert!(!found[0].solid && !strong.is_solid(&[1, 2, 3]));
        assert_eq!(strong.first_gap(&[1, 2, 3]), Some(&[1, 2, 3][..]));
        assert!(found[1].solid && found[1].member != Trie::ROOT);
    }

    proptest! {
        #[test]
        fn a_boundary_survives_iff_no_member_covers_it(
            members in members(),
            ids in prop::collection::vec(0_u32..5, 0..60),
        ) {
            let strong = strong(4, &members);
            let found = cut(&strong, &ids);
            let ranges: Vec<_> = found.iter().map(|segment| segment.range.clone()).collect();
            prop_assert_eq!(&ranges, &cut_slowly(&ids, &members));
            for segment in found {
                let word = &ids[segment.range.clone()];
                let solid = match word.len() {
                    1 => true,
                    2..=4 => members.contains(word),
                    _ => word.windows(4).all(|window| members.contains(window)),
                };
                prop_assert_eq!(segment.solid, solid);
                prop_assert_eq!(strong.is_solid(word), solid);
                prop_assert_eq!(segment.member != Trie::ROOT, members.contains(word));
            }
        }
    }
}
