//! Benchmarks of the core in Rust alone.

use std::time::Instant;

/// The time of the wall and that of the process on all processors: the latter is what can be compared
/// on a machine that others use.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    wall: Instant,
    cpu: f64,
}

impl Clocks {
    /// Starts the clocks.
    pub fn now() -> Self {
        Self { wall: Instant::now(), cpu: cpu_seconds() }
    }

    /// Seconds since [`Clocks::now`]: of the wall, and of all processors.
    pub fn elapsed(self) -> (f64, f64) {
        (self.wall.elapsed().as_secs_f64(), cpu_seconds() - self.cpu)
    }
}

/// Seconds that the process has run, user and system, as Linux counts them; NaN elsewhere.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: Vec<f64> =
        behind_name.split_whitespace().skip(11).take(2).flat_map(str::parse).collect();
    // Linux shows a hundred ticks a second, whatever it counts in.
    if ticks.len() == 2 { (ticks[0] + ticks[1]) / 100.0 } else { f64::NAN }
}
