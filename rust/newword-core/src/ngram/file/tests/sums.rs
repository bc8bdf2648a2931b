//! Sums over neighbours from the merged files of groups.

use std::path::PathBuf;

use proptest::prelude::*;

use super::columns::rows;
use super::groups::{in_groups, merged, mixed};
use super::{Folder, job};
use crate::ngram::testing::oracle;
use crate::ngram::{
    CountFile, CountOptions, IdParts, Neighbours, RemoteCounts, RightSums, merge, merge_for_sums,
    right_sums, shares,
};
use crate::support::hash::HashSet;

/// The n-grams of files with their right sums, as they come from elsewhere.
fn found(files: &[PathBuf], order: usize, min_count: u64, numbers_from: u8) -> Vec<RightSums> {
    let found = files
        .iter()
        .map(|path| right_sums(path, order, min_count, numbers_from, &job(1)).unwrap().to_bytes());
    let bytes: Vec<u8> = found.flatten().collect();
    assert!(bytes.is_empty() || RightSums::from_bytes(&bytes[1..]).is_err());
    RightSums::from_bytes(&bytes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn shares_add_up_to_the_table(
        mut pieces in prop::collection::vec(prop::collection::vec(0_u32..9, 0..200), 1..4),
        order in 1_usize..=5,
        min_count in 1_u64..4,
        numbers_as_one in any::<bool>(),
        groups in 1_u32..5,
    ) {
        let folder = Folder::new();
        // All symbols occur, as in the table of a text.
        pieces.push((1..9).flat_map(|id| [id, 0]).collect());
        let files = merged(&folder, &in_groups(&folder, &pieces, order, groups), "merged", merge);
        let numbers_from = if numbers_as_one { 1 } else { u8::MAX };
        let found = found(&files, order, min_count, numbers_from);
        let mut counts = RemoteCounts::new(&found, order, min_count, numbers_from).unwrap();
        let request = counts.request();
        for path in &files {
            for (number, share) in shares(path, &request, &job(1)).unwrap() {
                counts.add(number, share).unwrap();
            }
        }
        let all = mixed(pieces.join(&0), 1);
        let neighbours =
            if numbers_as_one { Neighbours::OfAllNumbersAsOne } else { Neighbours::OfAll };
        let (table, of_symbols) = counts.table();
        prop_assert_eq!(table, &oracle(&all, CountOptions { order, min_count, neighbours }));
        prop_assert_eq!(&of_symbols[1..], &all.counts()[1..]);
        prop_assert!(counts.add(u64::MAX, 1).is_err());
    }

    #[test]
    fn files_for_sums_give_the_same_sums(
        mut pieces in prop::collection::vec(prop::collection::vec(0_u32..9, 0..200), 1..4),
        order in 1_usize..=8,
        min_count in 2_u64..5,
        numbers_from in prop::sample::select(&[1, 2, 3, u8::MAX]),
        groups in 1_u32..5,
    ) {
        let folder = Folder::new();
        pieces.push((1..9).flat_map(|id| [id, 0]).collect());
        let of_group = in_groups(&folder, &pieces, order, groups);
        let all = merged(&folder, &of_group, "all", merge);
        let few = merged(&folder, &of_group, "few", merge_for_sums);
        let grams = found(&all, order, min_count, numbers_from);
        prop_assert_eq!(&found(&few, order, min_count, numbers_from), &grams);
        let request = RemoteCounts::new(&grams, order, min_count, numbers_from).unwrap().request();
        for (all, few) in all.iter().zip(&few) {
            let [from_all, from_few] = [all, few].map(|path| shares(path, &request, &job(1)).unwrap());
            prop_assert_eq!(from_all, from_few);
            let few_rows = rows(few, 1000);
            let texts: HashSet<&str> = few_rows.iter().map(|(text, _)| &text[..]).collect();
            for (text, _) in &few_rows {
                // A single symbol may be in another file.
                let prefix = text.rsplit_once(' ').map_or("", |(prefix, _)| prefix);
                prop_assert!(!prefix.contains(' ') || texts.contains(prefix), "{}", text);
            }
            for (text, count) in rows(all, 1000) {
                prop_assert!(count == 1 || texts.contains(&text[..]), "{}", text);
            }
            prop_assert_eq!(CountFile::open(few).unwrap().header().min_count, 2);
        }
    }
}

#[test]
fn a_file_for_sums_lacks_what_adds_nothing() {
    let folder = Folder::new();
    let ids = vec![6, 7, 0, 6, 7, 8, 0, 1, 8, 7, 0, 6, 7, 2, 0, 7, 6, 2];
    let of_group = in_groups(&folder, &[ids], 2, 1);
    let few = merged(&folder, &of_group, "few", merge_for_sums);
    let expected = [
        ("1", 1),
        ("1 天", 1),
        ("1 天 地", 1),
        ("22", 2),
        ("人", 4),
        ("人 22", 1),
        ("人 地", 3),
        ("人 地 22", 1),
        ("地", 5),
        ("地 22", 1),
        ("天", 2),
    ];
    assert_eq!(rows(&few[0], 1000), expected.map(|(text, count)| (text.to_owned(), count)));
    let again = merge(&[&few[0], &few[0]], &folder.path("again"), &job(1)).unwrap_err();
    assert!(again.to_string().contains("pruned at min_count 2"), "{again}");
}
