//! Sums of exponentials without overflow or underflow.

use super::scalar::{LANES, Lanes, Scalar};
pub(super) use crate::support::exp::{exp, ln};

/// The logarithm of the sum of `exp(left + right)`; negative infinity if nothing is allowed.
#[inline(always)]
pub(super) fn log_sum_exp<F: Scalar>(left: &[f64], right: &[F]) -> f64 {
    let (left_whole, left_rest) = left.as_chunks::<LANES>();
    let (right_whole, right_rest) = right.as_chunks::<LANES>();
    let mut tops = [f64::NEG_INFINITY; LANES];
    for (left, right) in left_whole.iter().zip(right_whole) {
        tops = std::array::from_fn(|lane| {
            let value = left[lane] + right[lane].into();
            if value > tops[lane] { value } else { tops[lane] }
        });
    }
    let mut top = tops.into_iter().fold(f64::NEG_INFINITY, f64::max);
    for (&left, &right) in left_rest.iter().zip(right_rest) {
        top = top.max(left + right.into());
    }
    if top == f64::NEG_INFINITY {
        return top;
    }
    let mut sums: Lanes<f64> = [0.0; LANES];
    for (left, right) in left_whole.iter().zip(right_whole) {
        sums = std::array::from_fn(|lane| sums[lane] + exp(left[lane] + right[lane].into() - top));
    }
    let mut sum: f64 = sums.into_iter().sum();
    for (&left, &right) in left_rest.iter().zip(right_rest) {
        sum += exp(left + right.into() - top);
    }
    top + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_sum_exp_of_any_size() {
        for size in 1..50_u32 {
            let left: Vec<f64> = (0..size).map(|i| f64::from(i * 7 % 13) * 100.0).collect();
            let right: Vec<f32> =
                (0..u16::try_from(size).unwrap()).map(|i| f32::from(i % 5)).collect();
            let sums = left.iter().zip(&right).map(|(l, r)| l + f64::from(*r));
            let top = sums.clone().fold(f64::NEG_INFINITY, f64::max);
            let expected = top + sums.map(|sum| (sum - top).exp()).sum::<f64>().ln();
            assert!((log_sum_exp(&left, &right) - expected).abs() < 1e-12);
        }
        assert_eq!(log_sum_exp(&[f64::NEG_INFINITY], &[1.0_f32]), f64::NEG_INFINITY);
    }
}
