//! Counting words in the heaviest segmentation of a corpus.

use std::ops::Range;

use super::lattice::{Begun, Lattice, Search, Step};
use crate::corpus::{Parts, each_part};
use crate::support::{Context, Result};
use crate::trie::{Node, Trie};

/// How often each word was used.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct WordCounts {
    /// By trie node of the lattice.
    pub words: Vec<u64>,
    /// Symbols that are no words, by id.
    pub singles: Vec<u64>,
}

/// Who sees a corpus go by while its words are counted.
pub trait Visit: Sync {
    /// What a worker has seen.
    type State: Send;

    /// What a worker has seen that has seen nothing.
    fn start(&self) -> Self::State;

    /// Sees a passage. Every place of the corpus is in one, and in no other.
    fn see(&self, state: &mut Self::State, passage: &Passage<'_>);
}

/// A stretch of a corpus that was searched, with what surrounds its places.
pub struct Passage<'p> {
    /// The places are `labels[..end]`. What comes behind them is there as far as a key of the trie
    /// reaches, and the label behind that, unless a break comes first.
    pub labels: &'p [u32],
    pub end: usize,
    /// The label before the first, 0 for a break.
    pub left: u32,
    pub trie: Trie<&'p [Node]>,
    /// What the search found to begin at each place that it saw.
    begun: &'p [Begun],
}

impl Passage<'_> {
    /// The nodes of the one, the two and the three labels that begin at a place.
    #[inline]
    pub fn begun(&self, at: usize) -> Begun {
        match self.begun.get(at..at + 3) {
            Some(begun) => begun[0],
            // The search did not see what comes behind.
            None => self.walk(at),
        }
    }

    fn walk(&self, at: usize) -> Begun {
        let label = |at: usize| self.labels.get(at).copied().unwrap_or(0);
        let first = self.trie.step(Trie::ROOT, label(at));
        let second = self.trie.step(first, label(at + 1));
        [first, second, self.trie.step(second, label(at + 2))]
    }
}

/// Nobody.
impl Visit for () {
    type State = ();

    fn start(&self) {}

    fn see(&self, (): &mut (), _: &Passage<'_>) {}
}

/// The results of one worker.
struct Found<S> {
    counts: WordCounts,
    search: Search,
    seams: Vec<Seam>,
    seen: S,
}

/// The ids of a part that belong to a run that continues in a neighbouring part.
struct Seam {
    part: usize,
    ids: SeamIds,
    goes_on: bool,
}

/// The ids of a seam: held where they are few, to be loaded again where they are many.
enum SeamIds {
    Held(Vec<u32>),
    Range(Range<usize>),
}

/// Ids of a seam that are held: most runs are shorter, and a part is loaded again in a millisecond.
const HELD: usize = if cfg!(test) { 4 } else { 1 << 14 };

/// Segments every run of `corpus` by the path of largest weight and counts the words.
///
/// O(symbols * longest word). Memory: 8 bytes per trie slot and worker, and a part.
///
/// # Errors
/// Reading the corpus failed, or the job was cancelled.
pub fn count_words<P: Parts + ?Sized>(
    corpus: &P,
    lattice: &Lattice,
    largest_id: usize,
    context: &Context,
) -> Result<WordCounts> {
    Ok(count_words_seen(corpus, lattice, largest_id, &(), context)?.0)
}

/// As [`count_words`], with a visitor: what it has seen, worker by worker.
///
/// # Errors
/// As [`count_words`].
pub fn count_words_seen<P: Parts + ?Sized, V: Visit>(
    corpus: &P,
    lattice: &Lattice,
    largest_id: usize,
    visitor: &V,
    context: &Context,
) -> Result<(WordCounts, Vec<V::State>)> {
    let start = || Found {
        counts: WordCounts {
            words: vec![0; lattice.trie.slots()],
            singles: vec![0; largest_id + 1],
        },
        search: Search::noting(),
        seams: Vec::new(),
        seen: visitor.start(),
    };
    let arrays = (lattice.trie.slots() + largest_id + 1) as u64 * 8;
    let fit = usize::try_from(context.memory().bytes() / 4 / arrays).unwrap_or(usize::MAX);
    let workers = fit.clamp(1, context.threads());
    let recount = Recount { lattice, visitor };
    // Without context a part tells by itself where it is open: at an end that is no break.
    let step = |found: &mut Found<V::State>, part: usize, ids: &[u32], own: Range<usize>| {
        recount.part(found, part, &ids[own]);
        Ok(())
    };
    let found = each_part(corpus, 0, workers, context, start, step)?;
    recount.gather(corpus, found, start, context)
}

/// Labels that a search is given at a time, if the runs are no longer.
const STRETCH: usize = if cfg!(test) { 6 } else { 1 << 10 };
/// Labels of one run that are searched at a time. Where a search ends depends on the run alone, so
/// that sums are rounded alike however the run is cut into parts.
const WINDOW: usize = if cfg!(test) { 8 } else { 1 << 16 };

/// A run that comes in pieces and is searched window by window.
#[derive(Default)]
struct LongRun {
    /// What is not counted yet.
    ids: Vec<u32>,
    /// The label before that.
    left: u32,
    /// How often the window was doubled, since no place in it was settled.
    doubled: u32,
}

/// What words are counted with.
struct Recount<'l, V> {
    lattice: &'l Lattice,
    visitor: &'l V,
}

impl<V: Visit> Recount<'_, V> {
    fn part(&self, found: &mut Found<V::State>, part: usize, ids: &[u32]) {
        let seam = |range: Range<usize>, goes_on| {
            let ids = match &ids[range.clone()] {
                few if few.len() <= HELD => SeamIds::Held(few.to_vec()),
                _ => SeamIds::Range(range),
            };
            Seam { part, ids, goes_on }
        };
        let is_break = |id: &u32| *id == 0;
        // The first run may have begun in the part before, the last may go on in the next.
        let Some(first) = ids.iter().position(is_break) else {
            return found.seams.push(seam(0..ids.len(), !ids.is_empty()));
        };
        found.seams.push(seam(0..first, false));
        let last = ids.iter().rposition(is_break).unwrap_or(first);
        let mut whole = &ids[first..last];
        while !whole.is_empty() {
            let stretch = whole.len().min(STRETCH);
            let more = whole[stretch..].iter().position(is_break);
            let (runs, behind) = whole.split_at(more.map_or(whole.len(), |more| stretch + more));
            // All runs but the last are shorter than a stretch.
            let start = runs.iter().rposition(is_break).map_or(0, |at| at + 1);
            if runs.len() - start < WINDOW {
                self.runs(found, 0, runs);
            } else {
                self.runs(found, 0, &runs[..start]);
                let mut run = LongRun::default();
                run.ids.extend(&runs[start..]);
                self.end(&mut run, found);
            }
            whole = behind;
        }
        found.seams.push(seam(last + 1..ids.len(), last + 1 < ids.len()));
    }

    /// Counts the words of runs with breaks between them; `left` is what comes before.
    fn runs(&self, found: &mut Found<V::State>, left: u32, runs: &[u32]) {
        let path = self.lattice.solve(runs, &mut found.search);
        count_path(self.lattice, &mut found.counts, runs, path);
        self.see(found, left, runs, runs.len());
    }

    /// Shows the visitor `labels[..end]` of what was searched last.
    fn see(&self, found: &mut Found<V::State>, left: u32, labels: &[u32], end: usize) {
        let (begun, trie) = (found.search.begun(), self.lattice.trie.view());
        self.visitor.see(&mut found.seen, &Passage { labels, end, left, trie, begun });
    }

    fn extend(&self, run: &mut LongRun, found: &mut Found<V::State>, ids: &[u32]) {
        run.ids.extend(ids);
        self.windows(run, found, self.lattice.trie.longest() + 1);
    }

    /// Searches the windows of a run that have `behind` more labels behind them.
    fn windows(&self, run: &mut LongRun, found: &mut Found<V::State>, behind: usize) {
        let mut start = 0;
        while let size = WINDOW << run.doubled
            && let Some(labels) = run.ids.get(start..)
            && labels.len() >= size + behind
        {
            let window = &labels[..size];
            let path = self.lattice.solve_start(window, &mut found.search);
            let settled = path.iter().map(|step| step.length()).sum();
            count_path(self.lattice, &mut found.counts, &window[..settled], path);
            self.see(found, run.left, labels, settled);
            run.doubled = if settled == 0 { run.doubled + 1 } else { 0 };
            start += settled;
            if let Some(last) = start.checked_sub(1) {
                run.left = run.ids[last];
            }
        }
        run.ids.drain(..start);
    }

    fn end(&self, run: &mut LongRun, found: &mut Found<V::State>) {
        self.windows(run, found, 0);
        self.runs(found, run.left, &run.ids);
        *run = LongRun::default();
    }

    /// Adds up what the workers found, and counts the runs that lie in several parts.
    fn gather<P: Parts + ?Sized>(
        &self,
        corpus: &P,
        mut found: Vec<Found<V::State>>,
        start: impl FnOnce() -> Found<V::State>,
        context: &Context,
    ) -> Result<(WordCounts, Vec<V::State>)> {
        let mut seen = Vec::with_capacity(found.len() + 1);
        let mut sum = found.pop().unwrap_or_else(start);
        for one in found {
            let add = |(to, from): (&mut u64, u64)| *to += from;
            sum.counts.words.iter_mut().zip(one.counts.words).for_each(add);
            sum.counts.singles.iter_mut().zip(one.counts.singles).for_each(add);
            sum.seams.extend(one.seams);
            seen.push(one.seen);
        }
        // Stable: a part's runs were found from left to right.
        let mut seams = std::mem::take(&mut sum.seams);
        seams.sort_by_key(|seam| seam.part);
        let (mut open, mut loaded) = (LongRun::default(), Vec::new());
        for seam in seams {
            match seam.ids {
                SeamIds::Held(ids) => self.extend(&mut open, &mut sum, &ids),
                SeamIds::Range(range) => {
                    context.check()?;
                    let own = corpus.load(seam.part, 0, &mut loaded)?;
                    self.extend(&mut open, &mut sum, &loaded[own][range]);
                }
            }
            if !seam.goes_on {
                self.end(&mut open, &mut sum);
            }
        }
        self.end(&mut open, &mut sum);
        seen.push(sum.seen);
        Ok((sum.counts, seen))
    }
}

/// Counts the words of `path`, last word first, through `ids`.
fn count_path(lattice: &Lattice, counts: &mut WordCounts, ids: &[u32], path: &[Step]) {
    let mut end = ids.len();
    for step in path {
        let start = end - step.length();
        match lattice.word(*step) {
            Some(node) => counts.words[node as usize] += 1,
            None => {
                if let [id @ 1..=u32::MAX] = &ids[start..end] {
                    counts.singles[*id as usize] += 1;
                }
            }
        }
        end = start;
    }
}

#[cfg(test)]
mod tests {
    use super::super::Unknown;
    use super::*;
    use crate::corpus::parts::tests::CutParts;
    use crate::support::testing::job;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Notes, by key, how often it was seen between which labels.
    struct Witness;

    type Seen = BTreeMap<(Vec<u32>, u32, u32), u64>;

    impl Visit for Witness {
        type State = Seen;

        fn start(&self) -> Seen {
            Seen::new()
        }

        fn see(&self, seen: &mut Seen, passage: &Passage<'_>) {
            let label = |at: usize| passage.labels.get(at).copied().unwrap_or(0);
            for at in 0..passage.end {
                let left = at.checked_sub(1).map_or(passage.left, label);
                let begun = passage.begun(at);
                assert_eq!(begun, passage.walk(at));
                let fourth = passage.trie.step(begun[2], label(at + 3));
                for (node, length) in begun.into_iter().chain([fourth]).zip(1..) {
                    if passage.trie.is_key(node) {
                        let key = passage.labels[at..at + length].to_vec();
                        *seen.entry((key, left, label(at + length))).or_default() += 1;
                    }
                }
            }
        }
    }

    /// All occurrences of `keys`, and what stands beside them.
    fn occurrences(ids: &[u32], keys: &[&[u32]]) -> Seen {
        let mut seen = Seen::new();
        for (key, at) in keys.iter().flat_map(|key| (0..ids.len()).map(move |at| (*key, at))) {
            if ids[at..].starts_with(key) {
                let left = at.checked_sub(1).map_or(0, |at| ids[at]);
                let right = ids.get(at + key.len()).copied().unwrap_or(0);
                *seen.entry((key.to_vec(), left, right)).or_default() += 1;
            }
        }
        seen
    }

    proptest! {
        #[test]
        fn seams_and_threads_change_nothing(
            ids in prop::collection::vec(0_u32..5, 0..60),
            cuts in prop::collection::vec(0_usize..60, 0..12),
        ) {
            let keys: [&[u32]; 5] = [&[1], &[1, 2], &[1, 2, 3], &[2, 3, 4, 1], &[4]];
            let trie = Trie::build(keys.len(), |rank| keys[rank]).unwrap();
            let mut weights = vec![0.0; trie.slots()];
            for (key, weight) in keys.iter().zip([-2.0, -1.0, -2.5, -2.0, -3.0]) {
                weights[trie.walk(key).unwrap() as usize] = weight;
            }
            let unknown = Unknown { single: -5.0, pair: -7.0, pairs: vec![false; 3] };
            let lattice = Lattice::new(trie, weights, unknown);
            let count = |cuts: &[usize], threads| {
                count_words(&CutParts::new(&ids, cuts), &lattice, 5, &job(threads)).unwrap()
            };
            let mut whole =
                WordCounts { words: vec![0; lattice.trie.slots()], singles: vec![0; 6] };
            for run in ids.split(|id| *id == 0) {
                let mut search = Search::default();
                count_path(&lattice, &mut whole, run, lattice.solve(run, &mut search));
            }
            prop_assert_eq!(&count(&cuts, 3), &whole);
            prop_assert_eq!(&count(&[], 1), &whole);
            for (cuts, threads) in [(&cuts[..], 3), (&[], 1)] {
                let (parts, job) = (CutParts::new(&ids, cuts), job(threads));
                let (counts, seen) = count_words_seen(&parts, &lattice, 5, &Witness, &job).unwrap();
                prop_assert_eq!(&counts, &whole);
                let mut all = Seen::new();
                for (key, count) in seen.into_iter().flatten() {
                    *all.entry(key).or_default() += count;
                }
                prop_assert_eq!(all, occurrences(&ids, &keys));
            }
        }
    }
}
