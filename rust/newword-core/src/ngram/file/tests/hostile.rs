//! Files made to harm, and systems that refuse.

use std::path::Path;

use super::{Folder, meta, sample, write};
use crate::ngram::file::format::{Kind, MAGIC, VERSION, put_block};
use crate::ngram::testing::job;
use crate::ngram::{CountFile, CountSource, merge, table_from_file, write_counts};
use crate::support::{Error, Result};

pub(super) const HEADER: &[u8] =
    br#"{"order":2,"min_count":1,"total":3,"alphabet":"","sources":[]}"#;

/// Reads a file of these bytes after the version in every way there is.
pub(super) fn read(bytes: &[u8]) -> [Result<()>; 2] {
    let folder = Folder::new();
    let (path, out) = (folder.path("bad"), folder.path("out"));
    std::fs::write(&path, [&MAGIC[..], &VERSION.to_le_bytes(), bytes].concat()).unwrap();
    let read = table_from_file(&path, 2, 1, &job(1)).map(drop);
    let merged = merge(&[&path, &path], &out, &job(1));
    folder.holds(if merged.is_ok() { &["bad", "out"] } else { &["bad"] });
    [read, merged]
}

fn refused(bytes: &[u8], what: &str) {
    for outcome in read(bytes) {
        assert!(matches!(outcome, Err(Error::Format { .. })), "{what}: {outcome:?}");
    }
}

pub(super) fn blocks(blocks: &[(Kind, &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (kind, payload) in blocks {
        put_block(&mut bytes, *kind, payload).unwrap();
    }
    bytes
}

#[test]
fn a_length_is_not_believed() {
    for length in [1 << 20, 1 << 28, (1 << 28) + 1, u32::MAX] {
        for kind in 0..7_u8 {
            let head = [&[kind][..], &length.to_le_bytes(), &[0; 4], b"few bytes"].concat();
            refused(&head, "the first block");
            let later = [blocks(&[(Kind::Header, HEADER)]), head].concat();
            refused(&later, "a later block");
        }
    }
    // A varint of 2^63 and more where a name's length, its shared part, an id or a step is.
    let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
    for names in [[&huge[..], b"\x01a"].concat(), [b"\x00", &huge[..], b"a"].concat()] {
        refused(&blocks(&[(Kind::Header, HEADER), (Kind::Symbols, &names)]), "a name");
    }
    let end = br#"{"rows":[1,0,0,0,0,0,0,0,0]}"#;
    for grams in [huge.to_vec(), [&[1][..], &huge].concat(), [&[2][..], &huge, &[3]].concat()] {
        let names = b"\x00\x01a\x00\x01b";
        let parts = [
            (Kind::Header, HEADER),
            (Kind::Symbols, names),
            (Kind::Grams, &grams),
            (Kind::End, end),
        ];
        refused(&blocks(&parts), "an n-gram");
    }
}

#[test]
fn counts_that_do_not_add_up_are_refused() {
    let names = b"\x00\x01a";
    let file = |count: u8, rows: &[u8]| {
        let grams = [1, 1 << 5 | 1 << 1, count];
        let parts = [
            (Kind::Header, HEADER),
            (Kind::Symbols, &names[..]),
            (Kind::Grams, &grams),
            (Kind::End, rows),
        ];
        blocks(&parts)
    };
    let rows = br#"{"rows":[1,0,0,0,0,0,0,0,0]}"#;
    assert!(read(&file(3, rows)).iter().all(Result::is_ok));
    refused(&file(2, rows), "a total");
    for rows in ["{}", "[]", r#"{"rows":[1]}"#, r#"{"rows":[2,0,0,0,0,0,0,0,0]}"#, "\u{0}"] {
        refused(&file(3, rows.as_bytes()), rows);
    }
}

#[test]
fn headers_out_of_range_are_refused() {
    for header in [
        r#"{"order":0,"min_count":1,"total":3,"alphabet":"","sources":[]}"#,
        r#"{"order":9,"min_count":1,"total":3,"alphabet":"","sources":[]}"#,
        r#"{"order":2,"min_count":0,"total":3,"alphabet":"","sources":[]}"#,
        r#"{"order":2,"min_count":1,"total":-3,"alphabet":"","sources":[]}"#,
        r#"{"order":2,"min_count":1,"total":3,"sources":[]}"#,
        r#"{"order":2,"min_count":1,"total":3,"alphabet":"","sources":[{"name":"a"}]}"#,
        "[[[[[[[[[[",
        "",
    ] {
        refused(&blocks(&[(Kind::Header, header.as_bytes())]), header);
    }
}

#[test]
fn merging_a_damaged_file_leaves_nothing() {
    let folder = Folder::new();
    let (good, bad, out) = (folder.path("good"), folder.path("bad"), folder.path("out"));
    write(&sample(), 2, 1, &good);
    let bytes = std::fs::read(&good).unwrap();
    for at in 0..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[at] ^= 0x10;
        for wrong in [&wrong[..], &bytes[..at]] {
            std::fs::write(&bad, wrong).unwrap();
            let error = merge(&[&good, &bad], &out, &job(1)).unwrap_err();
            assert!(matches!(error, Error::Format { .. }), "{at}: {error}");
            assert!(error.to_string().contains("bad"), "{at}: {error}");
        }
    }
    folder.holds(&["bad", "good"]);
}

#[test]
fn failed_system_calls_name_the_path() {
    let folder = Folder::new();
    let good = folder.path("good");
    write(&sample(), 2, 1, &good);
    let refused = |outcome: Result<()>, path: &Path| match outcome {
        Err(Error::Io { path: named, .. }) => assert_eq!(named, path),
        other => panic!("{other:?}"),
    };
    let (directory, nowhere) = (folder.path("folder"), folder.path("no/such/file"));
    std::fs::create_dir(&directory).unwrap();
    for target in [&directory, &nowhere] {
        let written = write_counts(&sample(), 2, 1, &meta("a"), target, &job(1));
        refused(written, target);
        refused(merge(&[&good, &good], target, &job(1)), target);
        refused(CountFile::open(target).map(drop), target);
        refused(table_from_file(target, 2, 1, &job(1)).map(drop), target);
        refused(CountSource::of_file(target, &job(1)).map(drop), target);
    }
    folder.holds(&["folder", "good"]);
}
