//! Constraints: tries, prefixes, repetitions, ends, and the history of tokens.

use proptest::prelude::*;

use super::super::history::{History, ROOT};
use super::*;

fn best(options: BeamOptions, toy: Toy) -> Vec<Hypothesis> {
    run(options, toy, 1).results().remove(0)
}

/// Whether an n-gram occurs twice.
fn repeats(tokens: &[i32], order: usize) -> bool {
    let windows: Vec<_> = tokens.windows(order).collect();
    windows.iter().enumerate().any(|(place, window)| windows[..place].contains(window))
}

proptest! {
    #[test]
    fn a_trie_restricts_the_search_to_its_sequences(
        seed in 0..1000_u64,
        sequences in prop::collection::vec(prop::collection::vec(1..4_i32, 0..4), 1..6),
    ) {
        let views: Vec<&[i32]> = sequences.iter().map(Vec::as_slice).collect();
        let mut options = BeamOptions { n_best: 8, ..options(1, 64, 5) };
        options.constraints.allowed = vec![Some(trie(&views))];
        // Every sequence is possible, so the search finds all of them.
        let toy = Toy { seed, vocabulary: 4 };
        let mut search = BeamSearch::new(options).unwrap();
        let mut caller = Caller::new(toy, 1);
        while search.finished() == [false] {
            let scores: Vec<f64> =
                caller.scores(&search.live()).iter().map(|score| score.max(-9.0)).collect();
            let shape = [caller.rows.len(), 4];
            let step = search.step(&scores, shape, &[], &Workers::caller()).unwrap();
            caller.advance(&step);
        }
        let mut found: Vec<Vec<i32>> =
            search.results().remove(0).into_iter().map(|one| one.tokens).collect();
        let mut expected = sequences.clone();
        found.sort();
        expected.sort();
        expected.dedup();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_ngram_occurs_twice(seed in 0..1000_u64, order in 1..4_usize, beams in 1..5_usize) {
        // With eight tokens and nine steps there is always another way, even for an order of 1.
        let toy = Toy { seed, vocabulary: 11 };
        let mut options = BeamOptions { n_best: 5, ..options(1, beams, 9) };
        options.constraints.no_repeat = order;
        options.constraints.forbidden = vec![3];
        for one in best(options, toy) {
            prop_assert!(!repeats(&one.tokens, order), "{:?}", one.tokens);
            prop_assert!(!one.tokens.contains(&3));
        }
    }

    #[test]
    fn a_prefix_begins_every_hypothesis(
        seed in 0..1000_u64,
        prefix in prop::collection::vec(1..2_i32, 0..4),
    ) {
        let mut options = BeamOptions { n_best: 3, ..options(1, 3, 6) };
        options.constraints.prefixes = vec![prefix.clone()];
        options.constraints.forbidden = vec![1];
        options.constraints.no_repeat = 1;
        for one in best(options, Toy { seed, vocabulary: 12 }) {
            prop_assert!(one.tokens.starts_with(&prefix));
            prop_assert!(!one.tokens[prefix.len()..].contains(&1));
        }
    }

    #[test]
    fn a_history_keeps_the_paths_of_live_hypotheses(
        pushes in prop::collection::vec((0..3_usize, 0..9_i32), 1..3000),
    ) {
        let mut history = History::new();
        let mut paths = vec![(ROOT, vec![]); 3];
        for (number, (parent, token)) in pushes.into_iter().enumerate() {
            let (node, mut path) = paths[parent].clone();
            let node = history.push(node, token, f64::from(token));
            path.push(token);
            paths[number % 3] = (node, path);
            history.compact(paths.iter_mut().map(|(node, _)| node));
        }
        let live: usize = paths.iter().map(|(_, path)| path.len()).sum();
        prop_assert!(history.len() <= (2 * live).max(256) + 1);
        for (node, path) in paths {
            prop_assert_eq!(history.path(node).0, path);
        }
    }
}

#[test]
fn a_repetition_is_allowed_where_nothing_else_follows() {
    let mut options = options(1, 2, 4);
    options.constraints.no_repeat = 1;
    options.constraints.min_length = vec![4];
    let mut search = BeamSearch::new(options).unwrap();
    let workers = Workers::caller();
    let mut rows = 1;
    while search.finished() == [false] {
        let scores = [-1.0, -0.5].repeat(rows);
        search.step(&scores, [rows, 2], &[], &workers).unwrap();
        rows = 2;
    }
    assert_eq!(search.results()[0][0].tokens, [1, 1, 1]);
}

#[test]
fn an_end_can_be_forced_and_forbidden() {
    let toy = Toy { seed: 1, vocabulary: 4 };
    for seed in 0..50 {
        let toy = Toy { seed, ..toy };
        let mut options = BeamOptions { n_best: 4, ..options(1, 2, 3) };
        options.constraints.force_end = true;
        assert!(best(options.clone(), toy).iter().all(|one| one.finished));
        options.constraints.min_length = vec![3];
        assert!(best(options.clone(), toy).iter().all(|one| one.tokens.len() == 2));
        options.constraints.forbidden = vec![END];
        assert!(best(options, toy).iter().all(|one| !one.finished && one.tokens.len() == 3));
    }
}

#[test]
fn the_caller_can_list_what_may_follow() {
    let mut search = BeamSearch::new(BeamOptions { n_best: 3, ..options(1, 2, 4) }).unwrap();
    let workers = Workers::caller();
    let scores = [-1.0, -0.5, -0.25, -2.0];
    let listed = [Some(vec![1, 3]), None];
    let step = search.step(&scores, [1, 4], &listed, &workers).unwrap();
    assert_eq!(step.tokens, [1, 3]);
    let listed = [Some(vec![0]), Some(vec![0, 2])];
    let step = search.step(&scores.repeat(2), [2, 4], &listed, &workers).unwrap();
    assert_eq!((step.parents, step.tokens), (vec![1, 1], vec![2, 0]));
    assert_eq!(search.results()[0][0].tokens, [1]);
    for bad in [vec![2, 1], vec![1, 1], vec![4], vec![-1]] {
        let listed = [Some(bad), None];
        let error = search.step(&scores.repeat(2), [2, 4], &listed, &workers).unwrap_err();
        assert!(error.to_string().starts_with("allowed: "), "{error}");
    }
}

#[test]
fn tries_are_compact() {
    let trie = TokenTrie::new(&[&[1, 2, 3], &[1, 2], &[1, 4], &[], &[1, 2]]).unwrap();
    assert_eq!((trie.nodes(), trie.sequences()), (5, 4));
    for (sequences, rule) in [(vec![], "empty"), (vec![&[1, -1][..]], "at least 0")] {
        let error = TokenTrie::new(&sequences).unwrap_err().to_string();
        assert!(error.starts_with("sequences: ") && error.contains(rule), "{error}");
    }
}

#[test]
fn constraints_are_checked() {
    type Change = fn(&mut Constraints);
    let broken: [(&str, Change); 9] = [
        ("min_length", |one| one.min_length = vec![5]),
        ("max_length", |one| one.max_length = vec![4; 3]),
        ("prefix", |one| one.prefixes = vec![vec![1; 5]]),
        ("prefix", |one| one.prefixes = vec![vec![END]]),
        ("prefix", |one| {
            one.prefixes = vec![vec![2]];
            one.allowed = vec![Some(trie(&[&[1, 2]]))];
        }),
        ("forbidden", |one| one.forbidden = vec![-1]),
        ("forbidden", |one| one.forbidden = vec![7]),
        ("end_token", |one| one.end_tokens = vec![0, 7]),
        ("allowed", |one| one.allowed = vec![Some(trie(&[&[7]]))]),
    ];
    for (argument, change) in broken {
        let mut options = options(2, 2, 4);
        change(&mut options.constraints);
        let scores = [-1.0; 8];
        let run = BeamSearch::new(options)
            .and_then(|mut search| search.step(&scores, [2, 4], &[], &Workers::caller()));
        assert!(run.unwrap_err().to_string().starts_with(argument), "{argument}");
    }
}
