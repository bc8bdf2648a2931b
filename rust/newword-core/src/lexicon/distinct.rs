//! Words that are in a list more than once.

use xxhash_rust::xxh3::xxh3_64;

use super::words::Words;
use crate::support::{Result, Workers};

/// A thread takes at least so many words.
const FEWEST_WORDS: usize = if cfg!(test) { 2 } else { 1 << 14 };

/// The words that are there before: place and first place of each, by place. O(n log n).
///
/// A sort of hashes runs through memory in order, where a hash table of so many words would miss the
/// cache at each of them.
///
/// # Errors
/// [`crate::support::Error::Cancelled`].
pub fn repetitions(words: &Words, workers: &Workers<'_>) -> Result<Vec<(usize, usize)>> {
    // Places fit into half a number: words have less than 2^32 bytes, and none is empty.
    let hash = |at: usize| xxh3_64(words.get(at).as_bytes()) >> 32 << 32 | at as u64;
    let ranges = workers.ranges(words.len(), FEWEST_WORDS);
    let hashes = workers.map(ranges, |range| Ok(range.map(hash).collect::<Vec<u64>>()))?;
    let of_part = |part: Vec<u64>| Ok(repetitions_of(words, &part));
    let found = workers.map_sorted(&hashes, |hash| hash >> 32, Ord::cmp, of_part)?;
    let mut found = found.concat();
    found.sort_unstable();
    Ok(found)
}

/// The repetitions among words whose hashes and places are `sorted`.
fn repetitions_of(words: &Words, sorted: &[u64]) -> Vec<(usize, usize)> {
    #[allow(clippy::cast_possible_truncation)] // The lower half.
    let place = |hash: &u64| *hash as u32 as usize;
    let mut found = Vec::new();
    for run in sorted.chunk_by(|a, b| a >> 32 == b >> 32).filter(|run| run.len() > 1) {
        let mut alike: Vec<usize> = run.iter().map(place).collect();
        alike.sort_by(|a, b| words.get(*a).cmp(words.get(*b)).then(a.cmp(b)));
        for same in alike.chunk_by(|a, b| words.get(*a) == words.get(*b)) {
            found.extend(same[1..].iter().map(|at| (*at, same[0])));
        }
    }
    found
}
