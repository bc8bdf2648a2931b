//! Files of a group of n-grams each, and files as columns.

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::{Folder, job, meta, write};
use crate::corpus::Symbols;
use crate::ngram::file::merge::{Kept, merge_by};
use crate::ngram::testing::{Ids, oracle};
use crate::ngram::{
    CountFile, CountHeader, CountOptions, GramColumns, IdParts, Neighbours, RemoteCounts,
    RightSums, merge, merge_for_sums, right_sums, shares, write_buckets, write_columns,
};
use crate::support::hash::HashSet;
use crate::support::{Context, Result};

type Rows = Vec<(String, i64)>;

/// A corpus of two numbers, three runs of letters and three Han characters.
pub(super) fn mixed(ids: Vec<u32>, parts: usize) -> Ids {
    let names = ["1", "22", "a", "ab", "b", "人", "地", "天"];
    Ids::named(ids, Symbols::new(names.map(Into::into).to_vec()).unwrap(), parts)
}

/// The files of each bucket of corpora that are counted apart.
pub(super) fn in_buckets(
    folder: &Folder,
    pieces: &[Vec<u32>],
    order: usize,
    buckets: u32,
) -> Vec<Vec<PathBuf>> {
    let mut of_bucket = vec![Vec::new(); buckets as usize];
    for (at, ids) in pieces.iter().enumerate() {
        let home = folder.path(&at.to_string());
        std::fs::create_dir(&home).unwrap();
        let (corpus, meta) = (mixed(ids.clone(), 2), meta("a.txt"));
        for (bucket, path) in write_buckets(&corpus, order, buckets, &meta, &home, &job(2)).unwrap()
        {
            of_bucket[bucket as usize].push(path);
        }
    }
    of_bucket.retain(|paths| !paths.is_empty());
    of_bucket
}

/// The merged file of each bucket.
fn merged(
    folder: &Folder,
    of_bucket: &[Vec<PathBuf>],
    name: &str,
    merge: impl Fn(&[PathBuf], &Path, &Context) -> Result<()>,
) -> Vec<PathBuf> {
    let merged = of_bucket.iter().enumerate().map(|(bucket, paths)| {
        let path = folder.path(&format!("{name}-{bucket}"));
        merge(paths, &path, &job(1)).unwrap();
        path
    });
    merged.collect()
}

/// The n-grams of files with their right sums, as they come from elsewhere.
fn found(files: &[PathBuf], order: usize, min_count: u64, numbers_from: u8) -> Vec<RightSums> {
    let found = files
        .iter()
        .map(|path| right_sums(path, order, min_count, numbers_from, &job(1)).unwrap().to_bytes());
    let bytes: Vec<u8> = found.flatten().collect();
    assert!(bytes.is_empty() || RightSums::from_bytes(&bytes[1..]).is_err());
    RightSums::from_bytes(&bytes).unwrap()
}

fn place(number: i32) -> usize {
    usize::try_from(number).unwrap()
}

/// The rows of a file, in batches of so many.
pub(super) fn rows(path: &std::path::Path, batch: usize) -> Rows {
    let mut grams = CountFile::open(path).unwrap().into_grams().unwrap();
    let mut rows = Vec::new();
    while let Some(columns) = grams.next_columns(batch).unwrap() {
        let GramColumns { offsets, text, lengths, counts } = columns;
        assert!(counts.len() <= batch);
        for (at, count) in counts.into_iter().enumerate() {
            let text = &text[place(offsets[at])..place(offsets[at + 1])];
            let text = std::str::from_utf8(text).unwrap().to_owned();
            assert_eq!(text.split(' ').count(), place(lengths[at].into()));
            rows.push((text, count));
        }
    }
    rows
}

fn from_rows(rows: &Rows, order: usize, path: &std::path::Path) -> Result<()> {
    let header = CountHeader { order, min_count: 1, total: 0, meta: meta("a.txt") };
    write_columns(rows.iter().map(|(text, count)| (&text[..], *count)), &header, path)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn buckets_share_out_the_file(
        pieces in prop::collection::vec(prop::collection::vec(0_u32..9, 0..200), 1..4),
        order in 1_usize..=8,
        buckets in 1_u32..6,
    ) {
        let folder = Folder::new();
        let files = merged(&folder, &in_buckets(&folder, &pieces, order, buckets), "merged", merge);
        let all = mixed(pieces.join(&0), 1);
        let whole = folder.path("whole");
        write(&all, order, 1, &whole);
        let mut merged: Rows = files.iter().flat_map(|path| rows(path, 7)).collect();
        merged.sort();
        let whole = rows(&whole, 1000);
        prop_assert!(whole.is_sorted_by(|a, b| a.0 < b.0));
        prop_assert_eq!(merged, whole);
    }

    #[test]
    fn shares_add_up_to_the_table(
        mut pieces in prop::collection::vec(prop::collection::vec(0_u32..9, 0..200), 1..4),
        order in 1_usize..=5,
        min_count in 1_u64..4,
        numbers_as_one in any::<bool>(),
        buckets in 1_u32..5,
    ) {
        let folder = Folder::new();
        // All symbols occur, as in the table of a text.
        pieces.push((1..9).flat_map(|id| [id, 0]).collect());
        let files = merged(&folder, &in_buckets(&folder, &pieces, order, buckets), "merged", merge);
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
        buckets in 1_u32..5,
    ) {
        let folder = Folder::new();
        pieces.push((1..9).flat_map(|id| [id, 0]).collect());
        let of_bucket = in_buckets(&folder, &pieces, order, buckets);
        let all = merged(&folder, &of_bucket, "all", merge);
        let few = merged(&folder, &of_bucket, "few", merge_for_sums);
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

    #[test]
    fn pieces_without_what_they_extend_merge_in_any_order(
        ids in prop::collection::vec(0_u32..5, 1..200),
        order in 1_usize..=8,
        length in 1_usize..40,
        turn in 0_usize..8,
    ) {
        let folder = Folder::new();
        let whole = folder.path("whole");
        write(&mixed(ids, 1), order, 1, &whole);
        let columns = rows(&whole, 1000);
        let mut paths = Vec::new();
        for (at, piece) in columns.chunks(length).enumerate() {
            paths.push(folder.path(&format!("piece-{at}")));
            from_rows(&piece.to_vec(), order, &paths[at]).unwrap();
        }
        let turn = turn % paths.len().max(1);
        paths.rotate_left(turn);
        let paths: Vec<_> = paths.iter().map(|path| &**path).collect();
        let out = folder.path("out");
        if !paths.is_empty() {
            merge_by(&paths, (&out, Kept::All), 2, &job(1)).unwrap();
            prop_assert_eq!(rows(&out, 1000), columns);
        }
    }

    #[test]
    fn columns_lead_back_to_the_file(
        ids in prop::collection::vec(0_u32..9, 0..200),
        order in 1_usize..=8,
    ) {
        let folder = Folder::new();
        let corpus = mixed(ids, 2);
        let (there, back) = (folder.path("there"), folder.path("back"));
        write(&corpus, order, 1, &there);
        let mut columns = rows(&there, 11);
        from_rows(&columns, order, &back).unwrap();
        prop_assert_eq!(rows(&back, 5), columns.clone());
        prop_assert_eq!(CountFile::open(&back).unwrap().header().total, corpus.total());
        // Equal rows side by side are added up.
        let doubled: Rows = columns.iter().flat_map(|row| [row.clone(), row.clone()]).collect();
        from_rows(&doubled, order, &back).unwrap();
        for (_, count) in &mut columns {
            *count *= 2;
        }
        prop_assert_eq!(rows(&back, 5), columns);
    }
}

#[test]
fn a_file_for_sums_lacks_what_adds_nothing() {
    let folder = Folder::new();
    let ids = vec![6, 7, 0, 6, 7, 8, 0, 1, 8, 7, 0, 6, 7, 2, 0, 7, 6, 2];
    let of_bucket = in_buckets(&folder, &[ids], 2, 1);
    let few = merged(&folder, &of_bucket, "few", merge_for_sums);
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

#[test]
fn columns_that_are_no_counts_are_refused() {
    let folder = Folder::new();
    let row = |text: &str, count| (text.to_owned(), count);
    for (rows, rule) in [
        (vec![row("天 气 好", 1)], "spaces between them"),
        (vec![row("天  气", 1)], "spaces between them"),
        (vec![row("", 1)], "spaces between them"),
        (vec![row("天", 0)], "at least 1"),
        (vec![row("天", -3)], "at least 1"),
        (vec![row("好", 1), row("天", 1)], "sorted"),
        (vec![row("好", 1), row("天 好", 1)], "sorted"),
        (vec![row("天", 1), row("好 天", 1)], "extends"),
    ] {
        let error = from_rows(&rows, 1, &folder.path("counts")).unwrap_err().to_string();
        assert!(error.starts_with("counts: ") && error.contains(rule), "{error}");
    }
    folder.holds(&[]);
}
