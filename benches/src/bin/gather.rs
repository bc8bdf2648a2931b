//! What the tasks of a cluster do with count files, one after the other on one thread:
//! `cargo run --release -p newword-benches --bin gather -- FOLDER GROUPS FILE...`.
//!
//! Each file is counted into a count file for each group, and these are merged, group by group, in
//! `FOLDER`, which must exist.

use std::path::{Path, PathBuf};

use newword_benches::Clocks;
use newword_core::corpus::{Alphabet, FileSource, ReadOptions, encode, expand};
use newword_core::discovery::{DiscoverOptions, needed_of};
use newword_core::ngram::{
    CountFile, CountMeta, RemoteCounts, RightSums, count_groups, merge, merge_for_sums, right_sums,
    shares,
};
use newword_core::support::{Context, Error, MemoryBudget, Result};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().unwrap_or_else(|| ".".into()));
    let groups = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(8);
    let files: Vec<String> = arguments.collect();
    let context = Context::new(Some(1), MemoryBudget::share_of_available(), None)?;
    let (of_group, total) = counted(&files, groups, &folder, &context)?;
    let read = of_group.iter().flatten().map(|path| bytes_of(path)).sum::<Result<u64>>()?;
    for for_sums in [false, true] {
        let name = if for_sums { "merge for sums" } else { "merge" };
        let mut merged = Vec::new();
        let start = Clocks::now();
        for (group, paths) in of_group.iter().enumerate().filter(|(_, paths)| !paths.is_empty()) {
            let path = folder.join(format!("{name}-{group}"));
            if for_sums {
                merge_for_sums(paths, &path, &context)?;
            } else {
                merge(paths, &path, &context)?;
            }
            merged.push(path);
        }
        let (seconds, cpu) = start.elapsed();
        let rows = merged.iter().map(|path| rows_of(path)).sum::<Result<u64>>()?;
        println!(
            "{name:<20} {seconds:>6.2} s, {cpu:>6.2} s of CPU, {rows} n-grams from {read} bytes"
        );
        sums(&merged, total, rows, &context)?;
    }
    Ok(())
}

/// Encodes all files, then counts each by itself; returns the count files of each group, and the symbols of all.
fn counted(
    files: &[String],
    groups: u32,
    folder: &Path,
    context: &Context,
) -> Result<(Vec<Vec<PathBuf>>, u64)> {
    let (mut of_group, mut total) = (vec![Vec::new(); groups as usize], 0);
    let start = Clocks::now();
    let mut corpora = Vec::new();
    for file in files {
        let source = FileSource::new(expand([file])?, ReadOptions::default());
        let corpus = encode(Box::new(source), &Alphabet::default(), context)?;
        total += corpus.total();
        corpora.push(corpus);
    }
    report("read and encode", start, total);
    let start = Clocks::now();
    let mut counted = Vec::new();
    for corpus in &corpora {
        let files = count_groups(corpus, 4, groups, &CountMeta::default(), context)?;
        counted.push(files.collect::<Result<Vec<_>>>()?);
    }
    report("count into groups", start, total);
    for (at, (group, bytes)) in (0_usize..).zip(counted.into_iter().flatten()) {
        let path = folder.join(format!("{at}.counts"));
        std::fs::write(&path, bytes).map_err(|error| Error::io(&path, "cannot write", error))?;
        of_group[group as usize].push(path);
    }
    Ok((of_group, total))
}

/// The sums over neighbours from merged files, as for a discovery by the default method.
fn sums(merged: &[PathBuf], total: u64, rows: u64, context: &Context) -> Result<()> {
    // As `make bench-spark` asks.
    let options = DiscoverOptions { min_count: Some(50), ..DiscoverOptions::default() };
    let (order, min_count, numbers_from) = needed_of(&options, total)?;
    let start = Clocks::now();
    let found: Result<Vec<RightSums>> = merged
        .iter()
        .map(|path| right_sums(path, order, min_count, numbers_from, context))
        .collect();
    report("right sums", start, rows);
    let found = found?;
    let start = Clocks::now();
    let counts = RemoteCounts::new(&found, order, min_count, numbers_from)?;
    let request = counts.request();
    report("request", start, rows);
    let start = Clocks::now();
    let mut found = 0;
    for path in merged {
        found += shares(path, &request, context)?.len();
    }
    report("shares", start, rows);
    println!("min_count {min_count}: {found} shares, a request of {} bytes", request.len());
    Ok(())
}

fn bytes_of(path: &Path) -> Result<u64> {
    let length = std::fs::metadata(path).map(|about| about.len());
    length.map_err(|error| Error::io(path, "cannot read", error))
}

/// All n-grams of a count file.
fn rows_of(path: &Path) -> Result<u64> {
    CountFile::open(path)?.into_grams()?.try_fold(0, |rows, gram| gram.map(|_| rows + 1))
}

fn report(stage: &str, start: Clocks, rows: u64) {
    let (seconds, cpu) = start.elapsed();
    let each = cpu / rows as f64 * 1e9;
    println!("{stage:<20} {seconds:>6.2} s, {cpu:>6.2} s of CPU, {each:>6.0} ns an n-gram");
}
