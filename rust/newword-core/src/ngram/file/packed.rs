//! N-grams as keys that compare fast, and the smallest of many.

use super::format::MAX_GRAM;
use super::records::Gram;

/// How an n-gram lies in 127 bits: a field of `bits` bits for each symbol, the first on top, the bottom
/// one for the last symbol of the longest.
#[derive(Debug)]
pub(super) struct Layout {
    bits: u32,
    longest: usize,
    /// By a number of symbols, where the last of them lies; any for none.
    shifts: [u32; MAX_GRAM + 1],
    /// By a number of symbols, the bits of all of them.
    masks: [u128; MAX_GRAM + 1],
}

impl Layout {
    /// The layout for ids up to `largest` in n-grams of up to `longest` symbols, if they fit.
    pub(super) fn new(largest: usize, longest: usize) -> Option<Self> {
        let bits = (usize::BITS - largest.leading_zeros()).max(1);
        let all = u32::try_from(longest).ok().and_then(|longest| longest.checked_mul(bits))?;
        // One bit less than there are, so that no n-gram is `Packed::END`.
        if all > 127 {
            return None;
        }
        let (mut shifts, mut masks) = ([0; MAX_GRAM + 1], [0; MAX_GRAM + 1]);
        let mut below = all;
        for length in 1..=longest {
            below -= bits;
            shifts[length] = below;
            masks[length] = masks[length - 1] | ((1 << bits) - 1) << below;
        }
        Some(Self { bits, longest, shifts, masks })
    }
}

/// An n-gram as a key: the order of keys is the order of the file.
pub(super) trait Packed: Copy + Ord {
    /// How the key is made.
    type Layout;
    /// Of no symbols, before every n-gram.
    const EMPTY: Self;
    /// Behind every n-gram.
    const END: Self;

    /// The first `length - 1` symbols of this one and then `last`.
    fn with(self, length: usize, last: u32, layout: &Self::Layout) -> Self;

    /// Whether the first `symbols` symbols of both are the same.
    fn shares(self, other: Self, symbols: usize, layout: &Self::Layout) -> bool;

    /// The first symbol.
    fn first(self, layout: &Self::Layout) -> u32;

    /// All symbols.
    fn gram(self, layout: &Self::Layout) -> Gram;

    /// The key of these symbols.
    fn of(gram: impl Iterator<Item = u32>, layout: &Self::Layout) -> Self {
        (1..).zip(gram).fold(Self::EMPTY, |key, (length, id)| key.with(length, id, layout))
    }
}

impl Packed for u128 {
    type Layout = Layout;
    const EMPTY: Self = 0;
    const END: Self = Self::MAX;

    #[inline]
    fn with(self, length: usize, last: u32, layout: &Layout) -> Self {
        self & layout.masks[length - 1] | Self::from(last) << layout.shifts[length]
    }

    #[inline]
    fn shares(self, other: Self, symbols: usize, layout: &Layout) -> bool {
        (self ^ other) & layout.masks[symbols] == 0
    }

    #[inline]
    fn first(self, layout: &Layout) -> u32 {
        // Nothing is above the first field, which has at most 32 bits.
        u32::try_from(self >> layout.shifts[1]).unwrap_or(0)
    }

    fn gram(self, layout: &Layout) -> Gram {
        let mut gram = Gram::default();
        for (id, shift) in gram.0.iter_mut().zip(&layout.shifts[1..=layout.longest]) {
            // At most 32 bits of the field.
            *id = u32::try_from(self >> shift & ((1 << layout.bits) - 1)).unwrap_or(0);
        }
        gram
    }
}

/// For any ids and lengths.
impl Packed for Gram {
    type Layout = ();
    const EMPTY: Self = Self([0; MAX_GRAM]);
    const END: Self = Self([u32::MAX; MAX_GRAM]);

    fn with(mut self, length: usize, last: u32, (): &()) -> Self {
        self.0[length - 1] = last;
        self.0[length..].fill(0);
        self
    }

    fn shares(self, other: Self, symbols: usize, (): &()) -> bool {
        self.0[..symbols] == other.0[..symbols]
    }

    fn first(self, (): &()) -> u32 {
        self.0[0]
    }

    fn gram(self, (): &()) -> Gram {
        self
    }
}

/// The smallest of the keys of several streams, found by a tree of matches.
///
/// Invariant: node n has the nodes 2n and 2n + 1 below it, streams are the nodes from `keys.len()` on,
/// and `losers[n]` is the stream that lost the match of node n, whose winner went up.
pub(super) struct Tournament<K> {
    keys: Vec<K>,
    losers: Vec<usize>,
    winner: usize,
}

impl<K: Copy + Ord> Tournament<K> {
    /// A tournament of at least one stream.
    pub(super) fn new(keys: Vec<K>) -> Self {
        let streams = keys.len();
        let (mut losers, mut winners) = (vec![0; streams], vec![0; streams]);
        winners.extend(0..streams);
        for node in (1..streams).rev() {
            let (left, right) = (winners[2 * node], winners[2 * node + 1]);
            let swap = keys[right] < keys[left];
            (winners[node], losers[node]) = if swap { (right, left) } else { (left, right) };
        }
        Self { keys, losers, winner: winners[1] }
    }

    /// The smallest key and its stream.
    #[inline]
    pub(super) fn first(&self) -> (K, usize) {
        (self.keys[self.winner], self.winner)
    }

    /// Replaces the smallest key by the next of its stream, which is not smaller. O(log streams).
    #[inline]
    pub(super) fn replace(&mut self, key: K) {
        let (mut key, mut winner) = (key, self.winner);
        self.keys[winner] = key;
        let mut node = (self.keys.len() + winner) >> 1;
        while node > 0 {
            let other = self.losers[node];
            if self.keys[other] < key {
                self.losers[node] = winner;
                (key, winner) = (self.keys[other], other);
            }
            node >>= 1;
        }
        self.winner = winner;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn behaves<K: Packed + std::fmt::Debug>(grams: &[Gram], layout: &K::Layout) {
        let key = |gram: &Gram| K::of(gram.0[..gram.len()].iter().copied(), layout);
        for one in grams {
            assert_eq!((key(one).gram(layout), key(one).first(layout)), (*one, one.0[0]));
            assert!(K::EMPTY < key(one) && key(one) < K::END);
            for other in grams {
                assert_eq!(key(one).cmp(&key(other)), one.cmp(other));
                for symbols in 0..=MAX_GRAM.min(one.len()) {
                    let same = one.0[..symbols] == other.0[..symbols];
                    assert_eq!(key(one).shares(key(other), symbols, layout), same);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn keys_are_n_grams(
            grams in prop::collection::vec(prop::collection::vec(1_u32..5, 1..=9), 1..9),
        ) {
            let all = |more: u32| -> Vec<Gram> {
                let gram = |ids: &Vec<u32>| {
                    let mut gram = Gram::default();
                    gram.0.iter_mut().zip(ids).for_each(|(to, id)| *to = id + more);
                    gram
                };
                grams.iter().map(gram).collect()
            };
            let longest = grams.iter().map(Vec::len).max().unwrap();
            for (more, largest, longest) in
                [(0, 4, longest), (0, 5000, longest), (16_379, 16_383, MAX_GRAM)]
            {
                behaves::<u128>(&all(more), &Layout::new(largest, longest).unwrap());
            }
            behaves::<Gram>(&all(u32::MAX - 5), &());
        }

        #[test]
        fn a_tournament_sorts(lists in prop::collection::vec(prop::collection::vec(0..20, 0..9), 1..9)) {
            let mut all = lists.concat();
            all.sort_unstable();
            let mut lists = lists;
            for list in &mut lists {
                list.sort_unstable_by(|a: &i32, b| b.cmp(a));
            }
            let streams = lists.len();
            let mut take = |at: usize| lists[at].pop().unwrap_or(99);
            let mut tournament = Tournament::new((0..streams).map(&mut take).collect());
            let mut found = Vec::new();
            while let (key, at) = tournament.first() && key < 99 {
                found.push(key);
                tournament.replace(take(at));
            }
            prop_assert_eq!(found, all);
        }
    }

    #[test]
    fn what_does_not_fit_has_no_layout() {
        assert!(Layout::new(16_383, 9).is_some());
        assert!(Layout::new(16_384, 9).is_none());
        assert!(Layout::new(usize::MAX, 1).is_some());
        assert!(Layout::new(usize::MAX, 2).is_none());
    }
}
