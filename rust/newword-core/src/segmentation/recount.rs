//! Counting words in the heaviest segmentation of a corpus.

use std::ops::Range;

use super::lattice::{Lattice, Search};
use crate::corpus::{Parts, each_part};
use crate::support::{Context, Result};

/// How often each word was used.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct WordCounts {
    /// By trie node of the lattice.
    pub words: Vec<u64>,
    /// Symbols that are no words, by id.
    pub singles: Vec<u64>,
    /// Words in all, unknown symbols and pairs included.
    pub total: u64,
}

/// What one worker found.
struct Found {
    counts: WordCounts,
    search: Search,
    seams: Vec<Seam>,
}

/// What of a part belongs to a run that goes on in a neighbouring part.
struct Seam {
    part: usize,
    ids: Vec<u32>,
    goes_on: bool,
}

/// Cuts every run of `corpus` into the words of the heaviest path and counts them.
///
/// O(symbols * longest word). Memory: 8 bytes a trie slot and a worker, and the longest run.
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
            total: 0,
        },
        search: Search::default(),
        seams: Vec::new(),
    };
    let arrays = (lattice.trie.slots() + largest_id + 1) as u64 * 8;
    let fit = usize::try_from(context.memory().bytes() / 4 / arrays).unwrap_or(usize::MAX);
    let workers = fit.clamp(1, context.threads());
    let step = |found: &mut Found, part: usize, ids: &[u32], own: Range<usize>| {
        let goes_on = own.end == ids.len() && own.end > own.start && ids[own.end - 1] != 0;
        count_part(lattice, found, part, &ids[own], goes_on);
        Ok(())
    };
    // Without context a part tells by itself where it is open: at an end that is no break.
    let found = each_part(corpus, 0, workers, context, start, step)?;
    Ok(gather(lattice, found, start()))
}

/// Labels that a search is given at a time, if the runs are no longer.
const STRETCH: usize = 1 << 10;

fn count_part(lattice: &Lattice, found: &mut Found, part: usize, ids: &[u32], goes_on: bool) {
    let seam = |run: &[u32], goes_on| Seam { part, ids: run.to_vec(), goes_on };
    let is_break = |id: &u32| *id == 0;
    // The first run may have begun in the part before, the last may go on in the next.
    let Some(first) = ids.iter().position(is_break) else {
        return found.seams.push(seam(ids, goes_on));
    };
    found.seams.push(seam(&ids[..first], false));
    let last = ids.iter().rposition(is_break).unwrap_or(first);
    let mut whole = &ids[first..last];
    while !whole.is_empty() {
        let stretch = whole.len().min(STRETCH);
        let more = whole[stretch..].iter().position(is_break);
        let (runs, behind) = whole.split_at(more.map_or(whole.len(), |more| stretch + more));
        count_runs(lattice, found, runs);
        whole = behind;
    }
    found.seams.push(seam(&ids[last + 1..], goes_on));
}

/// Counts the words of runs with breaks between them.
fn count_runs(lattice: &Lattice, found: &mut Found, runs: &[u32]) {
    let mut end = runs.len();
    for step in lattice.solve(runs, &mut found.search) {
        let start = end - step.length();
        match lattice.word(*step) {
            Some(node) => found.counts.words[node as usize] += 1,
            None => {
                if let [id @ 1..=u32::MAX] = &runs[start..end] {
                    found.counts.singles[*id as usize] += 1;
                }
            }
        }
        end = start;
    }
}

/// Adds up what the workers found, and counts the runs that lie in several parts.
fn gather(lattice: &Lattice, found: Vec<Found>, mut sum: Found) -> WordCounts {
    for one in found {
        let add = |(to, from): (&mut u64, u64)| *to += from;
        sum.counts.words.iter_mut().zip(one.counts.words).for_each(add);
        sum.counts.singles.iter_mut().zip(one.counts.singles).for_each(add);
        sum.counts.total += one.counts.total;
        sum.seams.extend(one.seams);
    }
    // Stable: a part's runs were found from left to right.
    let mut seams = std::mem::take(&mut sum.seams);
    seams.sort_by_key(|seam| seam.part);
    let mut open: Vec<u32> = Vec::new();
    for seam in seams {
        open.extend(seam.ids);
        if !seam.goes_on {
            count_runs(lattice, &mut sum, &open);
            open.clear();
        }
    }
    if !open.is_empty() {
        count_runs(lattice, &mut sum, &open);
    }
    sum.counts
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
