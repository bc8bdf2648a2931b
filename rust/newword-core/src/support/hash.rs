//! Hash tables with a fixed seed, so that no result depends on the run.

/// The hasher: fast on short keys, the same in every process.
pub type FixedState = foldhash::fast::FixedState;
/// A hash map with a fixed seed.
pub type HashMap<K, V> = hashbrown::HashMap<K, V, FixedState>;
/// A hash set with a fixed seed.
pub type HashSet<T> = hashbrown::HashSet<T, FixedState>;
