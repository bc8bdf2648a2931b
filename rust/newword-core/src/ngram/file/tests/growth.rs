//! Files that grow: corpora added to them, many merged, sources known again.

use proptest::prelude::*;

use super::{Folder, message};
use crate::corpus::{Alphabet, EncodedCorpus};
use crate::ngram::file::merge::{Kept, merge_by};
use crate::ngram::testing::job;
use crate::ngram::{
    CountFile, CountMeta, CountOptions, CountSource, NgramTable, SourceState, append, count, merge,
    merge_for_sums, table_from_file, write_counts,
};
use crate::support::{Context, Error, MemoryBudget};

/// Text with characters beyond the basic plane, marks, runs of letters and digits, and breaks.
const TEXTS: [&str; 4] = [
    "5G网络，A股。今天天气很不错\n\u{20000}\u{20001}\u{20000}\u{20001}",
    "か\u{3099}か\u{3099}か iPhone 15 Pro葛\u{E0100}城葛\u{E0100}城",
    "",
    "今天天气今天天气〇〇〇，\u{30000}今天\u{F900}豈更，😀天气",
];

fn encoded(texts: &[&str]) -> EncodedCorpus {
    EncodedCorpus::from_texts(texts.iter().copied(), &Alphabet::default()).unwrap()
}

fn meta(names: &[&str]) -> CountMeta {
    let source = |name: &&str| CountSource { name: (*name).into(), bytes: 1, digest: None };
    CountMeta { alphabet: "default".into(), sources: names.iter().map(source).collect() }
}

fn table(corpus: &EncodedCorpus, order: usize) -> NgramTable {
    count(corpus, CountOptions { order, ..CountOptions::default() }, &job(1)).unwrap()
}

#[test]
fn text_added_piece_by_piece_is_the_text_as_a_whole() {
    let least = MemoryBudget::new(MemoryBudget::LEAST).unwrap();
    for threads in [1, 2] {
        let context = Context::new(Some(threads), least, None).unwrap();
        for order in [1, 4, 8] {
            let folder = Folder::new();
            let path = folder.path("counts");
            let name = |at: usize| format!("{at}");
            write_counts(&encoded(&TEXTS[..1]), order, 1, &meta(&["0"]), &path, &context).unwrap();
            for (at, text) in TEXTS.iter().enumerate().skip(1) {
                append(&encoded(&[text]), &meta(&[&name(at)]), &path, &context).unwrap();
            }
            let expected = table(&encoded(&TEXTS), order);
            assert_eq!(table_from_file(&path, order, 1, &context).unwrap(), expected);
            let header = CountFile::open(&path).unwrap().header().clone();
            assert_eq!(header.meta, meta(&["0", "1", "2", "3"]));
            folder.holds(&["counts"]);
        }
    }
}

#[test]
fn a_failed_append_leaves_the_file_unchanged() {
    let folder = Folder::new();
    let (path, pruned) = (folder.path("counts"), folder.path("pruned"));
    let corpus = encoded(&TEXTS);
    write_counts(&corpus, 3, 1, &meta(&["a"]), &path, &job(1)).unwrap();
    write_counts(&corpus, 3, 2, &meta(&["a"]), &pruned, &job(1)).unwrap();
    let before = std::fs::read(&path).unwrap();
    let other = CountMeta { alphabet: "nfkc".into(), ..meta(&["b"]) };
    let refused = append(&corpus, &other, &path, &job(1)).unwrap_err();
    assert!(message(&refused).contains("alphabet \"default\""), "{refused}");
    let refused = append(&corpus, &meta(&["b"]), &pruned, &job(1)).unwrap_err();
    assert!(message(&refused).contains("pruned at min_count 2"), "{refused}");
    let cancelled = job(1);
    cancelled.cancel();
    let refused = append(&corpus, &meta(&["b"]), &path, &cancelled);
    assert!(matches!(refused, Err(Error::Cancelled)));
    let refused = append(&corpus, &meta(&["b"]), &folder.path("none"), &job(1));
    assert!(matches!(refused, Err(Error::Io { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
    folder.holds(&["counts", "pruned"]);
}

#[test]
fn sources_are_known_again_by_their_bytes() {
    let folder = Folder::new();
    let [old, copy, new] = ["old", "copy", "new"].map(|name| folder.path(name));
    for (path, text) in [(&old, "今天"), (&copy, "今天"), (&new, "天气")] {
        std::fs::write(path, text).unwrap();
    }
    let source = |path| CountSource::of_file(path, &job(1)).unwrap();
    let counted = source(&old);
    assert_eq!((counted.bytes, counted.digest.as_ref().map(String::len)), (6, Some(32)));
    let path = folder.path("counts");
    let meta = CountMeta { sources: vec![counted], ..meta(&[]) };
    write_counts(&encoded(&["今天"]), 2, 1, &meta, &path, &job(1)).unwrap();
    let header = CountFile::open(&path).unwrap().header().clone();
    assert_eq!(header.meta, meta);
    let state = |path| header.state_of(&source(path));
    assert_eq!([state(&old), state(&copy)], [SourceState::Included; 2]);
    assert_eq!(state(&new), SourceState::New);
    std::fs::write(&old, "今天，").unwrap();
    assert_eq!(state(&old), SourceState::Changed);
    let stream = CountSource { name: "-".into(), bytes: 6, digest: None };
    assert_eq!(header.state_of(&stream), SourceState::New);
    let missing = CountSource::of_file(&folder.path("none"), &job(1));
    assert!(matches!(missing, Err(Error::Io { .. })));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn files_merge_in_groups_as_at_once(
        texts in prop::collection::vec("[天地玄黄a-c，\u{20000}]{0,30}", 1..12),
        order in 1_usize..=8,
        most in 2_usize..5,
        threads in 1_usize..3,
    ) {
        let folder = Folder::new();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut paths = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            paths.push(folder.path(&format!("{at:02}")));
            let name = format!("{at}");
            write_counts(&encoded(&[text]), order, 1, &meta(&[&name]), &paths[at], &job(threads))
                .unwrap();
        }
        let (at_once, grouped) = (folder.path("at once"), folder.path("grouped"));
        merge(&paths, &at_once, &job(threads)).unwrap();
        let few: Vec<_> = paths.iter().map(|path| &**path).collect();
        merge_by(&few, (&grouped, Kept::All), most, &job(1)).unwrap();
        prop_assert_eq!(std::fs::read(&at_once).unwrap(), std::fs::read(&grouped).unwrap());
        let (few, few_grouped) = (folder.path("few"), folder.path("few grouped"));
        merge_for_sums(&paths, &few, &job(1)).unwrap();
        let all: Vec<_> = paths.iter().map(|path| &**path).collect();
        merge_by(&all, (&few_grouped, Kept::ForSums), most, &job(1)).unwrap();
        prop_assert_eq!(std::fs::read(&few).unwrap(), std::fs::read(&few_grouped).unwrap());
        let whole = encoded(&texts);
        prop_assert_eq!(
            table_from_file(&grouped, order, 1, &job(1)).unwrap(),
            table(&whole, order)
        );
        prop_assert_eq!(std::fs::read_dir(folder.path(".")).unwrap().count(), paths.len() + 4);
    }
}
