//! Files of groups: what is in them, and that they are read only by merging.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::columns::{Rows, rows};
use super::{Folder, job, meta, tiny, write};
use crate::corpus::Symbols;
use crate::ngram::file::groups::count_within;
use crate::ngram::testing::Ids;
use crate::ngram::{
    CountFile, Grams, GroupFiles, IdParts, RemoteCounts, count_groups, merge, merge_for_sums,
    right_sums, shares, table_from_file,
};
use crate::support::{Context, Error, MemoryBudget, Result};

/// A corpus of two numbers, three runs of letters and three Han characters.
pub(super) fn mixed(ids: Vec<u32>, parts: usize) -> Ids {
    let names = ["1", "22", "a", "ab", "b", "人", "地", "天"];
    Ids::named(ids, Symbols::new(names.map(Into::into).to_vec()).unwrap(), parts)
}

/// A text of 300 symbols of `mixed`.
fn sample() -> Ids {
    mixed((0..300).map(|at| at * at % 7 % 9).collect(), 2)
}

/// The numbers of groups, and their files in a folder.
fn saved(files: GroupFiles<&Ids>, home: &Path) -> (Vec<u32>, Vec<PathBuf>) {
    std::fs::create_dir_all(home).unwrap();
    let saved = files.map(|file| {
        let (number, bytes) = file.unwrap();
        let path = home.join(format!("{number}.counts"));
        std::fs::write(&path, bytes).unwrap();
        (number, path)
    });
    saved.unzip()
}

/// The files of each group of corpora that are counted apart.
pub(super) fn in_groups(
    folder: &Folder,
    pieces: &[Vec<u32>],
    order: usize,
    groups: u32,
) -> Vec<Vec<PathBuf>> {
    let mut of_group = vec![Vec::new(); groups as usize];
    for (at, ids) in pieces.iter().enumerate() {
        let (corpus, meta) = (mixed(ids.clone(), 2), meta("a.txt"));
        let files = count_groups(&corpus, order, groups, &meta, &job(2)).unwrap();
        let (numbers, paths) = saved(files, &folder.path(&at.to_string()));
        for (number, path) in numbers.into_iter().zip(paths) {
            of_group[number as usize].push(path);
        }
    }
    of_group.retain(|paths| !paths.is_empty());
    of_group
}

/// The merged file of each group.
pub(super) fn merged(
    folder: &Folder,
    of_group: &[Vec<PathBuf>],
    name: &str,
    merge: impl Fn(&[PathBuf], &Path, &Context) -> Result<()>,
) -> Vec<PathBuf> {
    let merged = of_group.iter().enumerate().map(|(group, paths)| {
        let path = folder.path(&format!("{name}-{group}"));
        merge(paths, &path, &job(1)).unwrap();
        path
    });
    merged.collect()
}

/// The symbols that the n-grams of a file of a group have, and those that it lists.
fn used_and_listed(path: &Path) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let file = CountFile::open(path).unwrap();
    let grams = Grams::of(&file).unwrap().map(Result::unwrap);
    let listed = file.numbers().unwrap().iter().copied().collect();
    (grams.flat_map(|(gram, _)| gram).collect(), listed)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_file_lists_the_symbols_of_its_n_grams(
        ids in prop::collection::vec(0_u32..9, 0..300),
        order in 1_usize..=8,
        groups in 1_u32..40,
    ) {
        let folder = Folder::new();
        let corpus = mixed(ids, 3);
        // Through every kind of split and batch.
        let files = count_within(&corpus, (order, groups), &meta("a"), &job(2), tiny).unwrap();
        let (numbers, paths) = saved(files, &folder.path("home"));
        prop_assert!(numbers.is_sorted_by(|a, b| a < b) && numbers.iter().all(|number| *number < groups));
        for path in &paths {
            let (used, listed) = used_and_listed(path);
            prop_assert_eq!(used, listed);
        }
        if !paths.is_empty() {
            let (whole, merged) = (folder.path("whole"), folder.path("merged"));
            write(&corpus, order, 1, &whole);
            merge(&paths, &merged, &job(1)).unwrap();
            prop_assert_eq!(rows(&merged, 1000), rows(&whole, 1000));
        }
    }

    #[test]
    fn the_merged_files_share_out_the_file_of_the_text(
        pieces in prop::collection::vec(prop::collection::vec(0_u32..9, 0..200), 1..4),
        order in 1_usize..=8,
        groups in 1_u32..6,
    ) {
        let folder = Folder::new();
        let files = merged(&folder, &in_groups(&folder, &pieces, order, groups), "merged", merge);
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
    fn the_files_of_all_groups_merge_into_the_file_of_the_text(
        pieces in prop::collection::vec(prop::collection::vec(0_u32..9, 1..100), 1..4),
        order in 1_usize..=4,
        groups in 1_u32..6,
    ) {
        let folder = Folder::new();
        let paths = in_groups(&folder, &pieces, order, groups).concat();
        let all = mixed(pieces.join(&0), 1);
        let (whole, merged) = (folder.path("whole"), folder.path("merged"));
        write(&all, order, 1, &whole);
        if !paths.is_empty() {
            merge(&paths, &merged, &job(1)).unwrap();
            prop_assert_eq!(rows(&merged, 1000), rows(&whole, 1000));
            prop_assert_eq!(CountFile::open(&merged).unwrap().header().total, all.total());
        }
    }
}

#[test]
fn many_symbols_in_many_groups() {
    let folder = Folder::new();
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % 20_000
    };
    let corpus = Ids::new((0..60_000).map(|_| next()).collect(), 20_000, 3);
    let files = count_groups(&corpus, 2, 7, &meta("a"), &job(2)).unwrap();
    let (_, paths) = saved(files, &folder.path("home"));
    for path in &paths {
        let (used, listed) = used_and_listed(path);
        assert!(used == listed && used.len() > 5000);
    }
    let (whole, merged) = (folder.path("whole"), folder.path("merged"));
    write(&corpus, 2, 1, &whole);
    merge(&paths, &merged, &job(1)).unwrap();
    assert_eq!(rows(&merged, 1000), rows(&whole, 1000));
}

/// The files of two groups of a text, and the folder that they are in.
pub(super) fn two_groups() -> (Folder, Vec<PathBuf>) {
    let (folder, corpus) = (Folder::new(), sample());
    let files = count_groups(&corpus, 2, 2, &meta("a"), &job(1)).unwrap();
    let (numbers, paths) = saved(files, &folder.path(""));
    assert_eq!(numbers, [0, 1]);
    (folder, paths)
}

#[test]
fn n_grams_are_read_after_merging_only() {
    let (folder, paths) = two_groups();
    let request = RemoteCounts::new(&[], 2, 1, u8::MAX).unwrap().request();
    let open = |path: &Path| CountFile::open(path).unwrap();
    for path in &paths {
        let outcomes = [
            open(path).grams().map(drop),
            open(path).into_grams().map(drop),
            open(path).words(1).map(drop),
            table_from_file(path, 2, 1, &job(1)).map(drop),
            right_sums(path, 2, 1, u8::MAX, &job(1)).map(drop),
            shares(path, &request, &job(1)).map(drop),
        ];
        for outcome in outcomes {
            let Err(Error::Format { .. }) = &outcome else { panic!("{outcome:?}") };
            let message = outcome.unwrap_err().to_string();
            assert!(message.contains("merge the files of the group first"), "{message}");
        }
    }
    let [all, few] = ["all", "few"].map(|name| folder.path(name));
    merge(&paths[..1], &all, &job(1)).unwrap();
    merge_for_sums(&paths[..1], &few, &job(1)).unwrap();
    assert!(open(&all).grams().is_ok() && open(&few).grams().is_ok());
}

#[test]
fn a_count_that_fails_leaves_no_file() {
    let (folder, corpus) = (Folder::new(), sample());
    let in_folder = |name: &str| {
        let memory = MemoryBudget::new(1 << 30).unwrap();
        Context::new(Some(1), memory, Some(folder.path(name))).unwrap()
    };
    let count = |groups, context: &Context| {
        count_groups(&corpus, 2, groups, &meta("a"), context).map(drop).unwrap_err()
    };
    let (good, cancelled) = (in_folder(""), in_folder(""));
    cancelled.cancel();
    assert!(matches!(count(5, &cancelled), Error::Cancelled));
    assert!(matches!(count(5, &in_folder("none")), Error::Io { .. }));
    assert!(count(0, &good).to_string().starts_with("groups: must be at least 1"));
    // Nor does one that succeeds; until then some systems show its one temporary file.
    let files = count_groups(&corpus, 2, 2, &meta("a"), &good).unwrap();
    assert!(std::fs::read_dir(folder.path("")).unwrap().count() < 2);
    assert_eq!(files.count(), 2);
    folder.holds(&[]);
}
