//! The inner step of every best-path search, and the backtrace.

use super::scalar::{LANES, Lanes, Scalar};

/// Where a path came from: a tag in as few bits as will do, since they are written once for each tag
/// of each step.
pub(super) trait Pointer: Copy + Default + Send {
    fn to(tag: u32) -> Self;
    fn tag(self) -> usize;
}

macro_rules! pointers {
    ($($kind:ty),*) => {$(
        impl Pointer for $kind {
            #[inline(always)]
            #[allow(clippy::cast_possible_truncation, reason = "chosen by the number of tags")]
            fn to(tag: u32) -> Self {
                tag as $kind
            }

            #[inline(always)]
            fn tag(self) -> usize {
                self as usize
            }
        }
    )*};
}

pointers!(u8, u16, u32);

/// In each lane, takes `score + weight` for best where it is better, and `origin` as where it came
/// from. The first of equals stays: the lower tag, when origins come in order.
#[inline(always)]
pub(super) fn relax<F: Scalar>(
    best: &mut Lanes<F>,
    from: &mut Lanes<u32>,
    score: &Lanes<F>,
    weight: &Lanes<F>,
    origin: u32,
) {
    for lane in 0..LANES {
        let value = score[lane] + weight[lane];
        let better = value > best[lane];
        best[lane] = if better { value } else { best[lane] };
        from[lane] = if better { origin } else { from[lane] };
    }
}

/// The same for one score and any number of weights.
#[inline(always)]
pub(super) fn relax_row<F: Scalar>(
    best: &mut [F],
    from: &mut [u32],
    score: F,
    weights: &[F],
    origin: u32,
) {
    for ((best, from), &weight) in best.iter_mut().zip(from).zip(weights) {
        let value = score + weight;
        let better = value > *best;
        *best = if better { value } else { *best };
        *from = if better { origin } else { *from };
    }
}

/// The first of the largest scores, and its place.
#[inline(always)]
pub(super) fn largest<F: Scalar>(scores: impl IntoIterator<Item = F>) -> (usize, F) {
    let mut best = (0, F::FORBIDDEN);
    for (place, score) in scores.into_iter().enumerate() {
        if score > best.1 {
            best = (place, score);
        }
    }
    best
}
