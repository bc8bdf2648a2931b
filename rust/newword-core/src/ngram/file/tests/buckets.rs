//! Files of a group of first symbols each, and files as columns.

use proptest::prelude::*;

use super::{Folder, job, meta, write};
use crate::ngram::testing::Ids;
use crate::ngram::{
    CountFile, CountHeader, GramColumns, IdParts, merge, write_buckets, write_columns,
};
use crate::support::Result;

type Rows = Vec<(String, i64)>;

/// The rows of a file, in batches of so many.
fn rows(path: &std::path::Path, batch: usize) -> Rows {
    let mut grams = CountFile::open(path).unwrap().into_grams().unwrap();
    let mut rows = Vec::new();
    while let Some(columns) = grams.next_columns(batch).unwrap() {
        let GramColumns { offsets, text, lengths, counts } = columns;
        assert!(counts.len() <= batch);
        for (at, count) in counts.into_iter().enumerate() {
            let text = &text[offsets[at] as usize..offsets[at + 1] as usize];
            let text = std::str::from_utf8(text).unwrap().to_owned();
            assert_eq!(text.split(' ').count(), lengths[at] as usize);
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
        let mut of_bucket = vec![Vec::new(); buckets as usize];
        for (at, ids) in pieces.iter().enumerate() {
            let corpus = Ids::new(ids.clone(), 8, 2);
            let home = folder.path(&at.to_string());
            std::fs::create_dir(&home).unwrap();
            let files = write_buckets(&corpus, order, buckets, &meta("a.txt"), &home, &job(2)).unwrap();
            for (bucket, path) in files {
                of_bucket[bucket as usize].push(path);
            }
        }
        let all = Ids::new(pieces.join(&0), 8, 1);
        let whole = folder.path("whole");
        write(&all, order, 1, &whole);
        let mut merged = Vec::new();
        for (bucket, paths) in of_bucket.iter().enumerate().filter(|(_, paths)| !paths.is_empty()) {
            let path = folder.path(&format!("merged-{bucket}"));
            merge(paths, &path, &job(1)).unwrap();
            merged.extend(rows(&path, 7));
        }
        merged.sort();
        let whole = rows(&whole, 1000);
        prop_assert!(whole.is_sorted_by(|a, b| a.0 < b.0));
        prop_assert_eq!(merged, whole);
    }

    #[test]
    fn columns_lead_back_to_the_file(
        ids in prop::collection::vec(0_u32..9, 0..200),
        order in 1_usize..=8,
    ) {
        let folder = Folder::new();
        let corpus = Ids::new(ids, 8, 2);
        let (there, back) = (folder.path("there"), folder.path("back"));
        write(&corpus, order, 1, &there);
        let mut columns = rows(&there, 11);
        from_rows(&columns, order, &back).unwrap();
        prop_assert_eq!(rows(&back, 5), columns.clone());
        prop_assert_eq!(CountFile::open(&back).unwrap().header().total, corpus.total());
        // Equal rows side by side are added up.
        let doubled: Rows = columns.iter().flat_map(|row| [row.clone(), row.clone()]).collect();
        from_rows(&doubled, order, &back).unwrap();
        columns.iter_mut().for_each(|(_, count)| *count *= 2);
        prop_assert_eq!(rows(&back, 5), columns);
    }
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
        (vec![row("天", 1), row("好", 1)], "sorted"),
        (vec![row("天", 1), row("好 天", 1)], "sorted"),
        (vec![row("好", 1), row("天 好", 1)], "extends"),
    ] {
        let error = from_rows(&rows, 1, &folder.path("counts")).unwrap_err().to_string();
        assert!(error.starts_with("counts: ") && error.contains(rule), "{error}");
    }
    folder.holds(&[]);
}
