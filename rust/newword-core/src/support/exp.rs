//! Vectorizable exponentials and logarithms.

#![allow(
    clippy::inline_always,
    reason = "loops over these functions are vectorized only if they are inlined"
)]

/// Below this, `exp` is less than the smallest normal number, and taken for 0.
const LEAST: f64 = -708.0;
/// Adding this number rounds to an integer, which is then in the low bits; subtracting it restores the value.
const ROUND: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts: the first has so few bits that its product with an exponent is exact.
const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
/// 1/n! from 11 down to 0. With |r| <= ln(2)/2 the remainder is below 7e-15.
const TAYLOR: [f64; 12] = [
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];

/// The exponential of a number of at most 709; 0 below -708. Without branches, so that loops over it
/// are vectorized, unlike those over the standard library's.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    // Whatever is too small for the arithmetic is replaced first and chosen away at the end.
    let small = if x < LEAST { 0.0 } else { x };
    let shifted = small * std::f64::consts::LOG2_E + ROUND;
    let exponent = shifted - ROUND;
    let rest = (small - exponent * LN_2_HIGH) - exponent * LN_2_LOW;
    let mut sum = TAYLOR[0];
    for coefficient in &TAYLOR[1..] {
        sum = sum * rest + coefficient;
    }
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1023 << 52));
    if x < LEAST { 0.0 } else { sum * power }
}

/// 1/(2n + 1) from 9 down to 0, the series of artanh(s)/s in squares of s. With s at most 0.1716 the remainder
/// is below 3e-17.
const ARTANH: [f64; 10] = [
    1.0 / 19.0,
    1.0 / 17.0,
    1.0 / 15.0,
    1.0 / 13.0,
    1.0 / 11.0,
    1.0 / 9.0,
    1.0 / 7.0,
    1.0 / 5.0,
    1.0 / 3.0,
    1.0,
];
/// 2 to the power of 52: the numbers from there on are whole, and their low bits count them.
const WHOLE: f64 = 4_503_599_627_370_496.0;

/// The natural logarithm of a positive number that is not subnormal; negative infinity for 0. Like
/// [`exp`], without a branch.
#[inline(always)]
pub(crate) fn ln(x: f64) -> f64 {
    // x = 2^exponent * mantissa, with the mantissa between the roots of 1/2 and of 2.
    let root = std::f64::consts::FRAC_1_SQRT_2.to_bits();
    let shifted = x.to_bits().wrapping_add(1.0_f64.to_bits() - root);
    let exponent = f64::from_bits(WHOLE.to_bits() | (shifted >> 52)) - (WHOLE + 1023.0);
    let mantissa = f64::from_bits((shifted & ((1 << 52) - 1)) + root);
    // ln m = 2 artanh((m - 1) / (m + 1))
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let mut sum = ARTANH[0];
    for coefficient in &ARTANH[1..] {
        sum = sum * square + coefficient;
    }
    let log = exponent * LN_2_HIGH + (2.0 * s * sum + exponent * LN_2_LOW);
    if x == 0.0 { f64::NEG_INFINITY } else { log }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "the extremes are exact")]
mod tests {
    use super::*;

    #[test]
    fn exp_is_right_to_fourteen_digits() {
        let mut worst = 0.0_f64;
        for step in 0..2_000_000 {
            let x = -708.0 + f64::from(step) * (1417.0 / 2_000_000.0);
            worst = worst.max((exp(x) / x.exp() - 1.0).abs());
        }
        assert!(worst <= 1e-14, "{worst:e}");
    }

    #[test]
    fn exp_of_the_extremes() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
        assert_eq!(exp(-1e300), 0.0);
        assert!(exp(-708.0) > 0.0);
        assert!(exp(f64::NAN).is_nan());
    }

    #[test]
    fn ln_is_right_to_fifteen_digits() {
        let mut worst = 0.0_f64;
        // Powers of all sizes, and what is close to 1, where the logarithm is close to 0.
        let powers = (0..1_000_000).map(|step| (-708.0 + f64::from(step) * 0.001_417).exp());
        let near_one = (1..1_000_000).map(|step| 0.5 + f64::from(step) * 1e-6);
        for x in powers.chain(near_one).filter(|&x| x != 1.0) {
            worst = worst.max((ln(x) / x.ln() - 1.0).abs());
        }
        assert!(worst <= 1e-15, "{worst:e}");
    }

    #[test]
    fn ln_of_the_extremes() {
        assert_eq!(ln(1.0), 0.0);
        assert_eq!(ln(0.0), f64::NEG_INFINITY);
        for x in [f64::MIN_POSITIVE, f64::MAX, 1.0 + f64::EPSILON, 1.0 - f64::EPSILON / 2.0] {
            assert!((ln(x) / x.ln() - 1.0).abs() <= 1e-15, "{x:e}");
        }
    }
}
