//! Packed windows of symbols, the keys that are scattered, grouped and sorted.

use std::sync::atomic::{AtomicU64, Ordering};

/// How a window lies in a key: `fields` ranks of `bits` bits, the symbol next to the first on top.
///
/// Invariants: `1 <= bits <= 32`, `1 <= fields <= 8`, and `bits * fields` fits the key in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    bits: u32,
    fields: usize,
    mask: u32,
}

/// The maximum number of symbols of a window besides its first.
pub(crate) const MAX_FIELDS: usize = 8;

/// The key type of a layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// `u64`
    Narrow,
    /// `u128`
    Double,
    /// [`Wide`]
    Wide,
}

impl Layout {
    /// The layout for ranks up to `largest` in windows of `fields` symbols besides the first.
    pub(crate) fn new(largest: u32, fields: usize) -> Self {
        debug_assert!((1..=MAX_FIELDS).contains(&fields));
        let bits = (u32::BITS - largest.leading_zeros()).max(1);
        Self { bits, fields, mask: u32::MAX >> (u32::BITS - bits) }
    }

    /// Symbols in a window besides its first.
    pub(crate) fn fields(self) -> usize {
        self.fields
    }

    /// The narrowest key that holds a window.
    pub(crate) fn width(self) -> Width {
        match self.bits as usize * self.fields {
            ..=64 => Width::Narrow,
            65..=128 => Width::Double,
            _ => Width::Wide,
        }
    }

    fn shift(self, at: usize) -> u32 {
        // At most 8 fields of at most 32 bits: the product is far below 2^32.
        #[allow(clippy::cast_possible_truncation)]
        let below = (self.fields - 1 - at) as u32;
        self.bits * below
    }
}

/// A window of ranks without its first symbol. A break is rank 0, and every field after a break is 0
/// too; so the order of keys is the lexicographic order of windows.
pub(crate) trait Key: Copy + Ord + Default + Send + Sync + 'static {
    /// 64-bit words a key takes in a shared buffer.
    const WORDS: usize;

    /// The rank in field `at`.
    fn field(self, at: usize, layout: Layout) -> u32;

    /// The key with `rank` before all fields; the last field falls off.
    fn push_front(self, rank: u32, layout: Layout) -> Self;

    /// The key with field `at`, which must be 0, set to `rank`.
    fn with(self, at: usize, rank: u32, layout: Layout) -> Self;

    /// The number of leading fields that two keys share.
    fn common(self, other: Self, layout: Layout) -> usize;

    /// Reads a key from [`Key::WORDS`] words.
    fn load(words: &[AtomicU64]) -> Self;

    /// Writes the key to [`Key::WORDS`] words.
    fn store(self, words: &[AtomicU64]);

    /// The first `count` fields, the others 0.
    fn prefix(self, count: usize, layout: Layout) -> Self {
        (0..count).fold(Self::default(), |key, at| key.with(at, self.field(at, layout), layout))
    }

    /// The first `count` fields in reverse order, the others 0.
    fn reversed(self, count: usize, layout: Layout) -> Self {
        (0..count).fold(Self::default(), |key, at| key.push_front(self.field(at, layout), layout))
    }
}

macro_rules! integer_key {
    ($type:ty, $words:literal) => {
        // Every cast keeps only bits that the mask or the word selects on purpose.
        #[allow(clippy::cast_possible_truncation, clippy::cast_lossless)]
        impl Key for $type {
            const WORDS: usize = $words;

            #[inline]
            fn field(self, at: usize, layout: Layout) -> u32 {
                (self >> layout.shift(at)) as u32 & layout.mask
            }

            #[inline]
            fn push_front(self, rank: u32, layout: Layout) -> Self {
                let kept = if layout.fields == 1 { 0 } else { self >> layout.bits };
                kept | (rank as $type) << layout.shift(0)
            }

            #[inline]
            fn with(self, at: usize, rank: u32, layout: Layout) -> Self {
                self | (rank as $type) << layout.shift(at)
            }

            #[inline]
            fn common(self, other: Self, layout: Layout) -> usize {
                let differ = self ^ other;
                let unused = <$type>::BITS - layout.bits * layout.fields as u32;
                if differ == 0 {
                    layout.fields
                } else {
                    ((differ.leading_zeros() - unused) / layout.bits) as usize
                }
            }

            #[inline]
            fn load(words: &[AtomicU64]) -> Self {
                words.iter().rev().fold(0, |key, word| {
                    // Two shifts, because one of all 64 bits is not defined for u64.
                    (key << 32 << 32) | word.load(Ordering::Relaxed) as $type
                })
            }

            #[inline]
            fn store(self, words: &[AtomicU64]) {
                let mut rest = self;
                for word in words {
                    word.store(rest as u64, Ordering::Relaxed);
                    rest = rest >> 32 >> 32;
                }
            }
        }
    };
}

integer_key!(u64, 1);
integer_key!(u128, 2);

/// The key for any alphabet and order: one array element a field.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Wide([u32; MAX_FIELDS]);

impl Key for Wide {
    const WORDS: usize = MAX_FIELDS / 2;

    #[inline]
    fn field(self, at: usize, _: Layout) -> u32 {
        self.0[at]
    }

    #[inline]
    fn push_front(mut self, rank: u32, layout: Layout) -> Self {
        self.0.copy_within(0..layout.fields - 1, 1);
        self.0[0] = rank;
        self
    }

    #[inline]
    fn with(mut self, at: usize, rank: u32, _: Layout) -> Self {
        self.0[at] = rank;
        self
    }

    fn common(self, other: Self, layout: Layout) -> usize {
        let pairs = self.0.iter().zip(&other.0).take(layout.fields);
        pairs.take_while(|(a, b)| a == b).count()
    }

    #[inline]
    fn load(words: &[AtomicU64]) -> Self {
        let mut key = Self::default();
        for (pair, word) in key.0.chunks_exact_mut(2).zip(words) {
            let word = word.load(Ordering::Relaxed);
            // The two halves of a word, on purpose.
            #[allow(clippy::cast_possible_truncation)]
            pair.copy_from_slice(&[(word >> 32) as u32, word as u32]);
        }
        key
    }

    #[inline]
    fn store(self, words: &[AtomicU64]) {
        for (pair, word) in self.0.chunks_exact(2).zip(words) {
            word.store(u64::from(pair[0]) << 32 | u64::from(pair[1]), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behaves<K: Key + std::fmt::Debug>(largest: u32, fields: usize) {
        let layout = Layout::new(largest, fields);
        let ranks: Vec<u32> = (0..fields).map(|at| largest - u32::try_from(at).unwrap()).collect();
        let mut key = K::default();
        for &rank in ranks.iter().rev() {
            key = key.push_front(rank, layout);
        }
        for (at, &rank) in ranks.iter().enumerate() {
            assert_eq!(key.field(at, layout), rank);
            let prefix = key.prefix(at, layout);
            assert_eq!(prefix.common(key, layout), at);
            assert!(prefix < key);
            assert_eq!(key.reversed(at + 1, layout).field(0, layout), rank);
        }
        assert_eq!(key.common(key, layout), fields);
        assert_eq!(key.prefix(fields, layout), key);
        assert_eq!(key.push_front(1, layout).field(0, layout), 1);
        let words: Vec<_> = (0..K::WORDS).map(|_| AtomicU64::new(7)).collect();
        key.store(&words);
        assert_eq!(K::load(&words), key);
    }

    #[test]
    fn every_key_packs_and_orders_windows() {
        behaves::<u64>(65_535, 4);
        behaves::<u64>(200, 8);
        behaves::<u64>(u32::MAX, 2);
        behaves::<u64>(9, 1);
        behaves::<u128>(65_535, 8);
        behaves::<u128>(u32::MAX, 4);
        behaves::<Wide>(u32::MAX, 8);
        behaves::<Wide>(9, 1);
    }

    #[test]
    fn the_width_is_the_narrowest_that_fits() {
        assert_eq!(Layout::new(65_535, 4).width(), Width::Narrow);
        assert_eq!(Layout::new(65_536, 4).width(), Width::Double);
        assert_eq!(Layout::new(65_535, 8).width(), Width::Double);
        assert_eq!(Layout::new(65_536, 8).width(), Width::Wide);
    }
}
