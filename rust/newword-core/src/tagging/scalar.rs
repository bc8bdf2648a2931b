//! The two types of scores: `f32` and `f64`.

use std::fmt::Display;
use std::ops::{Add, AddAssign, Mul};

/// The number of sequences, or of tags of one sequence, computed together. Loops over an array of
/// this length become one or a few vector instructions, depending on the processor.
pub(super) const LANES: usize = 16;

/// One score for each lane.
pub(super) type Lanes<F> = [F; LANES];

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// A type of scores.
pub trait Scalar:
    sealed::Sealed
    + Copy
    + Send
    + Sync
    + PartialOrd
    + Default
    + Display
    + Add<Output = Self>
    + AddAssign
    + Mul<Output = Self>
    + Into<f64>
    + 'static
{
    /// The score that forbids.
    const FORBIDDEN: Self;
    /// What no score may reach.
    const INFINITY: Self;

    /// The nearest score.
    fn nearest(value: f64) -> Self;

    /// Neither NaN nor infinite.
    fn is_finite(self) -> bool;

    /// Whether the number is a valid score: neither NaN nor positive infinity.
    #[inline(always)]
    fn is_score(self) -> bool {
        self < Self::INFINITY
    }
}

impl Scalar for f32 {
    const FORBIDDEN: Self = Self::NEG_INFINITY;
    const INFINITY: Self = Self::INFINITY;

    #[allow(clippy::cast_possible_truncation, reason = "rounding is what is asked for")]
    fn nearest(value: f64) -> Self {
        value as Self
    }

    fn is_finite(self) -> bool {
        self.is_finite()
    }
}

impl Scalar for f64 {
    const FORBIDDEN: Self = Self::NEG_INFINITY;
    const INFINITY: Self = Self::INFINITY;

    fn nearest(value: f64) -> Self {
        value
    }

    fn is_finite(self) -> bool {
        self.is_finite()
    }
}
