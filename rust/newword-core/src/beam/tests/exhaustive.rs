//! A beam as wide as the number of sequences finds the best ones of all.

use proptest::prelude::*;

use super::*;

/// All sequences that end, with their sums and numbers of steps.
fn finished(toy: Toy, constraints: &Constraints) -> Vec<(Vec<i32>, f64, usize)> {
    let mut found = vec![];
    let mut open = vec![(vec![], 0.0)];
    while let Some((tokens, sum)) = open.pop() {
        let step = tokens.len() + 1;
        for (token, score) in (0..).zip(toy.scores(0, &tokens)) {
            if score == f64::NEG_INFINITY {
                continue;
            }
            if token == END {
                if step >= constraints.min_length[0] {
                    found.push((tokens.clone(), sum + score, step));
                }
            } else if step < constraints.max_length[0] {
                let mut longer = tokens.clone();
                longer.push(token);
                open.push((longer, sum + score));
            }
        }
    }
    found
}

fn penalties() -> impl Strategy<Value = LengthPenalty> {
    let alpha = prop_oneof![Just(0.0), Just(1.0), Just(-1.0), -2.0..2.0_f64];
    prop_oneof![
        Just(LengthPenalty::None),
        alpha.clone().prop_map(LengthPenalty::Average),
        alpha.prop_map(LengthPenalty::Gnmt),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_full_beam_finds_the_best_of_all(
        seed in 0..1000_u64,
        vocabulary in 2..4_usize,
        (max_length, min_length) in (1..5_usize).prop_flat_map(|most| (Just(most), 0..=most)),
        penalty in penalties(),
        (count_end, early_stopping) in (any::<bool>(), any::<bool>()),
        n_best in 1..6_usize,
    ) {
        let toy = Toy { seed, vocabulary };
        let beams = vocabulary.pow(u32::try_from(max_length).unwrap());
        let mut options = BeamOptions {
            n_best, penalty, count_end, early_stopping, ..options(1, beams, max_length)
        };
        options.constraints.min_length = vec![min_length];
        let mut all: Vec<f64> = finished(toy, &options.constraints)
            .iter()
            .map(|(_, sum, step)| penalty.score(*sum, step - usize::from(!count_end)))
            .collect();
        all.sort_by(|a, b| b.total_cmp(a));
        let results = run(options, toy, 1).results().remove(0);
        let found: Vec<f64> =
            results.iter().filter(|one| one.finished).map(|one| one.score).collect();
        all.truncate(n_best);
        prop_assert_eq!(found, all);
    }

    #[test]
    fn early_stopping_does_not_change_results(
        seed in 0..1000_u64,
        penalty in penalties(),
        (beams, groups) in prop_oneof![Just((1, 1)), Just((3, 1)), Just((4, 2)), Just((3, 3))],
        n_best in 1..5_usize,
        count_end in any::<bool>(),
    ) {
        let toy = Toy { seed, vocabulary: 5 };
        let early = BeamOptions {
            penalty, count_end, groups, n_best, diversity: 0.5, ..options(2, beams, 7)
        };
        let late = BeamOptions { early_stopping: false, ..early.clone() };
        let finished = |options| {
            let mut results = run(options, toy, 1).results();
            for source in &mut results {
                source.retain(|one| one.finished);
            }
            results
        };
        prop_assert_eq!(finished(early), finished(late));
    }

    #[test]
    fn fewer_results_are_the_first_of_more(
        seed in 0..1000_u64,
        penalty in penalties(),
        (beams, groups) in prop_oneof![Just((2, 1)), Just((5, 1)), Just((4, 2)), Just((3, 3))],
    ) {
        let toy = Toy { seed, vocabulary: 4 };
        let with = |n_best| {
            let options = BeamOptions {
                penalty, groups, n_best, diversity: 0.25, ..options(1, beams, 6)
            };
            run(options, toy, 1).results().remove(0)
        };
        let more = with(6);
        for n_best in 1..6 {
            let fewer = with(n_best);
            for (few, many) in fewer.iter().zip(&more).filter(|(few, _)| few.finished) {
                prop_assert_eq!(few, many);
            }
        }
    }

    #[test]
    fn log_probabilities_add_up(seed in 0..1000_u64, penalty in penalties()) {
        let toy = Toy { seed, vocabulary: 5 };
        let options = BeamOptions { penalty, n_best: 8, ..options(2, 4, 6) };
        for (source, results) in run(options, toy, 1).results().iter().enumerate() {
            for one in results {
                let mut tokens = one.tokens.clone();
                if one.finished {
                    tokens.push(END);
                }
                let of_model = |place: usize| {
                    let token = usize::try_from(tokens[place]).unwrap();
                    toy.scores(source, &tokens[..place])[token]
                };
                let expected: Vec<f64> = (0..tokens.len()).map(of_model).collect();
                prop_assert_eq!(&one.token_log_probs, &expected);
                prop_assert_eq!(one.log_prob, expected.iter().sum::<f64>());
                prop_assert_eq!(one.score, penalty.score(one.log_prob, tokens.len()));
            }
        }
    }
}
