//! The runs of a corpus that may hold a solid chain longer than the order.
//!
//! Every window of `order` symbols of such a chain is a member of the strong set, so two members
//! of that length start at neighbouring places. Few runs have such a pair; the others need no cut.

use std::ops::Range;

use crate::corpus::Parts;
use crate::support::Result;

/// Bits of the filter a member: one in 16 other windows passes for one, which costs time only.
const BITS_A_MEMBER: usize = 16;

/// A corpus in which the runs that cannot matter are breaks.
pub struct LongRuns<'p, P> {
    parts: &'p P,
    order: usize,
    /// One bit a hash of a window; a power of two of them.
    filter: Vec<u64>,
    /// The smallest labels that such a member starts and ends with. Frequent symbols, which have small
    /// labels, are too frequent for it: a half that occurs often makes for little cohesion.
    least: [u32; 2],
}

impl<'p, P: Parts> LongRuns<'p, P> {
    /// The runs of `parts` with two members of `order` labels at neighbouring places. `members` may
    /// hold shorter ones, which do not count. O(members).
    pub fn new<'k>(
        parts: &'p P,
        order: usize,
        members: impl ExactSizeIterator<Item = &'k [u32]>,
    ) -> Self {
        let words = (members.len() * BITS_A_MEMBER / 64).next_power_of_two().max(1);
        let mut runs = Self { parts, order, filter: vec![0; words], least: [u32::MAX; 2] };
        for member in members.filter(|member| member.len() == order) {
            for (least, label) in runs.least.iter_mut().zip([member[0], member[order - 1]]) {
                *least = label.min(*least);
            }
            let (word, bit) = runs.place(member);
            runs.filter[word] |= bit;
        }
        runs
    }

    /// The word and the bit of a window.
    #[inline]
    fn place(&self, window: &[u32]) -> (usize, u64) {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let mix = |hash: u64, label: &u32| (hash ^ u64::from(*label)).wrapping_mul(FACTOR);
        let hash = window.iter().fold(0, mix) >> 20;
        // The mask keeps it below the length of the filter.
        let word = usize::try_from(hash >> 6).unwrap_or(0) & (self.filter.len() - 1);
        (word, 1 << (hash & 63))
    }

    #[inline]
    fn may_be_member(&self, window: &[u32]) -> bool {
        let (word, bit) = self.place(window);
        self.filter[word] & bit != 0
    }

    /// Whether two neighbouring windows of a run may both be members.
    fn may_be_long(&self, run: &[u32]) -> bool {
        let [first, last] = self.least;
        run.windows(self.order + 1).any(|both| {
            let starts = both[0].min(both[1]) >= first;
            let ends = both[self.order - 1].min(both[self.order]) >= last;
            // Mostly false, and looked at as one so that it can be foreseen.
            (starts & ends)
                && self.may_be_member(&both[1..])
                && self.may_be_member(&both[..self.order])
        })
    }
}

impl<P: Parts> Parts for LongRuns<'_, P> {
    fn parts(&self) -> usize {
        self.parts.parts()
    }

    fn total(&self) -> u64 {
        self.parts.total()
    }

    fn load(&self, part: usize, context: usize, out: &mut Vec<u32>) -> Result<Range<usize>> {
        let own = self.parts.load(part, context, out)?;
        let (mut start, length) = (0, out.len());
        while start < length {
            let end = out[start..].iter().position(|id| *id == 0).map_or(length, |at| start + at);
            // What touches an edge may go on in another part, where nobody looks from here.
            if start > 0 && end < length && !self.may_be_long(&out[start..end]) {
                out[start..end].fill(0);
            }
            start = end + 1;
        }
        Ok(own)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::strong_set::tests::{cut_slowly, members};
    use super::*;
    use crate::corpus::parts::tests::CutParts;

    proptest! {
        #[test]
        fn no_long_solid_chain_is_lost(
            ids in prop::collection::vec(0_u32..4, 1..80),
            members in members(),
            order in 2_usize..5,
        ) {
            let members: BTreeSet<Vec<u32>> =
                members.into_iter().filter(|member| member.len() <= order).collect();
            let long = |ids: &[u32]| -> Vec<Range<usize>> {
                let solid = |range: &Range<usize>| {
                    range.len() > order
                        && ids[range.clone()].windows(order).all(|window| members.contains(window))
                };
                cut_slowly(ids, &members).into_iter().filter(solid).collect()
            };
            let parts = CutParts::new(&ids, &[]);
            let keys: Vec<&[u32]> = members.iter().map(Vec::as_slice).collect();
            let runs = LongRuns::new(&parts, order, keys.into_iter());
            let mut kept = Vec::new();
            runs.load(0, 0, &mut kept).unwrap();
            prop_assert_eq!(kept.len(), ids.len());
            prop_assert_eq!(long(&kept), long(&ids));
        }
    }
}
