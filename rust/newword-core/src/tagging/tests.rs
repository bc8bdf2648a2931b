//! Every decoder against brute force over all paths.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::support::Workers;

/// A batch that owns its arrays.
#[derive(Debug, Clone)]
struct Batch {
    shape: [usize; 3],
    emissions: Vec<f64>,
    transitions: Vec<f64>,
    per_sequence: bool,
    start: Vec<f64>,
    end: Vec<f64>,
    mask: Vec<bool>,
}

/// Few different numbers, so that ties come up, and some that are forbidden.
fn score(forbidden: u32) -> impl Strategy<Value = f64> {
    prop_oneof![
        forbidden => Just(f64::NEG_INFINITY),
        20 => (-4..=4_i8).prop_map(f64::from),
        10 => (-1000..1000_i16).prop_map(|value| f64::from(value) / 256.0),
    ]
}

fn batch(most: usize, forbidden: u32) -> impl Strategy<Value = Batch> {
    (1..most, 1..5_usize, 1..4_usize, any::<bool>()).prop_flat_map(
        move |(batch, steps, tags, per_sequence)| {
            let scores = move |count: usize| prop::collection::vec(score(forbidden), count);
            let matrices = if per_sequence { batch } else { 1 };
            let mask = prop::collection::vec(any::<bool>(), batch * steps);
            (
                scores(batch * steps * tags),
                scores(matrices * tags * tags),
                scores(tags),
                scores(tags),
                mask,
            )
                .prop_map(move |(emissions, transitions, start, end, mask)| Batch {
                    shape: [batch, steps, tags],
                    emissions,
                    transitions,
                    per_sequence,
                    start,
                    end,
                    mask,
                })
        },
    )
}

impl Batch {
    fn problem(&self) -> Problem<'_, f64> {
        let matrices = Cow::Borrowed(&self.transitions[..]);
        let transitions = if self.per_sequence {
            Transitions::PerSequence(matrices)
        } else {
            Transitions::Shared(matrices)
        };
        let scores = Scores {
            shape: self.shape,
            emissions: &self.emissions,
            transitions: Some(transitions),
            start: Some(&self.start),
            end: Some(&self.end),
            lengths: None,
            mask: Some(&self.mask),
        };
        Problem::new(&scores).unwrap()
    }

    fn steps(&self, row: usize) -> Vec<usize> {
        (0..self.shape[1]).filter(|step| self.mask[row * self.shape[1] + step]).collect()
    }

    fn between(&self, row: usize, from: usize, to: usize) -> f64 {
        let tags = self.shape[2];
        self.transitions[(usize::from(self.per_sequence) * row * tags + from) * tags + to]
    }

    fn emission(&self, row: usize, step: usize, tag: usize) -> f64 {
        self.emissions[(row * self.shape[1] + step) * self.shape[2] + tag]
    }

    /// All paths of a sequence with their scores, the best first; of equals the one with the lower tag
    /// where they differ last.
    fn paths(&self, row: usize) -> Vec<(Vec<usize>, f64)> {
        let (steps, tags) = (self.steps(row), self.shape[2]);
        let mut paths = vec![vec![]];
        for _ in &steps {
            let longer = |path: Vec<usize>| (0..tags).map(move |tag| [&path[..], &[tag]].concat());
            paths = paths.into_iter().flat_map(longer).collect();
        }
        let scored = paths.into_iter().map(|path| {
            let mut score = 0.0;
            for (place, (&step, &tag)) in steps.iter().zip(&path).enumerate() {
                score = match place {
                    0 => self.emission(row, step, tag) + self.start[tag],
                    _ => {
                        score
                            + self.between(row, path[place - 1], tag)
                            + self.emission(row, step, tag)
                    }
                };
            }
            (path.last().map_or(0.0, |&tag| score + self.end[tag]), path)
        });
        let mut scored: Vec<_> = scored.map(|(score, path)| (path, score)).collect();
        scored.sort_by(|(a, left), (b, right)| {
            right.total_cmp(left).then(a.iter().rev().cmp(b.iter().rev()))
        });
        scored
    }

    fn solvable(&self) -> bool {
        (0..self.shape[0]).all(|row| self.paths(row)[0].1 > f64::NEG_INFINITY)
    }

    /// A path as the decoders write it.
    fn written(&self, row: usize, path: &[usize]) -> Vec<i32> {
        let mut out = vec![-1; self.shape[1]];
        for (&step, &tag) in self.steps(row).iter().zip(path) {
            out[step] = i32::try_from(tag).unwrap();
        }
        out
    }

    fn total(&self, row: usize) -> f64 {
        self.paths(row).iter().map(|(_, score)| score.exp()).sum()
    }
}

fn workers() -> Workers<'static> {
    Workers::caller()
}

fn close(left: f64, right: f64) -> bool {
    left == right || (left - right).abs() <= 1e-9 * (1.0 + right.abs())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_best_path_is_the_best_of_all(batch in batch(20, 1)) {
        let found = viterbi(&batch.problem(), &workers());
        prop_assert_eq!(found.is_ok(), batch.solvable());
        if let Ok(found) = found {
            for (row, tags) in found.tags.chunks_exact(batch.shape[1]).enumerate() {
                let paths = batch.paths(row);
                prop_assert_eq!(tags, batch.written(row, &paths[0].0));
                prop_assert_eq!(found.scores[row], paths[0].1);
            }
            let threads = Workers::kept(Some(3)).unwrap();
            prop_assert_eq!(&viterbi(&batch.problem(), &threads).unwrap(), &found);
            prop_assert_eq!(path_score(&batch.problem(), &found.tags, &workers()).unwrap(), found.scores.clone());
            let wide = beam_search(&batch.problem(), batch.shape[2], &workers()).unwrap();
            prop_assert_eq!(wide, found);
        }
    }

    #[test]
    fn the_k_best_are_the_first_of_all(batch in batch(4, 2), k in 1..40_usize) {
        if let Ok(found) = k_best(&batch.problem(), k, &workers()) {
            for row in 0..batch.shape[0] {
                let paths = batch.paths(row);
                let allowed = paths.iter().filter(|(_, score)| *score > f64::NEG_INFINITY);
                let allowed: Vec<_> = allowed.take(k).collect();
                let scores = &found.scores[row * k..][..k];
                let found = found.tags[row * k * batch.shape[1]..].chunks_exact(batch.shape[1]);
                let mut distinct = std::collections::BTreeSet::new();
                for (place, (tags, &score)) in found.zip(scores).enumerate() {
                    if let Some((_, expected)) = allowed.get(place) {
                        prop_assert_eq!(score, *expected);
                        let here = paths.iter().find(|(path, _)| batch.written(row, path) == tags);
                        prop_assert_eq!(here.unwrap().1, score);
                        prop_assert!(distinct.insert(tags.to_vec()));
                    } else {
                        prop_assert_eq!(score, f64::NEG_INFINITY);
                        prop_assert!(tags.iter().all(|&tag| tag == -1));
                    }
                }
            }
        }
    }

    #[test]
    fn sums_over_paths_are_sums_over_all_of_them(batch in batch(20, 2), wide in any::<bool>()) {
        let mut batch = batch;
        if wide {
            // Far beyond what can be scaled, so that logarithms have to do it.
            for score in &mut batch.emissions {
                *score *= 150.0;
            }
        }
        let problem = batch.problem();
        let totals = log_partition(&problem, &workers());
        prop_assert_eq!(totals.is_ok(), batch.solvable());
        let Ok(totals) = totals else { return Ok(()) };
        let found = marginals(&problem, &workers()).unwrap();
        let posterior = posterior_decode(&problem, &workers()).unwrap();
        let [_, steps, tags] = batch.shape;
        for (row, &total) in totals.iter().enumerate() {
            let paths = batch.paths(row);
            let top = paths[0].1;
            let sum: f64 = paths.iter().map(|(_, score)| (score - top).exp()).sum();
            prop_assert!(close(total, top + sum.ln()), "{} {}", total, top + sum.ln());
            let mut expected = vec![0.0; steps * tags];
            for (path, score) in &paths {
                for (step, tag) in batch.steps(row).into_iter().zip(path) {
                    expected[step * tags + tag] += (score - top).exp() / sum;
                }
            }
            let found = &found[row * steps * tags..][..steps * tags];
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert!((found - expected).abs() < 1e-9, "{} {}", found, expected);
            }
            let right = |path: &[usize]| -> f64 {
                batch.steps(row).into_iter().zip(path).map(|(step, tag)| expected[step * tags + tag]).sum()
            };
            let allowed = paths.iter().filter(|(_, score)| *score > f64::NEG_INFINITY);
            let most = allowed.map(|(path, _)| right(path)).fold(0.0, f64::max);
            prop_assert!((posterior.scores[row] - most).abs() < 1e-9);
        }
    }

    #[test]
    fn local_scores_are_log_probabilities(
        batch in prop_oneof![batch(20, 0), batch(20, 1)],
        wide in any::<bool>(),
        halved in any::<bool>(),
    ) {
        let mut batch = batch;
        if wide {
            // Far beyond what products can hold, so that logarithms have to do it.
            for score in &mut batch.emissions {
                *score *= 150.0;
            }
        }
        let finite = batch.emissions.iter().chain(&batch.transitions).chain(&batch.start).chain(&batch.end);
        let finite = finite.copied().all(f64::is_finite);
        for by in [Normalization::Local, Normalization::Bidirectional] {
            let problem = batch.problem().normalized(by, halved, &workers()).unwrap();
            let threads = Workers::kept(Some(3)).unwrap();
            let again = batch.problem().normalized(by, halved, &threads).unwrap();
            prop_assert_eq!(&again.emissions, &problem.emissions);
            let mean = |row, path: &[usize]| {
                let ahead = local(&batch, row, path, false, halved);
                match by {
                    Normalization::Local => ahead,
                    _ => 0.5 * (ahead + local(&batch, row, path, true, halved)),
                }
            };
            let best = viterbi(&problem, &workers());
            let mut solvable = true;
            for row in 0..batch.shape[0] {
                let paths = batch.paths(row);
                let most = paths.iter().map(|(path, _)| mean(row, path)).fold(f64::NEG_INFINITY, f64::max);
                solvable &= most > f64::NEG_INFINITY;
                if let Ok(best) = &best {
                    prop_assert!(close(best.scores[row], most), "{} {}", best.scores[row], most);
                }
                if finite {
                    let sum = |(path, _): &(Vec<usize>, f64)| local(&batch, row, path, false, halved).exp();
                    prop_assert!(close(paths.iter().map(sum).sum::<f64>(), 1.0));
                }
            }
            prop_assert_eq!(best.is_ok(), solvable);
            // The same scores where the caller has these steps.
            let out = problem.clone().into_emissions();
            for row in 0..batch.shape[0] {
                let steps = batch.steps(row);
                for step in 0..batch.shape[1] {
                    let found = &out[(row * batch.shape[1] + step) * batch.shape[2]..][..batch.shape[2]];
                    if let Some(place) = steps.iter().position(|&kept| kept == step) {
                        prop_assert_eq!(found, problem.emission(row, place));
                    }
                }
            }
        }
    }

    #[test]
    fn a_product_of_factors_is_the_matrix(batch in batch(9, 1), rank in 0..3_usize, seed in any::<u32>()) {
        let [rows, steps, tags] = batch.shape;
        let number = |place| small(seed, place) - 7.0;
        let left: Vec<_> = (0..tags * rank).map(number).collect();
        let right: Vec<_> = (0..tags * rank).map(|place| number(place + 100)).collect();
        let mut matrix = vec![0.0; tags * tags];
        for (place, score) in matrix.iter_mut().enumerate() {
            let (from, to) = (place / tags, place % tags);
            *score = (0..rank).map(|d| left[from * rank + d] * right[d * tags + to]).sum();
        }
        let problem = |transitions| Problem::new(&Scores {
            shape: [rows, steps, tags],
            emissions: &batch.emissions,
            transitions: Some(transitions),
            start: None,
            end: Some(&batch.end),
            lengths: None,
            mask: Some(&batch.mask),
        }).unwrap();
        let low = problem(Transitions::LowRank { left: &left, right: &right, rank });
        let full = problem(Transitions::Shared(Cow::Owned(matrix)));
        let found = viterbi(&low, &workers());
        let expected = viterbi(&full, &workers()).ok();
        prop_assert_eq!(found.as_ref().ok(), expected.as_ref());
        if found.is_ok() {
            let sums = log_partition(&low, &workers()).unwrap();
            for (low, full) in sums.into_iter().zip(log_partition(&full, &workers()).unwrap()) {
                prop_assert!(close(low, full));
            }
        }
    }

    #[test]
    fn the_best_path_of_second_order(batch in batch(4, 1), seed in any::<u32>()) {
        let tags = batch.shape[2];
        let number = |place| small(seed, place);
        let triples: Vec<_> = (0..tags * tags * tags).map(number).collect();
        let found = viterbi_second_order(&batch.problem(), &triples, &workers());
        for row in 0..batch.shape[0] {
            let with_triples = batch.paths(row).into_iter().map(|(path, score)| {
                let triple = |t: &[usize]| triples[(t[0] * tags + t[1]) * tags + t[2]];
                score + path.windows(3).map(triple).sum::<f64>()
            });
            let best = with_triples.fold(f64::NEG_INFINITY, f64::max);
            if let Ok(found) = &found {
                prop_assert!(close(found.scores[row], best));
                let tags = &found.tags[row * batch.shape[1]..][..batch.shape[1]];
                let here = batch.paths(row).into_iter().find(|(path, _)| batch.written(row, path) == tags);
                let (path, score) = here.unwrap();
                let triple = |t: &[usize]| triples[(t[0] * batch.shape[2] + t[1]) * batch.shape[2] + t[2]];
                prop_assert!(close(score + path.windows(3).map(triple).sum::<f64>(), best));
            } else {
                prop_assert!(!batch.solvable());
            }
        }
    }

    #[test]
    fn disallowed_tags_are_forbidden(batch in batch(4, 0), bits in any::<u64>()) {
        let allowed: Vec<_> = (0..batch.emissions.len()).map(|place| bits >> (place % 61) & 1 == 1).collect();
        let mut forbidden = batch.clone();
        for (score, &allowed) in forbidden.emissions.iter_mut().zip(&allowed) {
            if !allowed {
                *score = f64::NEG_INFINITY;
            }
        }
        let restricted = batch.problem().restricted(&allowed).unwrap();
        let expected = viterbi(&forbidden.problem(), &workers());
        prop_assert_eq!(viterbi(&restricted, &workers()).ok(), expected.ok());
    }
}

/// Some whole number from 0 to 15.
fn small(seed: u32, place: usize) -> f64 {
    f64::from(seed.wrapping_mul(2 * u32::try_from(place).unwrap() + 1) >> 28)
}

/// The log-probability of a path under the locally normalised model, in one direction; emissions are
/// halved where a neighbour is given if `halved`.
fn local(batch: &Batch, row: usize, path: &[usize], backwards: bool, halved: bool) -> f64 {
    let steps = batch.steps(row);
    let tags = batch.shape[2];
    let last = steps.len().saturating_sub(1);
    let emission = |place: usize, tag: usize| {
        let start = if place == 0 { batch.start[tag] } else { 0.0 };
        let end = if place == last { batch.end[tag] } else { 0.0 };
        batch.emission(row, steps[place], tag) + start + end
    };
    let share = if halved { 0.5 } else { 1.0 };
    let factor = |place: usize| {
        let logit = |tag: usize| match backwards {
            false if place > 0 => {
                share * emission(place, tag) + batch.between(row, path[place - 1], tag)
            }
            true if place < last => {
                share * emission(place, tag) + batch.between(row, tag, path[place + 1])
            }
            _ => emission(place, tag),
        };
        let top = (0..tags).map(logit).fold(f64::NEG_INFINITY, f64::max);
        if top == f64::NEG_INFINITY {
            return top;
        }
        logit(path[place]) - top - (0..tags).map(|tag| (logit(tag) - top).exp()).sum::<f64>().ln()
    };
    (0..steps.len()).map(factor).sum()
}

/// A batch with something in every lane, from a fixed sequence of numbers.
fn fixed(shape: [usize; 3], scale: f64) -> Batch {
    let [batch, steps, tags] = shape;
    let mut state = 1_u32;
    let mut numbers = |count: usize| -> Vec<f64> {
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (f64::from(state) / f64::from(u32::MAX) - 0.5) * scale
        };
        (0..count).map(|_| next()).collect()
    };
    Batch {
        shape,
        emissions: numbers(batch * steps * tags),
        transitions: numbers(tags * tags),
        per_sequence: false,
        start: numbers(tags),
        end: numbers(tags),
        mask: (0..batch * steps).map(|place| place % steps <= place / steps * 7 % steps).collect(),
    }
}

#[test]
fn samples_come_as_often_as_they_are_probable() {
    let batch = fixed([3, 4, 3], 3.0);
    let count = 40_000;
    let drawn = sample(&batch.problem(), count, 7, &workers()).unwrap();
    assert_eq!(
        drawn,
        sample(&batch.problem(), count, 7, &Workers::kept(Some(2)).unwrap()).unwrap()
    );
    for row in 0..3 {
        let paths = batch.paths(row);
        let drawn = drawn[row * count * 4..][..count * 4].chunks_exact(4);
        for (path, score) in &paths {
            let path = batch.written(row, path);
            let share = drawn.clone().filter(|drawn| **drawn == path).count() as f64 / count as f64;
            let expected = score.exp() / batch.total(row);
            let deviation = (expected * (1.0 - expected) / count as f64).sqrt();
            // The last term: a rare path is drawn a few times or not at all, which is not normal.
            let within = 5.0 * deviation + 10.0 / count as f64;
            assert!((share - expected).abs() < within, "{share} {expected}");
        }
    }
}

#[test]
fn many_tags_and_many_sequences_agree_with_one_at_a_time() {
    for tags in [1, 7, 16, 33, 300] {
        let batch = fixed([37, 9, tags], 8.0);
        let together = viterbi(&batch.problem(), &workers()).unwrap();
        let sums = log_partition(&batch.problem(), &workers()).unwrap();
        let probabilities = marginals(&batch.problem(), &workers()).unwrap();
        let normalized = [Normalization::Local, Normalization::Bidirectional].map(|by| {
            let problem = batch.problem().normalized(by, false, &workers()).unwrap();
            (by, problem.into_emissions())
        });
        for row in 0..37 {
            let size = 9 * tags;
            let one = Batch {
                shape: [1, 9, tags],
                emissions: batch.emissions[row * size..][..size].to_vec(),
                mask: batch.mask[row * 9..][..9].to_vec(),
                ..batch.clone()
            };
            let alone = viterbi(&one.problem(), &workers()).unwrap();
            assert_eq!(alone.tags, together.tags[row * 9..][..9]);
            assert_eq!(alone.scores[0], together.scores[row]);
            assert_eq!(log_partition(&one.problem(), &workers()).unwrap()[0], sums[row]);
            let alone = marginals(&one.problem(), &workers()).unwrap();
            assert_eq!(alone, probabilities[row * size..][..size]);
            for (by, together) in &normalized {
                let alone = one.problem().normalized(*by, false, &workers()).unwrap();
                assert_eq!(alone.into_emissions(), together[row * size..][..size]);
            }
        }
    }
}

#[test]
fn a_long_sequence_may_be_cut_anywhere() {
    // Shorter than a block, as long, a step longer, and many blocks.
    for (steps, tags) in [(1023, 4), (1024, 4), (1025, 4), (5000, 3), (40, 300), (1, 5000)] {
        let batch = Batch { mask: vec![true; 2 * steps], ..fixed([2, steps, tags], 6.0) };
        let path: Vec<_> = (0..steps).map(|step| step * 7 % tags).collect();
        let tags = [batch.written(0, &path), batch.written(1, &path)].concat();
        for by in [Normalization::Local, Normalization::Bidirectional] {
            let problem = batch.problem().normalized(by, true, &workers()).unwrap();
            for (row, found) in
                path_score(&problem, &tags, &workers()).unwrap().into_iter().enumerate()
            {
                let ahead = local(&batch, row, &path, false, true);
                let expected = match by {
                    Normalization::Local => ahead,
                    _ => 0.5 * (ahead + local(&batch, row, &path, true, true)),
                };
                assert!(close(found, expected), "{steps} {found} {expected}");
            }
        }
    }
}

#[test]
fn invalid_scores_are_errors_in_a_local_model_except_in_padding() {
    let mut batch = fixed([3, 4, 2], 1.0);
    batch.mask = [[true, false, true, true]; 3].concat();
    let normalized = |batch: &Batch| {
        batch.problem().normalized(Normalization::Local, false, &workers()).map(drop)
    };
    // Step 1 of sequence 1 does not count, step 2 does.
    batch.emissions[8 + 2] = f64::INFINITY;
    normalized(&batch).unwrap();
    batch.emissions[8 + 5] = f64::NAN;
    let text = message(normalized(&batch));
    let rule = "emissions: must hold neither NaN nor positive infinity, got NaN at [1, 2, 1]";
    assert!(text.contains(rule), "{text}");
}

#[test]
fn constraints_that_only_bite_far_away_are_not_lost_to_scaling() {
    // Tag 1 falls behind by 30 nats a step, yet every path has to end in it and come from it.
    let steps = 200;
    let emissions: Vec<f64> = (0..steps).flat_map(|_| [30.0, 0.0]).collect();
    let never = f64::NEG_INFINITY;
    let matrix = [0.0, never, never, 0.0];
    let scores = Scores {
        shape: [1, steps, 2],
        emissions: &emissions,
        transitions: Some(Transitions::Shared(Cow::Borrowed(&matrix))),
        start: None,
        end: Some(&[never, 0.0]),
        lengths: None,
        mask: None,
    };
    let problem = Problem::new(&scores).unwrap();
    assert_eq!(log_partition(&problem, &workers()).unwrap(), [0.0]);
    let found = marginals(&problem, &workers()).unwrap();
    assert!(found.chunks_exact(2).all(|pair| pair == [0.0, 1.0]));
}

fn message<T: std::fmt::Debug>(result: crate::support::Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn errors_name_argument_rule_and_value() {
    let nan = f64::NAN;
    let never = f64::NEG_INFINITY;
    let solve = |emissions: &[f64], transitions: &[f64], lengths: &[i64]| {
        let scores = Scores {
            shape: [2, 2, 2],
            emissions,
            transitions: Some(Transitions::Shared(Cow::Borrowed(transitions))),
            start: None,
            end: None,
            lengths: Some(lengths),
            mask: None,
        };
        Problem::new(&scores)
            .and_then(|problem| viterbi(&problem, &workers()).map(|paths| paths.tags))
    };
    let (good, square) = ([0.0; 8], [0.0; 4]);
    let cases = [
        (solve(&[0.0; 7], &square, &[2, 2]), "emissions: must hold 8 values"),
        (solve(&good, &[0.0; 9], &[2, 2]), "transitions: must hold 4 values"),
        (solve(&good, &[0.0, 0.0, nan, 0.0], &[2, 2]), "got NaN at [1, 0]"),
        (solve(&good, &square, &[2, 3]), "lengths: must be between 0 and 2, got 3 at [1]"),
        (solve(&good, &square, &[-1, 2]), "got -1 at [0]"),
        (
            solve(&[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, nan, 0.0], &square, &[2, 2]),
            "got NaN at [1, 1, 0]",
        ),
        (
            solve(&[0.0, 0.0, never, never, 0.0, 0.0, 0.0, 0.0], &square, &[2, 2]),
            "none at step 1 of sequence 0",
        ),
        (solve(&good, &[never; 4], &[2, 1]), "transitions: must leave each sequence at least one"),
        (solve(&[f64::MAX; 8], &square, &[2, 2]), "must be so small"),
    ];
    for (result, part) in cases {
        let text = message(result);
        assert!(text.contains(part), "{text}");
    }
    // Values at padding are ignored.
    let padded = solve(&[0.0, 1.0, nan, nan, 0.0, 1.0, 1.0, 0.0], &square, &[1, 2]).unwrap();
    assert_eq!(padded, [1, -1, 1, 0]);
}
