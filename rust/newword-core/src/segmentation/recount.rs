//! Counting words in the heaviest segmentation of a corpus.

use std::ops::Range;

use super::lattice::{Lattice, Search, Step};
use crate::corpus::{Parts, each_part};
use crate::support::{Context, Result};

/// How often each word was used.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct WordCounts {
    /// By trie node of the lattice.
    pub words: Vec<u64>,
    /// Symbols that are no words, by id.
    pub singles: Vec<u64>,
}

/// The results of one worker.
struct Found {
    counts: WordCounts,
    search: Search,
    seams: Vec<Seam>,
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
    let start = || Found {
        counts: WordCounts {
            words: vec![0; lattice.trie.slots()],
            singles: vec![0; largest_id + 1],
        },
        search: Search::default(),
        seams: Vec::new(),
    };
    let arrays = (lattice.trie.slots() + largest_id + 1) as u64 * 8;
    let fit = usize::try_from(context.memory().bytes() / 4 / arrays).unwrap_or(usize::MAX);
    let workers = fit.clamp(1, context.threads());
    // Without context a part tells by itself where it is open: at an end that is no break.
    let step = |found: &mut Found, part: usize, ids: &[u32], own: Range<usize>| {
        count_part(lattice, found, part, &ids[own]);
        Ok(())
    };
    let found = each_part(corpus, 0, workers, context, start, step)?;
    gather(corpus, lattice, found, start(), context)
}

/// Labels that a search is given at a time, if the runs are no longer.
const STRETCH: usize = if cfg!(test) { 6 } else { 1 << 10 };
/// Labels of one run that are searched at a time. Where a search ends depends on the run alone, so
/// that sums are rounded alike however the run is cut into parts.
const WINDOW: usize = if cfg!(test) { 8 } else { 1 << 16 };

fn count_part(lattice: &Lattice, found: &mut Found, part: usize, ids: &[u32]) {
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
            count_runs(lattice, found, runs);
        } else {
            count_runs(lattice, found, &runs[..start]);
            let mut run = LongRun::default();
            run.extend(lattice, found, &runs[start..]);
            run.end(lattice, found);
        }
        whole = behind;
    }
    found.seams.push(seam(last + 1..ids.len(), last + 1 < ids.len()));
}

/// A run that comes in pieces and is searched window by window.
#[derive(Default)]
struct LongRun {
    /// What is not counted yet.
    ids: Vec<u32>,
    /// How often the window was doubled, since no place in it was settled.
    doubled: u32,
}

impl LongRun {
    fn extend(&mut self, lattice: &Lattice, found: &mut Found, ids: &[u32]) {
        self.ids.extend(ids);
        let mut start = 0;
        while let Some(window) = self.ids.get(start..start + (WINDOW << self.doubled)) {
            let path = lattice.solve_start(window, &mut found.search);
            let settled = path.iter().map(|step| step.length()).sum();
            count_path(lattice, &mut found.counts, &window[..settled], path);
            self.doubled = if settled == 0 { self.doubled + 1 } else { 0 };
            start += settled;
        }
        self.ids.drain(..start);
    }

    fn end(&mut self, lattice: &Lattice, found: &mut Found) {
        count_runs(lattice, found, &self.ids);
        *self = Self::default();
    }
}

/// Counts the words of runs with breaks between them.
fn count_runs(lattice: &Lattice, found: &mut Found, runs: &[u32]) {
    count_path(lattice, &mut found.counts, runs, lattice.solve(runs, &mut found.search));
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

/// Adds up what the workers found, and counts the runs that lie in several parts.
fn gather<P: Parts + ?Sized>(
    corpus: &P,
    lattice: &Lattice,
    found: Vec<Found>,
    mut sum: Found,
    context: &Context,
) -> Result<WordCounts> {
    for one in found {
        let add = |(to, from): (&mut u64, u64)| *to += from;
        sum.counts.words.iter_mut().zip(one.counts.words).for_each(add);
        sum.counts.singles.iter_mut().zip(one.counts.singles).for_each(add);
        sum.seams.extend(one.seams);
    }
    // Stable: a part's runs were found from left to right.
    let mut seams = std::mem::take(&mut sum.seams);
    seams.sort_by_key(|seam| seam.part);
    let (mut open, mut loaded) = (LongRun::default(), Vec::new());
    for seam in seams {
        match seam.ids {
            SeamIds::Held(ids) => open.extend(lattice, &mut sum, &ids),
            SeamIds::Range(range) => {
                context.check()?;
                let own = corpus.load(seam.part, 0, &mut loaded)?;
                open.extend(lattice, &mut sum, &loaded[own][range]);
            }
        }
        if !seam.goes_on {
            open.end(lattice, &mut sum);
        }
    }
    open.end(lattice, &mut sum);
    Ok(sum.counts)
}

#[cfg(test)]
mod tests {
    use super::super::Unknown;
    use super::*;
    use crate::corpus::parts::tests::CutParts;
    use crate::support::testing::job;
    use crate::trie::Trie;
    use proptest::prelude::*;

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
                Found { counts: WordCounts::default(), search: Search::default(), seams: vec![] };
            whole.counts.words = vec![0; lattice.trie.slots()];
            whole.counts.singles = vec![0; 6];
            for run in ids.split(|id| *id == 0) {
                count_runs(&lattice, &mut whole, run);
            }
            prop_assert_eq!(&count(&cuts, 3), &whole.counts);
            prop_assert_eq!(&count(&[], 1), &whole.counts);
        }
    }
}
