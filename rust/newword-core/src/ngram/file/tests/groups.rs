//! Files of groups: what is in them, and that they are read only by merging.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::buckets::{in_buckets, mixed, rows};
use super::hostile::{HEADER, blocks, read};
use super::{Folder, job, meta, tiny, write};
use crate::ngram::file::format::{Kind, MAGIC, VERSION, put_varint};
use crate::ngram::file::groups::write_within;
use crate::ngram::testing::Ids;
use crate::ngram::{
    CountFile, Grams, IdParts, RemoteCounts, merge, merge_for_sums, right_sums, shares,
    table_from_file, write_buckets,
};
use crate::support::Error;

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
        buckets in 1_u32..40,
    ) {
        let folder = Folder::new();
        let corpus = mixed(ids, 3);
        let home = folder.path("home");
        std::fs::create_dir(&home).unwrap();
        // Through every kind of split and batch.
        let settings = (order, buckets);
        let files = write_within(&corpus, settings, &meta("a"), &home, &job(2), tiny).unwrap();
        prop_assert_eq!(files.len(), std::fs::read_dir(&home).unwrap().count());
        for (_, path) in &files {
            let (used, listed) = used_and_listed(path);
            prop_assert_eq!(used, listed);
        }
        let paths: Vec<PathBuf> = files.into_iter().map(|(_, path)| path).collect();
        if !paths.is_empty() {
            let (whole, merged) = (folder.path("whole"), folder.path("merged"));
            write(&corpus, order, 1, &whole);
            merge(&paths, &merged, &job(1)).unwrap();
            prop_assert_eq!(rows(&merged, 1000), rows(&whole, 1000));
        }
    }

    #[test]
    fn the_files_of_all_groups_merge_into_the_file_of_the_text(
        pieces in prop::collection::vec(prop::collection::vec(0_u32..9, 1..100), 1..4),
        order in 1_usize..=4,
        buckets in 1_u32..6,
    ) {
        let folder = Folder::new();
        let paths = in_buckets(&folder, &pieces, order, buckets).concat();
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
    let files = write_buckets(&corpus, 2, 7, &meta("a"), &folder.path(""), &job(2)).unwrap();
    for (_, path) in &files {
        let (used, listed) = used_and_listed(path);
        assert!(used == listed && used.len() > 5000);
    }
    let paths: Vec<PathBuf> = files.into_iter().map(|(_, path)| path).collect();
    let (whole, merged) = (folder.path("whole"), folder.path("merged"));
    write(&corpus, 2, 1, &whole);
    merge(&paths, &merged, &job(1)).unwrap();
    assert_eq!(rows(&merged, 1000), rows(&whole, 1000));
}

/// The files of two groups of a text, and the folder that they are in.
fn two_groups() -> (Folder, Vec<PathBuf>) {
    let folder = Folder::new();
    let corpus = mixed((0..300).map(|at| at * at % 7 % 9).collect(), 2);
    let files = write_buckets(&corpus, 2, 2, &meta("a"), &folder.path(""), &job(1)).unwrap();
    let paths: Vec<PathBuf> = files.into_iter().map(|(_, path)| path).collect();
    assert_eq!(paths.len(), 2);
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
fn every_damaged_byte_of_a_file_of_a_group_is_a_format_error() {
    let (folder, paths) = two_groups();
    let (bad, out) = (folder.path("bad"), folder.path("out"));
    let bytes = std::fs::read(&paths[0]).unwrap();
    for at in 0..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[at] ^= 0x10;
        for wrong in [&wrong[..], &bytes[..at]] {
            std::fs::write(&bad, wrong).unwrap();
            let error = merge(&[&paths[1], &bad], &out, &job(1)).unwrap_err();
            assert!(matches!(error, Error::Format { .. }), "{at}: {error}");
        }
    }
    folder.holds(&["0.counts", "1.counts", "bad"]);
}

/// A file of a group after the version: these blocks of symbols, and one n-gram of these ids, seen three times.
fn with(symbols: &[(Kind, &[u8])], gram: &[u64]) -> Vec<u8> {
    let (last, before) = gram.split_last().unwrap();
    let mut grams = Vec::new();
    put_varint(&mut grams, gram.len() as u64);
    for &id in before {
        put_varint(&mut grams, id);
    }
    put_varint(&mut grams, last << 5 | (gram.len() as u64) << 1);
    grams.push(3);
    let (header, end): (_, &[u8]) = if gram.len() == 1 {
        (HEADER.to_vec(), br#"{"rows":[1,0,0,0,0,0,0,0,0]}"#)
    } else {
        let header = br#"{"order":2,"min_count":1,"total":0,"alphabet":"","sources":[]}"#;
        (header.to_vec(), br#"{"rows":[0,1,0,0,0,0,0,0,0]}"#)
    };
    let start: [(Kind, &[u8]); 1] = [(Kind::Header, &header)];
    let rest: [(Kind, &[u8]); 2] = [(Kind::Grams, &grams), (Kind::End, end)];
    blocks(&[&start[..], symbols, &rest].concat())
}

#[test]
fn numbered_symbols_with_sound_checksums_and_nonsense_inside_are_errors() {
    // a is 5 and b is 7, in one block and in two.
    let together: &[(Kind, &[u8])] = &[(Kind::Numbered, b"\x05\x00\x01a\x02\x00\x01b")];
    let apart: &[(Kind, &[u8])] =
        &[(Kind::Numbered, b"\x05\x00\x01a"), (Kind::Numbered, b"\x07\x00\x01b")];
    let refused = |bytes: &[u8], what: &str| {
        let [_, merged] = read(bytes);
        assert!(matches!(merged, Err(Error::Format { .. })), "{what}: {merged:?}");
    };
    for symbols in [together, apart] {
        for gram in [&[5][..], &[7], &[5, 7], &[7, 7]] {
            let [read, merged] = read(&with(symbols, gram));
            assert!(read.is_err() && merged.is_ok(), "{gram:?}: {read:?}, {merged:?}");
        }
        // Ids that no symbol has, below, between and above.
        for gram in [&[4][..], &[6], &[8], &[6, 7], &[7, 6], &[1 << 33]] {
            refused(&with(symbols, gram), &format!("{gram:?}"));
        }
    }
    let nonsense: [&[(Kind, &[u8])]; 10] = [
        &[],
        &[(Kind::Numbered, b"")],
        &[(Kind::Numbered, b"\x00\x00\x01a\x05\x00\x01b")],
        &[(Kind::Numbered, b"\x05\x00\x01a\x00\x00\x01b")],
        &[(Kind::Numbered, b"\x05\x00\x01b\x02\x00\x01a")],
        &[(Kind::Numbered, b"\x05\x00\x01a\x02\x00\x01a")],
        &[(Kind::Numbered, b"\x05\x00\x01a"), (Kind::Numbered, b"\x05\x00\x01b")],
        &[(Kind::Numbered, b"\x05\x00\x01a"), (Kind::Symbols, b"\x00\x01b")],
        &[(Kind::Symbols, b"\x00\x01A"), (Kind::Numbered, b"\x05\x00\x01a")],
        &[(Kind::Numbered, b"\x05\x00\x01a\x02")],
    ];
    for symbols in nonsense {
        refused(&with(symbols, &[5]), &format!("{symbols:?}"));
    }
    for past in [1 << 32, u64::MAX - 4, u64::MAX] {
        let mut symbols = b"\x05\x00\x01a".to_vec();
        put_varint(&mut symbols, past);
        symbols.extend_from_slice(b"\x00\x01b");
        refused(&with(&[(Kind::Numbered, &symbols)], &[5]), &past.to_string());
    }
}

#[test]
fn an_id_is_not_believed() {
    let folder = Folder::new();
    let (bad, out) = (folder.path("bad"), folder.path("out"));
    let mut symbols = b"\x05\x00\x01a".to_vec();
    put_varint(&mut symbols, (1 << 32) - 6);
    symbols.extend_from_slice(b"\x00\x01b");
    let file = with(&[(Kind::Numbered, &symbols)], &[5]);
    std::fs::write(&bad, [&MAGIC[..], &VERSION.to_le_bytes(), &file].concat()).unwrap();
    // Four bytes for each id are more than the job has.
    let error = merge(&[&bad], &out, &job(1)).unwrap_err();
    assert!(matches!(error, Error::Memory(_)), "{error}");
    folder.holds(&["bad"]);
}

#[test]
fn a_count_that_fails_leaves_no_file() {
    let folder = Folder::new();
    let corpus = mixed((0..300).map(|at| at * at % 7 % 9).collect(), 2);
    let cancelled = job(1);
    cancelled.cancel();
    let (home, none) = (folder.path(""), folder.path("none"));
    assert!(write_buckets(&corpus, 2, 5, &meta("a"), &home, &cancelled).is_err());
    let error = write_buckets(&corpus, 2, 5, &meta("a"), &none, &job(1)).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
    assert!(write_buckets(&corpus, 2, 0, &meta("a"), &home, &job(1)).is_err());
    folder.holds(&[]);
}
