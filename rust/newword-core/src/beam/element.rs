//! The types of numbers that a model's scores may have.

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};

/// The number of scores between two updates of the threshold of a scan.
pub(super) const BLOCK: usize = 256;
/// The number of scores compared together: one or a few vector registers.
pub(super) const LANES: usize = 16;

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
    impl Sealed for half::f16 {}
    impl Sealed for half::bf16 {}
}

/// A type in which scores are compared.
pub trait Wide: sealed::Sealed + Copy + PartialOrd + Default + Into<f64> + Send + Sync {
    /// A number below `value`, at most two units in the last place away.
    fn below(value: f64) -> Self;
}

impl Wide for f32 {
    #[allow(clippy::cast_possible_truncation, reason = "rounding is compensated by the step down")]
    #[inline(always)]
    fn below(value: f64) -> Self {
        (value as Self).next_down()
    }
}

impl Wide for f64 {
    #[inline(always)]
    fn below(value: f64) -> Self {
        value.next_down()
    }
}

/// A type of scores: `f32`, `f64`, or the 16-bit types `f16` and `bf16`, which are read as `f32`.
pub trait Element: sealed::Sealed + Copy + Send + Sync + 'static {
    /// The type in which scores are compared; every score converts to it exactly.
    type Wide: Wide;

    /// The same number.
    fn wide(self) -> Self::Wide;

    /// Up to [`BLOCK`] numbers: in place, or converted into `buffer`.
    fn widen<'a>(block: &'a [Self], buffer: &'a mut [Self::Wide; BLOCK]) -> &'a [Self::Wide];
}

macro_rules! wide {
    ($($kind:ty),*) => {$(
        impl Element for $kind {
            type Wide = $kind;

            #[inline(always)]
            fn wide(self) -> $kind {
                self
            }

            #[inline(always)]
            fn widen<'a>(block: &'a [$kind], _: &'a mut [$kind; BLOCK]) -> &'a [$kind] {
                block
            }
        }
    )*};
}

macro_rules! half {
    ($($kind:ty),*) => {$(
        impl Element for $kind {
            type Wide = f32;

            #[inline(always)]
            fn wide(self) -> f32 {
                self.to_f32()
            }

            #[inline(always)]
            fn widen<'a>(block: &'a [$kind], buffer: &'a mut [f32; BLOCK]) -> &'a [f32] {
                let buffer = &mut buffer[..block.len()];
                block.convert_to_f32_slice(buffer);
                buffer
            }
        }
    )*};
}

wide!(f32, f64);
half!(f16, bf16);

/// Whether a number of the block is above `limit` or NaN. The plainest of loops: compilers gather or call
/// functions where lanes are written out.
#[inline(always)]
#[allow(clippy::neg_cmp_op_on_partial_ord, reason = "one comparison finds NaN as well")]
pub(super) fn exceeds<W: Wide>(block: &[W], limit: W) -> bool {
    let mut any = false;
    for &value in block {
        any |= !(value <= limit);
    }
    any
}
