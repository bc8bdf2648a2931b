//! The choice of vector instructions at run time.
//!
//! Kernels are plain loops over arrays of sixteen numbers, inlined into a function that the compiler
//! may build with AVX2 or AVX-512; what other processors have (SSE2, NEON) is used as it is.

#![allow(
    clippy::inline_always,
    reason = "a kernel must be inlined whole to be compiled with wide vectors"
)]

use std::sync::OnceLock;

use pulp::{Arch, Simd, WithSimd};

/// Work whose loops are to use the widest vectors of this processor. Everything in `run` that loops
/// over lanes has to be inlined into it.
pub(crate) trait Kernel {
    type Output;
    fn run(self) -> Self::Output;
}

struct Widest<K>(K);

impl<K: Kernel> WithSimd for Widest<K> {
    type Output = K::Output;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> K::Output {
        self.0.run()
    }
}

/// Runs a kernel with the widest vectors of this processor.
pub(crate) fn widest<K: Kernel>(kernel: K) -> K::Output {
    static ARCH: OnceLock<Arch> = OnceLock::new();
    ARCH.get_or_init(choose).dispatch(Widest(kernel))
}

/// The widest vectors, or narrower ones by `NEWWORD_SIMD`: "avx2" or "baseline". Results are the same;
/// the variable exists for benchmarks and tests.
fn choose() -> Arch {
    match std::env::var("NEWWORD_SIMD").as_deref() {
        Ok("baseline") => Arch::Scalar,
        #[cfg(target_arch = "x86_64")]
        Ok("avx2") => pulp::x86::V3::try_new().map_or(Arch::Scalar, Arch::V3),
        _ => Arch::new(),
    }
}
