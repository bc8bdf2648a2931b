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
    /// The long chains of the other set that reached the smallest count, in id order.
    pub long: Vec<(Vec<u32>, u64)>,
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
    chains: Chains,
    long: Chains,
}

/// Chains, and what of them lies in several parts.
struct Chains {
    tally: Tally,
    seams: Vec<Seam>,
}

impl Chains {
    fn new(slice: Slice) -> Self {
        Self { tally: Tally::new(slice), seams: Vec::new() }
    }

    /// Takes what another worker found, in `slice` alone.
    fn merge(&mut self, mut other: Self, slice: Slice) {
        other.narrow(slice);
        if self.tally.iter().next().is_none() {
            self.tally = other.tally;
        } else {
            self.tally.merge(&other.tally);
        }
        self.seams.extend(other.seams);
    }

    fn narrow(&mut self, slice: Slice) {
        if self.tally.slice() != slice {
            self.tally.narrow(slice);
        }
    }

    /// The words that reach the smallest count.
    fn frequent(&self, min_count: u64) -> Vec<(Vec<u32>, u64)> {
        let frequent = self.tally.iter().filter(|(_, count)| *count >= min_count);
        frequent.map(|(word, count)| (word.to_vec(), count)).collect()
    }
}

/// What of a part belongs to a segment that goes on in a neighbouring part.
#[derive(Debug)]
struct Seam {
    part: usize,
    /// At most one more than [`LONGEST`] ids of it.
    ids: Vec<u32>,
    joined: [bool; 2],
}

/// Counts the segments that `strong` cuts `corpus` into; and, among those that `long` cuts it into, the
/// solid ones longer than the order.
///
/// The sequences of `order` symbols in `long` must be in the trie of `strong`, members or not: every
/// window of a long solid chain is one, so `long` has to cut few stretches only.
///
/// O(symbols * order) a pass. One pass, unless the distinct chains do not fit half the memory
/// budget: then the hash space is halved until they do, and each slice takes a pass.
///
/// # Errors
/// Reading the corpus failed, or the job was cancelled.
pub fn count_segments<P: Parts + ?Sized>(
    corpus: &P,
    strong: &StrongSet,
    long: Option<&StrongSet>,
    options: SegmentOptions,
    context: &Context,
) -> Result<SegmentCounts> {
    let mut slices = vec![Slice::ALL];
    let mut all: Option<SegmentCounts> = None;
    while let Some(slice) = slices.pop() {
        let first = all.is_none();
        let pass =
            Pass { strong, long, options, slice, first, narrowed: AtomicU64::new(0), context };
        let (found, done) = pass.run(corpus)?;
        let mut wider = slice;
        while wider != done {
            let [narrower, left] = wider.halves();
            slices.push(left);
            wider = narrower;
        }
        match &mut all {
            None => all = Some(found),
            Some(all) => {
                all.chains.extend(found.chains);
                all.long.extend(found.long);
            }
        }
    }
    let mut all = all.unwrap_or_default();
    all.chains.sort_unstable();
    all.long.sort_unstable();
    Ok(all)
}

/// One pass over the corpus, for one slice of the hash space.
struct Pass<'a> {
    strong: &'a StrongSet,
    long: Option<&'a StrongSet>,
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
            let held = |Found { chains, long, .. }: &Found| {
                chains.tally.resident_bytes() + long.tally.resident_bytes()
            };
            while held(found) > budget && found.chains.tally.slice().bits < 40 {
                let bits = found.chains.tally.slice().bits + 1 - self.slice.bits;
                self.narrowed.fetch_max(u64::from(bits), Ordering::Relaxed);
                found.chains.tally.narrow(self.current());
                found.long.tally.narrow(self.current());
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
        let [chains, long] = [self.current(); 2].map(Chains::new);
        Found { counts, chains, long }
    }

    fn count_part(&self, found: &mut Found, part: usize, ids: &[u32], own: &Range<usize>) {
        let mut stretches = Stretches::new(ids, own, self.strong.order());
        let emit = |segment: Segment| {
            if let Some(seam) = seam(part, ids, own, &segment.range) {
                found.chains.seams.push(seam);
            } else if is_within(&segment.range, own) {
                self.count_segment(found, &ids[segment.range.clone()], &segment);
            }
        };
        match self.long {
            None => self.strong.cut(ids, emit, |_| ()),
            Some(long) => {
                self.strong.cut(ids, emit, |place| stretches.add(place));
                for stretch in stretches.finish() {
                    self.count_long(long, found, (part, ids), own, stretch);
                }
            }
        }
    }

    /// Counts the long chains of a stretch.
    fn count_long(
        &self,
        long: &StrongSet,
        found: &mut Found,
        (part, ids): (usize, &[u32]),
        own: &Range<usize>,
        stretch: Range<usize>,
    ) {
        let emit = |segment: Segment| {
            let range = segment.range.start + stretch.start..segment.range.end + stretch.start;
            if let Some(seam) = seam(part, ids, own, &range) {
                found.long.seams.push(seam);
            } else if is_within(&range, own) {
                self.count_if_long(&mut found.long.tally, &ids[range], segment.solid);
            }
        };
        long.cut(&ids[stretch.clone()], emit, |_| ());
    }

    fn count_if_long(&self, tally: &mut Tally, ids: &[u32], is_solid: bool) {
        if is_solid && ids.len() > self.strong.order() && ids.len() <= LONGEST {
            tally.add(ids, 1);
        }
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
            found.chains.tally.add(ids, 1);
        }
    }

    /// Adds up what the workers found. Sums do not depend on who found what.
    fn gather(&self, mut found: Vec<Found>) -> SegmentCounts {
        let slice = self.current();
        let mut sum = found.pop().unwrap_or_else(|| self.start());
        sum.chains.narrow(slice);
        sum.long.narrow(slice);
        for one in found {
            add(&mut sum.counts.singles, &one.counts.singles);
            add(&mut sum.counts.members, &one.counts.members);
            sum.counts.segments += one.counts.segments;
            sum.counts.false_segments += one.counts.false_segments;
            sum.counts.overlong += one.counts.overlong;
            sum.chains.merge(one.chains, slice);
            sum.long.merge(one.long, slice);
        }
        join(self.strong, std::mem::take(&mut sum.chains.seams), |ids, segment| {
            self.count_segment(&mut sum, ids, segment);
        });
        if let Some(long) = self.long {
            join(long, std::mem::take(&mut sum.long.seams), |ids, segment| {
                self.count_if_long(&mut sum.long.tally, ids, segment.solid);
            });
        }
        let min_count = self.options.min_count;
        let (chains, long) = (sum.chains.frequent(min_count), sum.long.frequent(min_count));
        let counts = if self.first { sum.counts } else { SegmentCounts::default() };
        SegmentCounts { chains, long, ..counts }
    }
}

/// Stretches of a part that may hold a long solid chain: its ends, where runs may go on in other parts, and what
/// lies around given places.
///
/// At each symbol of a long solid chain but the last, a member of `order` symbols starts. So it lies from the first
/// to the last of neighbouring places and as far as the last member reaches, and members that join it to what lies
/// beside it start and end within `order` - 1 symbols of it. What is cut off there is no long solid chain: it would
/// need members at neighbouring places of its own, which join it to this one.
struct Stretches<'i> {
    ids: &'i [u32],
    order: usize,
    /// What lies between the ends.
    inner: Range<usize>,
    /// The neighbouring places found last.
    places: Range<usize>,
    all: Vec<Range<usize>>,
}

impl<'i> Stretches<'i> {
    fn new(ids: &'i [u32], own: &Range<usize>, order: usize) -> Self {
        let is_break = |id: &u32| *id == 0;
        let inner = ids[own.clone()].iter().position(is_break).map(|first| own.start + first);
        let last = ids[..own.end].iter().rposition(is_break);
        let inner = inner.zip(last).map_or(ids.len()..ids.len(), |(first, last)| first..last + 1);
        let first = 0..inner.start;
        Self { ids, order, inner, places: 0..0, all: vec![first] }
    }

    /// Adds a place and the one before it; it lies behind all earlier ones.
    fn add(&mut self, place: usize) {
        if !self.inner.contains(&place) {
            return;
        }
        if self.places.end != place {
            self.close();
            self.places.start = place - 1;
        }
        self.places.end = place + 1;
    }

    fn close(&mut self) {
        let Self { ids, order, places, .. } = self;
        if places.start == places.end {
            return;
        }
        let is_break = |id: &u32| *id == 0;
        let (first, end) = (places.start, places.end - 1 + *order);
        let from = first.saturating_sub(*order - 1);
        let to = (end + *order - 1).min(ids.len());
        let before = ids[from..first].iter().rposition(is_break);
        let behind = ids[end..to].iter().position(is_break);
        self.all.push(before.map_or(from, |at| from + at + 1)..behind.map_or(to, |at| end + at));
    }

    fn finish(mut self) -> Vec<Range<usize>> {
        self.close();
        self.all.push(self.inner.end..self.ids.len());
        self.all
    }
}

/// Whether a segment lies in a part and not in what was loaded around it.
fn is_within(segment: &Range<usize>, own: &Range<usize>) -> bool {
    segment.start >= own.start && segment.end <= own.end && !segment.is_empty()
}

/// What of a segment lies in a part, if some of it lies in another.
#[inline]
fn seam(part: usize, ids: &[u32], own: &Range<usize>, segment: &Range<usize>) -> Option<Seam> {
    let Range { start, end } = *segment;
    if start >= own.end || end <= own.start {
        return None;
    }
    let joined = [start < own.start, end > own.end];
    (joined != [false, false]).then(|| {
        let own = &ids[start.max(own.start)..end.min(own.end)];
        Seam { part, ids: own[..own.len().min(LONGEST + 1)].to_vec(), joined }
    })
}

/// Puts together the segments that lie in several parts, and counts them.
fn join(strong: &StrongSet, mut seams: Vec<Seam>, mut count: impl FnMut(&[u32], &Segment)) {
    // Stable: of one part's two ends, the left one was found first.
    seams.sort_by_key(|seam| seam.part);
    let mut open: Vec<u32> = Vec::new();
    for seam in seams {
        let room = (LONGEST + 1).saturating_sub(open.len());
        open.extend(seam.ids.iter().take(room));
        if !seam.joined[1] {
            let member = match strong.trie().walk(&open) {
                Some(node) if strong.trie().is_key(node) => node,
                _ => Trie::ROOT,
            };
            let solid = strong.is_solid(&open);
            count(&open, &Segment { range: 0..open.len(), member, solid });
            open.clear();
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
        count_segments(corpus, strong, None, options, &job(threads)).unwrap()
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

    proptest! {
        #[test]
        fn long_chains_of_another_set_are_those_of_a_cut_of_its_own(
            weak in members(),
            drawn in prop::collection::vec(any::<bool>(), 12),
            ids in prop::collection::vec(0_u32..5, 0..80),
            cuts in prop::collection::vec(0_usize..80, 0..8),
            order in 2_usize..5,
        ) {
            let weak: BTreeSet<Vec<u32>> =
                weak.into_iter().filter(|member| member.len() <= order).collect();
            let keys: Vec<&Vec<u32>> = weak.iter().collect();
            let both = StrongSet::among(order, keys.len(), |rank| keys[rank], |rank| drawn[rank]);
            let both = both.unwrap();
            let long = strong(order, &weak);
            let few = weak.iter().zip(&drawn).filter(|(_, drawn)| **drawn);
            let few = strong(order, &few.map(|(member, _)| member.clone()).collect());
            let options = SegmentOptions { largest_id: 5, min_count: 1, false_chains: true };
            let parts = CutParts::new(&ids, &cuts);
            let count = |strong, long| {
                count_segments(&parts, strong, long, options, &job(2)).unwrap()
            };
            let found = count(&both, Some(&long));
            let mut expected = count(&long, None).chains;
            expected.retain(|(word, _)| word.len() > order && long.is_solid(word));
            prop_assert_eq!(&found.long, &expected);
            let alone = count(&few, None);
            prop_assert_eq!((&found.singles, &found.chains), (&alone.singles, &alone.chains));
            prop_assert_eq!(found.segments, alone.segments);
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
        let found = count_segments(&corpus, &strong, None, options, &job(2)).unwrap();
        assert_eq!(found.chains.len(), 150_000);
        assert!(found.chains.iter().all(|(_, count)| *count == 2));
        assert_eq!(found.segments, 300_000);
    }
}
