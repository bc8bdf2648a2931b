//! Counting the segments of a corpus, exactly and whatever its parts and threads.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::count_table::{Slice, Tally};
use super::strong_set::{Segment, StrongSet};
use crate::corpus::{Parts, each_part};
use crate::support::{Context, Result};
use crate::trie::Trie;

/// Segments longer than this many symbols are no words; they are left out and only numbered.
pub const LONGEST: usize = 1 << 16;

/// What is asked of the count.
#[derive(Debug, Clone, Copy)]
pub struct SegmentOptions {
    /// The largest id in the corpus.
    pub largest_id: usize,
    /// Words below this count are left out.
    pub min_count: u64,
    /// Whether chains that fail backtracking are counted too; without, only their number is.
    pub false_chains: bool,
}

/// The segments of a corpus.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SegmentCounts {
    /// Single symbols by id.
    pub singles: Vec<u64>,
    /// Members of the strong set by trie node.
    pub members: Vec<u64>,
    /// The others that reached the smallest count, in id order: chains longer than the order, and
    /// with [`SegmentOptions::false_chains`] the shorter ones that are no members.
    pub chains: Vec<(Vec<u32>, u64)>,
    /// How many segments there are, those left out included.
    pub segments: u64,
    /// How many of them fail backtracking.
    pub false_segments: u64,
    /// How many of them were longer than [`LONGEST`].
    pub overlong: u64,
}

/// What one worker found.
struct Found {
    counts: SegmentCounts,
    tally: Tally,
    seams: Vec<Seam>,
}

/// What of a part belongs to a segment that goes on in a neighbouring part.
#[derive(Debug)]
struct Seam {
    part: usize,
    /// At most one more than [`LONGEST`] ids of it.
    ids: Vec<u32>,
    joined: [bool; 2],
}

/// Counts the segments that `strong` cuts `corpus` into.
///
/// O(symbols * order) a pass. One pass, unless the distinct chains do not fit half the memory
/// budget: then the hash space is halved until they do, and each slice takes a pass.
///
/// # Errors
/// Reading the corpus failed, or the job was cancelled.
pub fn count_segments<P: Parts + ?Sized>(
    corpus: &P,
    strong: &StrongSet,
    options: SegmentOptions,
    context: &Context,
) -> Result<SegmentCounts> {
    let mut slices = vec![Slice::ALL];
    let mut all: Option<SegmentCounts> = None;
    while let Some(slice) = slices.pop() {
        let first = all.is_none();
        let pass = Pass { strong, options, slice, first, narrowed: AtomicU64::new(0), context };
        let (found, done) = pass.run(corpus)?;
        let mut wider = slice;
        while wider != done {
            let [narrower, left] = wider.halves();
            slices.push(left);
            wider = narrower;
        }
        match &mut all {
            None => all = Some(found),
            Some(all) => all.chains.extend(found.chains),
        }
    }
    let mut all = all.unwrap_or_default();
    all.chains.sort_unstable();
    Ok(all)
}

/// One pass over the corpus, for one slice of the hash space.
struct Pass<'a> {
    strong: &'a StrongSet,
    options: SegmentOptions,
    slice: Slice,
    /// Whether singles, members and totals are counted: the first pass does it for all.
    first: bool,
    /// How often the slice was halved because a worker ran short of memory.
    narrowed: AtomicU64,
    context: &'a Context,
}

impl Pass<'_> {
    fn run<P: Parts + ?Sized>(&self, corpus: &P) -> Result<(SegmentCounts, Slice)> {
        let workers = self.workers();
        let budget = self.context.memory().bytes() / 2 / workers as u64;
        let margin = self.strong.order().saturating_sub(1);
        let step = |found: &mut Found, part: usize, ids: &[u32], own: Range<usize>| {
            self.count_part(found, part, ids, &own);
            while found.tally.resident_bytes() > budget && found.tally.slice().bits < 40 {
                let bits = found.tally.slice().bits + 1 - self.slice.bits;
                self.narrowed.fetch_max(u64::from(bits), Ordering::Relaxed);
                found.tally.narrow(self.current());
            }
            Ok(())
        };
        let new = || self.start();
        let found = each_part(corpus, margin, workers, self.context, new, step)?;
        Ok((self.gather(found), self.current()))
    }

    /// As many workers as there are threads, if their arrays of counts fit a quarter of the budget.
    fn workers(&self) -> usize {
        let arrays = (self.strong.trie().slots() + self.options.largest_id + 1) as u64 * 8;
        let fit = self.context.memory().bytes() / 4 / arrays;
        usize::try_from(fit).unwrap_or(usize::MAX).clamp(1, self.context.threads())
    }

    fn current(&self) -> Slice {
        let times = self.narrowed.load(Ordering::Relaxed);
        (0..times).fold(self.slice, |slice, _| slice.halves()[0])
    }

    fn start(&self) -> Found {
        let counts = SegmentCounts {
            singles: vec![0; self.options.largest_id + 1],
            members: vec![0; self.strong.trie().slots()],
            ..SegmentCounts::default()
        };
        Found { counts, tally: Tally::new(self.current()), seams: Vec::new() }
    }

    fn count_part(&self, found: &mut Found, part: usize, ids: &[u32], own: &Range<usize>) {
        self.strong.cut(ids, |segment| {
            let Range { start, end } = segment.range;
            if start >= own.end || end <= own.start {
                return;
            }
            let joined = [start < own.start, end > own.end];
            if joined == [false, false] {
                self.count_segment(found, &ids[start..end], &segment);
            } else {
                let own = &ids[start.max(own.start)..end.min(own.end)];
                let ids = own[..own.len().min(LONGEST + 1)].to_vec();
                found.seams.push(Seam { part, ids, joined });
            }
        });
    }

    #[inline]
    fn count_segment(&self, found: &mut Found, ids: &[u32], segment: &Segment) {
        let (order, counts) = (self.strong.order(), &mut found.counts);
        counts.segments += 1;
        if let [id] = ids {
            counts.singles[*id as usize] += 1;
            return;
        }
        if ids.len() <= order && segment.solid {
            counts.members[segment.member as usize] += 1;
            return;
        }
        counts.false_segments += u64::from(!segment.solid);
        if ids.len() > LONGEST {
            counts.overlong += 1;
        } else if segment.solid || self.options.false_chains {
            found.tally.add(ids, 1);
        }
    }

    /// Adds up what the workers found. Sums do not depend on who found what.
    fn gather(&self, found: Vec<Found>) -> SegmentCounts {
        let slice = self.current();
        let mut sum = self.start();
        let mut seams = Vec::new();
        for mut one in found {
            add(&mut sum.counts.singles, &one.counts.singles);
            add(&mut sum.counts.members, &one.counts.members);
            sum.counts.segments += one.counts.segments;
            sum.counts.false_segments += one.counts.false_segments;
            sum.counts.overlong += one.counts.overlong;
            if one.tally.slice() != slice {
                one.tally.narrow(slice);
            }
            if sum.tally.iter().next().is_none() {
                sum.tally = one.tally;
            } else {
                sum.tally.merge(&one.tally);
            }
            seams.extend(one.seams);
        }
        self.join(seams, &mut sum);
        let min_count = self.options.min_count;
        let frequent = sum.tally.iter().filter(|(_, count)| *count >= min_count);
        let chains = frequent.map(|(word, count)| (word.to_vec(), count)).collect();
        if self.first {
            SegmentCounts { chains, ..sum.counts }
        } else {
            SegmentCounts { chains, ..SegmentCounts::default() }
        }
    }

    /// Puts together the segments that lie in several parts, and counts them.
    fn join(&self, mut seams: Vec<Seam>, sum: &mut Found) {
        // Stable: of one part's two ends, the left one was found first.
        seams.sort_by_key(|seam| seam.part);
        let mut open: Vec<u32> = Vec::new();
        for seam in seams {
            let room = (LONGEST + 1).saturating_sub(open.len());
            open.extend(seam.ids.iter().take(room));
            if !seam.joined[1] {
                let member = match self.strong.trie().walk(&open) {
                    Some(node) if self.strong.trie().is_key(node) => node,
                    _ => Trie::ROOT,
                };
                let solid = self.strong.is_solid(&open);
                let segment = Segment { range: 0..open.len(), member, solid };
                self.count_segment(sum, &open, &segment);
                open.clear();
            }
        }
    }
}

fn add(to: &mut [u64], from: &[u64]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
}

#[cfg(test)]
mod tests {
    use super::super::strong_set::tests::{cut_slowly, members, strong};
    use super::*;
    use crate::corpus::parts::tests::CutParts;
    use crate::support::MemoryBudget;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn job(threads: usize) -> Context {
        Context::new(Some(threads), MemoryBudget::new(MemoryBudget::LEAST).unwrap(), None).unwrap()
    }

    /// Every segment's count by its ids.
    fn flat(
        counts: &SegmentCounts,
        strong: &StrongSet,
        members: &BTreeSet<Vec<u32>>,
    ) -> BTreeMap<Vec<u32>, u64> {
        let singles = counts.singles.iter().enumerate();
        let singles = singles.map(|(id, count)| (vec![u32::try_from(id).unwrap()], *count));
        let members = members.iter().map(|member| {
            (member.clone(), counts.members[strong.trie().walk(member).unwrap() as usize])
        });
        let all = singles.chain(members).chain(counts.chains.iter().cloned());
        all.filter(|(_, count)| *count > 0).collect()
    }

    fn count(corpus: &CutParts, strong: &StrongSet, threads: usize) -> SegmentCounts {
        let options = SegmentOptions { largest_id: 5, min_count: 1, false_chains: true };
        count_segments(corpus, strong, options, &job(threads)).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn seams_and_threads_change_nothing(
            members in members(),
            ids in prop::collection::vec(0_u32..5, 0..60),
            cuts in prop::collection::vec(0_usize..60, 0..12),
        ) {
            let strong = strong(4, &members);
            let mut slow = BTreeMap::new();
            for range in cut_slowly(&ids, &members) {
                *slow.entry(ids[range].to_vec()).or_insert(0) += 1;
            }
            let found = count(&CutParts::new(&ids, &cuts), &strong, 3);
            prop_assert_eq!(flat(&found, &strong, &members), slow);
            prop_assert_eq!(&found, &count(&CutParts::new(&ids, &[]), &strong, 1));
        }
    }

    #[test]
    fn short_memory_costs_passes_and_loses_nothing() {
        // 150,000 distinct chains of 36 symbols: more than a quarter of 64 MB can hold at once.
        let members: BTreeSet<_> = (1..3).flat_map(|a| (1..3).map(move |b| vec![a, b])).collect();
        let strong = strong(2, &members);
        let mut ids = Vec::new();
        for n in 0..300_000_u32 {
            ids.extend((0..18).map(|bit| 1 + (n >> 1 >> bit & 1)).flat_map(|id| [2, id]));
            ids.push(0);
        }
        let cuts: Vec<usize> = (1..40).map(|n| n * ids.len() / 40).collect();
        let corpus = CutParts::new(&ids, &cuts);
        let options = SegmentOptions { largest_id: 2, min_count: 2, false_chains: false };
        let found = count_segments(&corpus, &strong, options, &job(2)).unwrap();
        assert_eq!(found.chains.len(), 150_000);
        assert!(found.chains.iter().all(|(_, count)| *count == 2));
        assert_eq!(found.segments, 300_000);
    }
}
