//! Words that are in a list more than once.

use xxhash_rust::xxh3::xxh3_64;

use super::words::Words;

/// The words that are there before: place and first place of each, by place. O(n log n).
///
/// A sort of hashes runs through memory in order, where a hash table of so many words would miss the
/// cache at each of them.
pub fn repetitions(words: &Words) -> Vec<(usize, usize)> {
    let hash = |(word, at): (&str, u64)| xxh3_64(word.as_bytes()) >> 32 << 32 | at;
    // Places fit into half a number: words have less than 2^32 bytes, and none is empty.
    let mut hashes: Vec<u64> = words.iter().zip(0..).map(hash).collect();
    hashes.sort_unstable();
    #[allow(clippy::cast_possible_truncation)] // The lower half.
    let place = |hash: &u64| *hash as u32 as usize;
    let mut found = Vec::new();
    for run in hashes.chunk_by(|a, b| a >> 32 == b >> 32).filter(|run| run.len() > 1) {
        let mut alike: Vec<usize> = run.iter().map(place).collect();
        alike.sort_by(|a, b| words.get(*a).cmp(words.get(*b)).then(a.cmp(b)));
        for same in alike.chunk_by(|a, b| words.get(*a) == words.get(*b)) {
            found.extend(same[1..].iter().map(|at| (*at, same[0])));
        }
    }
    found.sort_unstable();
    found
}
