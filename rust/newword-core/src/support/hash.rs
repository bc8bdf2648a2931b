//! Hash tables with a fixed seed, so that no result depends on the run.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// The hasher: fast on short keys, the same in every process.
pub type FixedState = foldhash::fast::FixedState;
/// A hash map with a fixed seed.
pub type HashMap<K, V> = hashbrown::HashMap<K, V, FixedState>;
/// A hash set with a fixed seed.
pub type HashSet<T> = hashbrown::HashSet<T, FixedState>;

/// A hash that is the same on every machine, whatever its processor.
pub fn of_bytes(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// A pseudo-random number of at least 0 and less than 1: a hash of the seed and of the place where it is used.
/// It does not depend on earlier numbers.
pub fn uniform(seed: u64, place: [u64; 3]) -> f64 {
    let bits = xxh3_64_with_seed(bytemuck::bytes_of(&place.map(u64::to_le)), seed);
    (bits >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}
