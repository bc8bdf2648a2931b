//! Files as columns.

use std::path::Path;

use proptest::prelude::*;

use super::groups::mixed;
use super::{Folder, job, meta, write};
use crate::ngram::file::merge::{Kept, merge_by};
use crate::ngram::{CountFile, CountHeader, GramColumns, IdParts, write_columns};
use crate::support::Result;

pub(super) type Rows = Vec<(String, i64)>;

fn place(number: i32) -> usize {
    usize::try_from(number).unwrap()
}

/// The rows of a file, in batches of so many.
pub(super) fn rows(path: &Path, batch: usize) -> Rows {
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
