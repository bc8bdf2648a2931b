//! Files of groups made to harm.

use super::groups::two_groups;
use super::hostile::{HEADER, blocks, read};
use super::{Folder, job};
use crate::ngram::file::format::{Kind, MAGIC, VERSION, put_varint};
use crate::ngram::merge;
use crate::support::Error;

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
