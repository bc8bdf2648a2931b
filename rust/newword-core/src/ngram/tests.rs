//! Counting against brute force: orders, widths of keys, threads, parts and limits.

use proptest::prelude::*;

use super::count::count_within;
use super::plan::Limits;
use super::testing::{Ids, job, oracle};
use super::{CountOptions, Neighbours, count};
use crate::corpus::Symbols;
use crate::support::{Context, Error, MemoryBudget};

fn options(order: usize, min_count: u64) -> CountOptions {
    CountOptions { order, min_count, neighbours: Neighbours::OfAll }
}

/// Limits so small that passes, splits and batches all happen on a few hundred symbols.
fn tiny(limits: Limits) -> Limits {
    Limits { buffer_keys: limits.buffer_keys.min(100), scratch_keys: 25, batch_keys: 30, ..limits }
}

/// Ids from a small alphabet, spread out to `alphabet` so that keys are wide.
fn stretch(ids: &[u32], alphabet: u32, of: u32) -> Vec<u32> {
    ids.iter().map(|&id| if id == 0 { 0 } else { alphabet / of * id }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn counts_are_those_of_brute_force(
        ids in prop::collection::vec(0_u32..5, 0..600),
        order in 1_usize..=8,
        min_count in prop::sample::select(vec![1_u64, 2, 5, 40]),
        neighbours in prop::sample::select(
            vec![Neighbours::OfNone, Neighbours::OfSingles, Neighbours::OfAll,
                 Neighbours::OfAllNumbersAsOne]),
        parts in 1_usize..5,
    ) {
        let names = ["12", "7", "\u{4e00}", "\u{20000}"].map(Into::into).to_vec();
        let corpus = Ids::named(ids, Symbols::new(names).unwrap(), parts);
        let options = CountOptions { order, min_count, neighbours };
        let expected = oracle(&corpus, options);
        for threads in [1, 2] {
            let context = job(threads);
            prop_assert_eq!(&count(&corpus, options, &context).unwrap(), &expected);
            let cramped = count_within(&corpus, options, &context, tiny).unwrap();
            prop_assert_eq!(&cramped, &expected);
        }
    }
}

#[test]
fn every_key_width_is_exact() {
    // (symbols, order): 64, 68, 72, 136, 128 bits.
    for (alphabet, order) in [(60_000, 4), (70_000, 4), (300, 8), (70_000, 8), (60_000, 8)] {
        let mut ids = stretch(&noise(300, 4), alphabet, 3);
        // Every symbol twice on its own keeps the ranks apart and so the keys wide.
        ids.extend((1..=alphabet).flat_map(|id| [0, id, 0, id]));
        let corpus = Ids::new(ids, alphabet, 3);
        for min_count in [1, 2] {
            let options = options(order, min_count);
            let expected = oracle(&corpus, options);
            assert_eq!(count(&corpus, options, &job(2)).unwrap(), expected);
            assert_eq!(count_within(&corpus, options, &job(2), small).unwrap(), expected);
        }
    }
}

/// Limits that make several passes over a large alphabet.
fn small(limits: Limits) -> Limits {
    Limits { buffer_keys: 30_000, scratch_keys: 100, ..limits }
}

/// A cheap generator, so that a large corpus is the same in every run.
fn noise(length: usize, alphabet: u64) -> Vec<u32> {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state >> 33
    };
    // The product of two draws leans to small ids, as text does.
    (0..length)
        .map(|_| u32::try_from(next() % alphabet * (next() % alphabet) / alphabet).unwrap())
        .collect()
}

#[test]
fn a_skewed_corpus_is_split_and_exact() {
    let length = 1_000_000;
    let same = vec![1; length];
    let turns: Vec<u32> = (0..length).map(|at| 1 + u32::from(at % 2 == 1)).collect();
    let mut mixed = noise(length / 2, 50);
    mixed.extend(&same[..length / 2]);
    let neighbours = [Neighbours::OfAll, Neighbours::OfSingles, Neighbours::OfAllNumbersAsOne];
    let corpora = [(same, 1), (turns, 2), (mixed, 50)];
    for (neighbours, (ids, alphabet)) in
        neighbours.iter().flat_map(|one| corpora.iter().map(move |corpus| (*one, corpus.clone())))
    {
        let corpus = Ids::new(ids, alphabet, 3);
        let options = CountOptions { neighbours, ..options(3, 32) };
        let expected = oracle(&corpus, options);
        for threads in [1, 2] {
            let context = job(threads);
            assert_eq!(count(&corpus, options, &context).unwrap(), expected);
            let cramped = |limits| Limits { buffer_keys: 100_000, scratch_keys: 1000, ..limits };
            assert_eq!(count_within(&corpus, options, &context, cramped).unwrap(), expected);
        }
    }
}

#[test]
fn large_groups_and_small_ones_agree() {
    for (alphabet, order) in [(30, 5), (3000, 4)] {
        let corpus = Ids::new(noise(80_000, alphabet), u32::try_from(alphabet).unwrap(), 7);
        for min_count in [1, 3, 50] {
            let neighbours =
                [Neighbours::OfSingles, Neighbours::OfAll, Neighbours::OfAllNumbersAsOne];
            for neighbours in neighbours {
                let options = CountOptions { neighbours, ..options(order, min_count) };
                assert_eq!(count(&corpus, options, &job(2)).unwrap(), oracle(&corpus, options));
            }
        }
    }
}

#[test]
fn what_cannot_be_done_is_an_error() {
    let corpus = Ids::new(noise(200_000, 3000), 3000, 2);
    let context = job(1);
    for wrong in [options(0, 1), options(9, 1), options(2, 0)] {
        assert!(matches!(count(&corpus, wrong, &context), Err(Error::InvalidArgument { .. })));
    }
    let cramped = |limits| Limits { table_bytes: 1 << 20, ..limits };
    let error = count_within(&corpus, options(4, 1), &context, cramped).unwrap_err();
    assert!(matches!(&error, Error::Memory(text) if text.contains("min_count")), "{error}");
    context.cancel();
    assert!(matches!(count(&corpus, options(4, 1), &context), Err(Error::Cancelled)));
}

#[test]
fn an_empty_corpus_has_an_empty_table() {
    for ids in [vec![], vec![0], vec![0, 0, 0]] {
        let table = count(&Ids::new(ids, 0, 1), options(4, 1), &job(2)).unwrap();
        assert_eq!(table.order(), 4);
        assert!(table.levels.iter().all(super::Level::is_empty));
    }
}

#[test]
fn the_least_budget_is_enough_for_a_larger_corpus() {
    let memory = MemoryBudget::new(MemoryBudget::LEAST).unwrap();
    let context = Context::new(Some(2), memory, None).unwrap();
    let corpus = Ids::new(noise(2_000_000, 500), 500, 4);
    let options = options(3, 100);
    assert_eq!(
        count(&corpus, options, &context).unwrap(),
        count(&corpus, options, &job(1)).unwrap()
    );
}
