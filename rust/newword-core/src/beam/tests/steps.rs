//! The protocol of steps: rows, errors, threads, sampling.

use proptest::prelude::*;

use super::*;
use crate::support::Error;

fn message(error: &Error) -> (String, String) {
    let Error::InvalidArgument { argument, .. } = error else { panic!("{error}") };
    (argument.clone(), error.to_string())
}

/// The rows of a model with two tokens that prefers to go on.
fn going_on(rows: usize) -> Vec<f64> {
    [-2.0, -0.25, -0.5].repeat(rows)
}

#[test]
fn the_two_steps_of_the_article() {
    // kexue.fm/archives/7259: a b c d are 1 to 4. Each step prefers the target (a, b), and (c, d) wins.
    let ln = |row: [f64; 5]| row.map(f64::ln);
    let mut search = BeamSearch::new(BeamOptions { n_best: 4, ..options(1, 2, 3) }).unwrap();
    let workers = Workers::caller();
    search.step(&ln([0.0, 0.6, 0.0, 0.4, 0.0]), [1, 5], &[], &workers).unwrap();
    let after = [ln([0.0, 0.0, 0.55, 0.0, 0.45]), ln([0.0, 0.0, 0.1, 0.0, 0.9])].concat();
    let step = search.step(&after, [2, 5], &[], &workers).unwrap();
    assert_eq!((step.parents, step.tokens), (vec![1, 0], vec![4, 2]));
    let end = ln([1.0, 0.0, 0.0, 0.0, 0.0]).repeat(2);
    search.step(&end, [2, 5], &[], &workers).unwrap();
    let results = search.results().remove(0);
    assert_eq!(results[0].tokens, [3, 4]);
    assert!((results[0].log_prob.exp() - 0.36).abs() < 1e-12);
    assert_eq!(results[1].tokens, [1, 2]);
    assert!((results[1].log_prob.exp() - 0.33).abs() < 1e-12);
}

#[test]
fn an_error_leaves_the_search_unchanged() {
    let workers = Workers::kept(Some(2)).unwrap();
    let mut search = BeamSearch::new(options(2, 2, 5)).unwrap();
    search.step(&going_on(2), [2, 3], &[], &workers).unwrap();
    let (live, results) = (search.live(), search.results());
    let mut bad = going_on(4);
    bad[10] = f64::NAN;
    let said = message(&search.step(&bad, [4, 3], &[], &workers).unwrap_err());
    assert!(said.1.ends_with("got NaN in row 3, token 1"), "{}", said.1);
    let none = [f64::NEG_INFINITY; 12];
    let said = message(&search.step(&none, [4, 3], &[], &workers).unwrap_err());
    assert!(said.1.ends_with("got none for source 0 at step 2"), "{}", said.1);
    for (rows, size) in [(3, 3), (2, 3), (4, 2), (4, 4)] {
        let scores = vec![-1.0; rows * size];
        let said = message(&search.step(&scores, [rows, size], &[], &workers).unwrap_err());
        assert_eq!(said.0, "log_probs");
    }
    assert_eq!((search.live(), search.results(), search.steps()), (live, results, 1));
    let step = search.step(&going_on(4), [4, 3], &[], &workers).unwrap();
    assert_eq!((step.parents, step.tokens), (vec![0, 0, 2, 2], vec![1, 2, 1, 2]));
}

#[test]
fn rows_without_a_hypothesis_stay_and_are_padded() {
    // One token only, so that one of three slots has a hypothesis.
    let mut options = options(2, 3, 2);
    options.constraints.pad_token = 9;
    let mut search = BeamSearch::new(options).unwrap();
    let workers = Workers::caller();
    let step = search.step(&[-2.0, -0.5].repeat(2), [2, 2], &[], &workers).unwrap();
    assert_eq!(step.parents, [0, 0, 0, 1, 1, 1]);
    assert_eq!(step.tokens, [1, 9, 9, 1, 9, 9]);
    let step = search.step(&[-2.0, -0.5].repeat(6), [6, 2], &[], &workers).unwrap();
    assert_eq!(step.parents, [0, 1, 2, 3, 4, 5]);
    assert_eq!(step.tokens, [9; 6]);
    assert_eq!(search.finished(), [true, true]);
    let step = search.step(&[f64::NAN; 12], [6, 2], &[], &workers).unwrap();
    assert_eq!(step.tokens, [9; 6]);
}

#[test]
fn options_are_checked() {
    let broken = [
        ("batch", options(0, 1, 1)),
        ("beams", options(1, 0, 1)),
        ("batch", options(1 << 20, 1 << 20, 1)),
        ("n_best", BeamOptions { n_best: 0, ..options(1, 1, 1) }),
        ("groups", BeamOptions { groups: 2, ..options(1, 3, 1) }),
        ("diversity", BeamOptions { diversity: f64::NAN, ..options(1, 1, 1) }),
        ("alpha", BeamOptions { penalty: LengthPenalty::Gnmt(f64::NAN), ..options(1, 1, 1) }),
        ("max_length", options(1, 1, 0)),
    ];
    for (argument, options) in broken {
        let Err(error) = BeamSearch::new(options) else { panic!("{argument}") };
        assert_eq!(message(&error).0, argument);
    }
}

fn sampler(samples: usize, seed: u64, max_length: usize) -> SamplerOptions {
    let constraints = constraints(max_length);
    SamplerOptions { batch: 2, samples, temperature: 1.0, top_k: 0, top_p: 1.0, seed, constraints }
}

fn run_sampler(options: SamplerOptions, toy: Toy, threads: usize) -> Vec<Vec<Hypothesis>> {
    let workers = Workers::kept(Some(threads)).unwrap();
    let mut caller = Caller::new(toy, options.batch);
    let mut sampler = Sampler::new(options).unwrap();
    while sampler.finished().contains(&false) {
        let scores = caller.scores(&sampler.live());
        let shape = [caller.rows.len(), toy.vocabulary];
        let step = sampler.step(&scores, shape, &[], &workers).unwrap();
        caller.advance(&step);
    }
    sampler.results()
}

proptest! {
    #[test]
    fn threads_make_no_difference(seed in 0..1000_u64) {
        let toy = Toy { seed, vocabulary: 40 };
        let options = BeamOptions { n_best: 3, ..options(5, 3, 6) };
        let one = run(options.clone(), toy, 1).results();
        prop_assert_eq!(run(options, toy, 3).results(), one);
        let one = run_sampler(sampler(3, seed, 6), toy, 1);
        prop_assert_eq!(run_sampler(sampler(3, seed, 6), toy, 3), one);
    }

    #[test]
    fn one_beam_and_temperature_zero_are_greedy(seed in 0..1000_u64) {
        let toy = Toy { seed, vocabulary: 6 };
        let beams = run(options(2, 1, 6), toy, 1).results();
        let greedy = SamplerOptions { temperature: 0.0, ..sampler(1, seed, 6) };
        let samples = run_sampler(greedy, toy, 1);
        for (source, (beam, sample)) in beams.iter().zip(&samples).enumerate() {
            let mut tokens = vec![];
            while tokens.len() < 6 {
                let scores = toy.scores(source, &tokens);
                let best = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let token = scores.iter().position(|&score| score == best).unwrap();
                if token == 0 {
                    break;
                }
                tokens.push(i32::try_from(token).unwrap());
            }
            prop_assert_eq!(&beam[0].tokens, &tokens);
            prop_assert_eq!(&sample[0].tokens, &tokens);
        }
    }
}

#[test]
fn samples_have_the_frequencies_of_the_model() {
    let mut sampler = Sampler::new(SamplerOptions { batch: 1, ..sampler(40_000, 7, 1) }).unwrap();
    let logits = [0.1_f64, 0.2, 0.3, 0.4].map(|share| share.ln() + 5.0);
    sampler.step(&logits, [1, 4], &[], &Workers::caller()).unwrap();
    let mut counts = [0; 4];
    for sample in &sampler.results()[0] {
        let token = sample.tokens.first().map_or(0, |&token| usize::try_from(token).unwrap());
        counts[token] += 1;
        let expected = [0.1_f64, 0.2, 0.3, 0.4][token].ln();
        assert!((sample.log_prob - expected).abs() < 1e-12);
    }
    for (count, share) in counts.into_iter().zip([0.1, 0.2, 0.3, 0.4]) {
        // Five standard deviations.
        let spread = 5.0 * (40_000.0 * share * (1.0_f64 - share)).sqrt();
        assert!((f64::from(count) - 40_000.0 * share).abs() < spread);
    }
}

#[test]
fn top_k_and_top_p_cut_the_distribution() {
    let shares = [0.05_f64, 0.4, 0.3, 0.15, 0.1];
    let logits = shares.map(f64::ln);
    let drawn = |top_k, top_p, temperature| {
        let options = SamplerOptions { top_k, top_p, temperature, batch: 1, ..sampler(2000, 3, 1) };
        let mut sampler = Sampler::new(options).unwrap();
        sampler.step(&logits, [1, 5], &[], &Workers::caller()).unwrap();
        let results = sampler.results().remove(0);
        let mut tokens: Vec<i32> =
            results.iter().map(|one| one.tokens.first().copied().unwrap_or(END)).collect();
        tokens.sort_unstable();
        tokens.dedup();
        tokens
    };
    assert_eq!(drawn(0, 1.0, 1.0), [0, 1, 2, 3, 4]);
    assert_eq!(drawn(2, 1.0, 1.0), [1, 2]);
    assert_eq!(drawn(0, 0.69, 1.0), [1, 2]);
    assert_eq!(drawn(0, 0.71, 1.0), [1, 2, 3]);
    // 0.4 of the two most probable is more than half.
    assert_eq!(drawn(2, 0.5, 1.0), [1]);
    assert_eq!(drawn(0, 1e-9, 1.0), [1]);
    // A low temperature concentrates the distribution before `top_p`.
    assert_eq!(drawn(0, 0.9, 0.2), [1, 2]);
}

#[test]
fn every_way_of_drawing_has_the_frequencies_of_the_model() {
    // A vocabulary of several blocks, a third of which may not follow.
    let size = 900;
    let logits: Vec<f64> = (0..size).map(|token| -f64::from(token % 7) / 2.0).collect();
    let order = |top_k: usize| {
        let mut tokens: Vec<usize> = (0..900).filter(|token| token % 3 > 0).collect();
        tokens.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]));
        tokens.truncate(if top_k == 0 { 900 } else { top_k });
        tokens
    };
    for (top_k, top_p) in
        [(0, 1.0), (10, 1.0), (400, 1.0), (0, 0.05), (0, 0.7), (400, 0.5), (10, 0.5)]
    {
        let mut options = SamplerOptions { top_k, top_p, batch: 1, ..sampler(5_000, 11, 1) };
        options.constraints.forbidden = (0..size).filter(|token| token % 3 == 0).collect();
        let mut sampler = Sampler::new(options).unwrap();
        sampler.step(&logits, [1, 900], &[], &Workers::caller()).unwrap();
        let mut counts = vec![0_u32; 900];
        for sample in &sampler.results()[0] {
            counts[usize::try_from(sample.tokens[0]).unwrap()] += 1;
        }
        let tokens = order(top_k);
        let total: f64 = tokens.iter().map(|&token| logits[token].exp()).sum();
        let mut reached = 0.0;
        let mut kept = vec![];
        for token in tokens {
            if reached >= top_p * total {
                break;
            }
            reached += logits[token].exp();
            kept.push(token);
        }
        for (token, &count) in counts.iter().enumerate() {
            let share = if kept.contains(&token) { logits[token].exp() / reached } else { 0.0 };
            let spread = 6.0 * (5_000.0 * share * (1.0 - share)).sqrt();
            let difference = (f64::from(count) - 5_000.0 * share).abs();
            assert!(difference <= spread, "top_k {top_k}, top_p {top_p}, token {token}: {count}");
        }
    }
}
