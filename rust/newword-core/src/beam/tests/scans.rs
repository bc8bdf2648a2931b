//! The pass over scores, its types of numbers, and its errors.

use proptest::prelude::*;

use super::*;
use crate::support::Error;

/// One step of one hypothesis: the tokens of the beam, the best first.
fn first_tokens<E: Element>(scores: &[E], beams: usize) -> Vec<i32> {
    let options = BeamOptions { early_stopping: false, ..options(1, beams, 9) };
    let mut search = BeamSearch::new(options).unwrap();
    let step = search.step(scores, [1, scores.len()], &[], &Workers::caller()).unwrap();
    step.tokens
}

/// All tokens but the end, sorted.
fn sorted_tokens(scores: &[f64], beams: usize) -> Vec<i32> {
    let mut tokens: Vec<usize> = (1..scores.len()).collect();
    tokens.retain(|&token| scores[token] > f64::NEG_INFINITY);
    tokens.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then(a.cmp(&b)));
    tokens.truncate(beams);
    tokens.resize(beams, 0);
    tokens.into_iter().map(|token| i32::try_from(token).unwrap()).collect()
}

fn scores() -> impl Strategy<Value = Vec<f32>> {
    let score = prop_oneof![
        5 => (-20..0_i8).prop_map(f32::from),
        5 => -30.0..0.0_f32,
        1 => Just(f32::NEG_INFINITY),
    ];
    // Around the sizes of vectors and blocks.
    prop_oneof![1..40_usize, 250..270_usize, 500..800_usize]
        .prop_flat_map(move |size| prop::collection::vec(score.clone(), size))
}

proptest! {
    #[test]
    fn a_scan_finds_what_a_sort_finds(scores in scores(), beams in 1..12_usize) {
        let wide: Vec<f64> = scores.iter().map(|&score| f64::from(score)).collect();
        if wide[1..].iter().all(|&score| score == f64::NEG_INFINITY) {
            return Ok(());
        }
        let expected = sorted_tokens(&wide, beams);
        prop_assert_eq!(first_tokens(&scores, beams), expected.clone());
        prop_assert_eq!(first_tokens(&wide, beams), expected);
        let half: Vec<f16> = scores.iter().map(|&score| f16::from_f32(score)).collect();
        let widened: Vec<f64> = half.iter().map(|score| score.to_f64()).collect();
        prop_assert_eq!(first_tokens(&half, beams), sorted_tokens(&widened, beams));
        let brain: Vec<bf16> = scores.iter().map(|&score| bf16::from_f32(score)).collect();
        let widened: Vec<f64> = brain.iter().map(|score| score.to_f64()).collect();
        prop_assert_eq!(first_tokens(&brain, beams), sorted_tokens(&widened, beams));
    }

    #[test]
    fn sums_that_differ_in_the_last_place_are_ranked(
        sums in prop::collection::vec(-1e3..0.0_f64, 2..5),
        scores in prop::collection::vec(-1e-3..0.0_f64, 300),
    ) {
        // Hypotheses of very different sums, then scores close together: no rounding may hide a candidate.
        let beams = sums.len();
        let options = BeamOptions { early_stopping: false, ..options(1, beams, 9) };
        let mut search = BeamSearch::new(options).unwrap();
        let mut first = vec![f64::NEG_INFINITY; 300];
        first[1..=beams].copy_from_slice(&sums);
        let workers = Workers::caller();
        let order = search.step(&first, [1, 300], &[], &workers).unwrap().tokens;
        let second = scores.repeat(beams);
        let step = search.step(&second, [beams, 300], &[], &workers).unwrap();
        let mut all: Vec<(f64, i32, i32)> = vec![];
        for (slot, token) in (0..).zip(&order) {
            for (id, score) in (0..).zip(&scores).skip(1) {
                all.push((first[usize::try_from(*token).unwrap()] + score, slot, id));
            }
        }
        all.sort_by(|a, b| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2))));
        let expected: Vec<_> = all[..beams].iter().map(|one| (one.1, one.2)).collect();
        let found: Vec<_> = step.parents.into_iter().zip(step.tokens).collect();
        prop_assert_eq!(found, expected);
    }
}

#[test]
fn invalid_scores_are_errors_wherever_they_are() {
    for size in [1, 15, 16, 17, 256, 300, 1000] {
        for place in [0, size / 2, size - 1] {
            for (value, early_stopping) in [(f32::NAN, false), (f32::INFINITY, false), (0.01, true)]
            {
                let mut scores = vec![-1.0_f32; size];
                scores[place] = value;
                let options = BeamOptions { early_stopping, ..options(1, 2, 9) };
                let mut search = BeamSearch::new(options).unwrap();
                let error = search.step(&scores, [1, size], &[], &Workers::caller()).unwrap_err();
                let Error::InvalidArgument { argument, value, .. } = &error else { panic!() };
                assert_eq!(argument, "log_probs");
                assert!(value.ends_with(&format!("in row 0, token {place}")), "{value}");
            }
        }
    }
}

#[test]
fn negative_nan_is_found() {
    let mut scores = vec![-1.0_f32; 300];
    scores[280] = -f32::NAN;
    let mut search = BeamSearch::new(options(1, 1, 9)).unwrap();
    assert!(search.step(&scores, [1, 300], &[], &Workers::caller()).is_err());
}

#[test]
fn rounding_above_zero_counts_as_zero() {
    let mut search = BeamSearch::new(options(1, 1, 9)).unwrap();
    search.step(&[5e-4_f32, -1.0], [1, 2], &[], &Workers::caller()).unwrap();
    assert_eq!(search.results()[0][0].log_prob, 0.0);
}
