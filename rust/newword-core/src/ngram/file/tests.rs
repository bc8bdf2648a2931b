//! Count files against counting itself, and against damage.

mod columns;
mod groups;
mod growth;
mod hostile;
mod hostile_groups;
mod sums;

use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::write::write_within;
use super::{CountFile, CountMeta, CountSource, merge, table_from_file, write_counts};
use crate::corpus::Symbols;
use crate::ngram::plan::Limits;
use crate::ngram::testing::{Ids, grams, job};
use crate::ngram::{CountOptions, IdParts, Neighbours, NgramTable, count};
use crate::support::Error;

fn meta(name: &str) -> CountMeta {
    let sources = vec![CountSource { name: name.into(), bytes: 7, digest: None }];
    CountMeta { alphabet: "default".into(), sources }
}

/// A folder that is gone at the end of a test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Nothing but these files is in the folder.
    fn holds(&self, names: &[&str]) {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut found: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        found.sort();
        assert_eq!(found, names);
    }
}

fn write(corpus: &Ids, order: usize, min_count: u64, path: &Path) {
    write_counts(corpus, order, min_count, &meta("a.txt"), path, &job(2)).unwrap();
}

fn counted(corpus: &Ids, order: usize, min_count: u64) -> NgramTable {
    let options = CountOptions { order, min_count, neighbours: Neighbours::OfAll };
    count(corpus, options, &job(1)).unwrap()
}

/// Limits under which every bucket goes through every kind of split and batch.
fn tiny(limits: Limits) -> Limits {
    let buffer_keys = limits.buffer_keys.min(60);
    Limits { buffer_keys, scratch_keys: 25, batch_keys: 30, ..limits }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_file_gives_the_table_of_its_corpus(
        ids in prop::collection::vec(0_u32..5, 0..400),
        order in 1_usize..=8,
        min_count in 1_u64..6,
        parts in 1_usize..4,
    ) {
        let folder = Folder::new();
        let path = folder.path("counts");
        let corpus = Ids::new(ids, 4, parts);
        write(&corpus, order, 1, &path);
        let expected = counted(&corpus, order, min_count);
        prop_assert_eq!(&table_from_file(&path, order, min_count, &job(1)).unwrap(), &expected);
        let file = CountFile::open(&path).unwrap();
        let all: Vec<_> = file.grams().unwrap().map(Result::unwrap).collect();
        prop_assert!(all.is_sorted());
        for n in 1..=order + 1 {
            let level = all.iter().filter(|(gram, _)| gram.len() == n).cloned();
            prop_assert_eq!(level.collect::<std::collections::BTreeMap<_, _>>(), grams(corpus.ids(), n));
        }
        let cramped = folder.path("cramped");
        write_within(&corpus, (order, 1), &meta("a.txt"), &cramped, &job(2), tiny).unwrap();
        let cramped = CountFile::open(&cramped).unwrap();
        let again: Vec<_> = cramped.grams().unwrap().map(Result::unwrap).collect();
        prop_assert_eq!(again, all);
    }

    #[test]
    fn a_pruned_file_gives_the_table_of_its_corpus(
        ids in prop::collection::vec(0_u32..4, 0..400),
        order in 1_usize..=4,
        pruned in 2_u64..6,
    ) {
        let folder = Folder::new();
        let path = folder.path("counts");
        let corpus = Ids::new(ids, 3, 2);
        write(&corpus, order, pruned, &path);
        for min_count in [pruned, pruned + 1] {
            let table = table_from_file(&path, order, min_count, &job(1)).unwrap();
            prop_assert_eq!(table, counted(&corpus, order, min_count));
        }
        let words = CountFile::open(&path).unwrap().words(order).unwrap().count();
        prop_assert_eq!(words, counted(&corpus, order, pruned).level(order).len());
    }

    #[test]
    fn merged_files_are_the_file_of_all(
        pieces in prop::collection::vec(prop::collection::vec(0_u32..6, 0..200), 1..5),
        order in 1_usize..=4,
    ) {
        let folder = Folder::new();
        let whole: Vec<u32> =
            pieces.iter().flat_map(|piece| piece.iter().copied().chain([0])).collect();
        let used = |ids: &[u32]| -> Vec<u32> {
            (1..6).filter(|id| ids.contains(id)).collect()
        };
        // Each piece numbers only the symbols it has, so that ids differ from file to file.
        let dense = |ids: &[u32]| {
            let used = used(ids);
            let names = used.iter().map(|id| format!("{}", char::from_u32(0x4e00 + id).unwrap()));
            let symbols = Symbols::new(names.map(Into::into).collect()).unwrap();
            let id = |id: &u32| {
                used.iter().position(|other| other == id).map_or(0, |at| at + 1)
            };
            let ids = ids.iter().map(|old| u32::try_from(id(old)).unwrap()).collect();
            Ids::named(ids, symbols, 1)
        };
        let mut paths = Vec::new();
        for (at, piece) in pieces.iter().enumerate() {
            paths.push(folder.path(&format!("{at}")));
            write(&dense(piece), order, 1, &paths[at]);
        }
        let out = folder.path("merged");
        merge(&paths, &out, &job(1)).unwrap();
        let whole = dense(&whole);
        prop_assert_eq!(
            table_from_file(&out, order, 2, &job(1)).unwrap(),
            counted(&whole, order, 2)
        );
        let merged = CountFile::open(&out).unwrap();
        prop_assert_eq!(merged.header().meta.sources.len(), pieces.len());
        prop_assert_eq!(merged.header().total, whole.total());
    }
}

#[test]
fn a_file_of_many_blocks_and_symbols_is_the_same() {
    let folder = Folder::new();
    let path = folder.path("counts");
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % 40_000
    };
    let corpus = Ids::new((0..300_000).map(|_| next()).collect(), 40_000, 3);
    write(&corpus, 2, 1, &path);
    assert_eq!(table_from_file(&path, 2, 1, &job(1)).unwrap(), counted(&corpus, 2, 1));
    let words = CountFile::open(&path).unwrap();
    let sum: u64 = words.words(1).unwrap().map(|word| word.unwrap().1).sum();
    assert_eq!(sum, corpus.total());
    assert!(matches!(words.words(4).err(), Some(Error::InvalidArgument { .. })));
    folder.holds(&["counts"]);
}

#[test]
fn a_skewed_corpus_is_written_in_batches() {
    let folder = Folder::new();
    let (one, other) = (folder.path("one"), folder.path("other"));
    let corpus = Ids::new(vec![1; 100_000], 1, 3);
    write(&corpus, 4, 1, &one);
    write_within(&corpus, (4, 1), &meta("a.txt"), &other, &job(2), tiny).unwrap();
    let rows = |path: &Path| -> Vec<_> {
        CountFile::open(path).unwrap().grams().unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(rows(&one), rows(&other));
    assert_eq!(table_from_file(&other, 4, 1, &job(1)).unwrap(), counted(&corpus, 4, 1));
}

#[test]
fn large_groups_and_small_ones_agree() {
    let folder = Folder::new();
    let mut state = 1_u32;
    let mut next = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) % below
    };
    // The product of two draws leans to small ids, and the first are breaks: groups of one to ten thousand.
    let ids: Vec<u32> = (0..60_000).map(|_| next(40) * next(40) / 40).collect();
    let corpus = Ids::new(ids, 40, 3);
    for exact in [1, 2] {
        let path = folder.path("counts");
        write(&corpus, 3, exact, &path);
        let file = CountFile::open(&path).unwrap();
        let found: Vec<_> = file.grams().unwrap().map(Result::unwrap).collect();
        let all = (1..=4).flat_map(|n| grams(corpus.ids(), n));
        let all: std::collections::BTreeMap<_, _> =
            all.filter(|(_, count)| *count >= exact).collect();
        assert_eq!(found, all.into_iter().collect::<Vec<_>>());
    }
}

fn sample() -> Ids {
    Ids::new((0..300_u32).map(|at| at * at % 7 % 5).collect(), 4, 2)
}

#[test]
fn every_damaged_byte_and_every_cut_is_a_typed_error() {
    let folder = Folder::new();
    let (good, bad) = (folder.path("good"), folder.path("bad"));
    write(&sample(), 3, 1, &good);
    let bytes = std::fs::read(&good).unwrap();
    let fails = |bytes: &[u8], what: &str| {
        std::fs::write(&bad, bytes).unwrap();
        let error = table_from_file(&bad, 3, 1, &job(1)).expect_err(what);
        assert!(matches!(error, Error::Format { .. }), "{what}: {error}");
    };
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut wrong = bytes.clone();
            wrong[at] ^= flip;
            fails(&wrong, &format!("byte {at}"));
        }
        fails(&bytes[..at], &format!("cut at {at}"));
    }
    fails(&[&bytes[..], b"x"].concat(), "a byte too many");
    fails(b"the counts of a corpus", "text");
}

#[test]
fn blocks_with_sound_checksums_and_nonsense_inside_are_errors() {
    use super::format::{Kind, MAGIC, VERSION, put_block};
    let folder = Folder::new();
    let path = folder.path("bad");
    let header = br#"{"order":2,"min_count":1,"total":3,"alphabet":"","sources":[]}"#;
    let (names, end) = (b"\x00\x01a\x00\x01b", br#"{"rows":[1,0,0,0,0,0,0,0,0]}"#);
    let build = |blocks: &[(Kind, &[u8])]| {
        let mut bytes = [&MAGIC[..], &VERSION.to_le_bytes()].concat();
        for (kind, payload) in blocks {
            put_block(&mut bytes, *kind, payload).unwrap();
        }
        std::fs::write(&path, bytes).unwrap();
        table_from_file(&path, 2, 1, &job(1))
    };
    let with = |records: &[u8]| {
        build(&[
            (Kind::Header, header),
            (Kind::Symbols, names),
            (Kind::Grams, records),
            (Kind::End, end),
        ])
    };
    // Length 1, then symbol 1 seen three times.
    assert_eq!(with(&[1, 1 << 5 | 1 << 1, 3]).unwrap().count(&[1]), 3);
    let nonsense: [&[u8]; 11] = [
        &[],
        &[0],
        &[4, 1],
        &[1],
        &[2, 0, 1 << 5 | 2 << 1, 3],
        &[2, 9, 1 << 5 | 2 << 1, 3],
        &[1, 3 << 5 | 1 << 1, 3],
        &[1, 1 << 1, 3],
        &[1, 1 << 5 | 1 << 1, 0],
        &[1, 1 << 5 | 3 << 1, 3],
        &[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ];
    for records in nonsense {
        assert!(matches!(with(records), Err(Error::Format { .. })), "{records:?}");
    }
    let other: [&[(Kind, &[u8])]; 5] = [
        &[(Kind::Symbols, names)],
        &[(Kind::Header, b"{}"), (Kind::End, end)],
        &[(Kind::Header, header), (Kind::Symbols, b"\x05\x01a"), (Kind::End, end)],
        &[(Kind::Header, header), (Kind::Symbols, b"\x00\x01b\x00\x01a"), (Kind::End, end)],
        &[(Kind::Header, header), (Kind::Symbols, names), (Kind::End, end)],
    ];
    for blocks in other {
        assert!(matches!(build(blocks), Err(Error::Format { .. })), "{blocks:?}");
    }
}

fn message(error: &Error) -> String {
    assert!(matches!(error, Error::Format { .. }), "{error}");
    error.to_string()
}

#[test]
fn errors_of_mismatched_files_name_the_remedy() {
    let folder = Folder::new();
    let [exact, pruned, longer, nfkc] =
        ["exact", "pruned", "longer", "nfkc"].map(|name| folder.path(name));
    let corpus = sample();
    write(&corpus, 3, 1, &exact);
    write(&corpus, 3, 5, &pruned);
    write(&corpus, 4, 1, &longer);
    let other = CountMeta { alphabet: "nfkc".into(), ..meta("a.txt") };
    write_counts(&corpus, 3, 1, &other, &nfkc, &job(1)).unwrap();
    let out = folder.path("out");
    let merged = |paths: &[&PathBuf]| merge(paths, &out, &job(1)).unwrap_err();
    assert!(message(&merged(&[&exact, &pruned])).contains("pruned at min_count 5"));
    assert!(message(&merged(&[&exact, &longer])).contains("counted for order 4"));
    assert!(message(&merged(&[&exact, &nfkc])).contains("alphabet \"nfkc\""));
    assert!(matches!(merged(&[]), Error::InvalidArgument { .. }));
    assert!(matches!(merged(&[&folder.path("none")]), Error::Io { .. }));
    let table = |path: &PathBuf, order, min_count| {
        message(&table_from_file(path, order, min_count, &job(1)).unwrap_err())
    };
    assert!(table(&exact, 4, 1).contains("order 3"));
    assert!(table(&pruned, 3, 4).contains("at least 5 times"));
    let mut bytes = std::fs::read(&exact).unwrap();
    bytes[8] = 9;
    std::fs::write(&out, &bytes).unwrap();
    assert!(table(&out, 3, 1).contains("another version"));
    let cancelled = job(1);
    cancelled.cancel();
    assert!(matches!(merge(&[&exact], &out, &cancelled), Err(Error::Cancelled)));
    let target = folder.path("never");
    assert!(write_counts(&corpus, 3, 1, &meta("b"), &target, &cancelled).is_err());
    assert!(write_counts(&corpus, 0, 1, &meta("b"), &target, &job(1)).is_err());
    folder.holds(&["exact", "longer", "nfkc", "out", "pruned"]);
}

#[test]
fn a_file_can_be_merged_into_itself() {
    let folder = Folder::new();
    let path = folder.path("counts");
    let corpus = sample();
    write(&corpus, 3, 1, &path);
    merge(&[&path, &path], &path, &job(1)).unwrap();
    let doubled = table_from_file(&path, 3, 1, &job(1)).unwrap();
    let once = counted(&corpus, 3, 1);
    let counts = |table: &NgramTable, by: u64| -> Vec<u64> {
        table.levels.iter().flat_map(|level| &level.counts).map(|count| count * by).collect()
    };
    assert_eq!(counts(&doubled, 1), counts(&once, 2));
    folder.holds(&["counts"]);
}
