//! Benchmarks of the core in Rust alone.
