//! How fast n-grams are counted: `count_speed FILE [THREADS [MEMORY [MIN_COUNT]]]`, in MB/s of UTF-8.
//!
//! Encoding is timed apart from counting; the best of three rounds is shown, because the rest is noise
//! of the machine. The records in `benches/records` were made with this.

use std::time::Instant;

use newword_core::corpus::{Alphabet, EncodedCorpus, FileSource, ReadOptions, encode, expand};
use newword_core::ngram::{CountOptions, Neighbours, NgramTable, count};
use newword_core::support::{Context, MemoryBudget, Result};

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let usage = "usage: count_speed FILE [THREADS [MEMORY [MIN_COUNT]]]";
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let path = arguments.first().ok_or(usage)?;
    let threads: usize = arguments.get(1).map_or(Ok(2), |threads| threads.parse())?;
    let memory: MemoryBudget = arguments.get(2).map_or("4GB", String::as_str).parse()?;
    let least: Option<u64> = arguments.get(3).map(|least| least.parse()).transpose()?;
    let context = Context::new(Some(threads), memory, None)?;
    let megabytes = std::fs::metadata(path)?.len() as f64 / 1e6;
    let (encoded, corpus) = best(|| read(path, &context))?;
    println!(
        "{megabytes:.0} MB, {} symbols, {} distinct, {threads} threads; encoding {encoded:.3} s, {:.0} MB/s",
        corpus.total(),
        corpus.symbols().len(),
        megabytes / encoded
    );
    for min_count in least.map_or(vec![32, 8, 2, 1], |least| vec![least]) {
        for neighbours in [Neighbours::OfNone, Neighbours::OfAll] {
            let options = CountOptions { order: 4, min_count, neighbours };
            match best(|| count(&corpus, options, &context)) {
                Ok((counted, table)) => println!(
                    "min_count {min_count}, {}: {counted:.3} s, {:.0} MB/s, encoding included {:.0} MB/s; kept {:?}",
                    if neighbours == Neighbours::OfAll {
                        "counts and neighbour sums"
                    } else {
                        "counts only"
                    },
                    megabytes / counted,
                    megabytes / (counted + encoded),
                    kept(&table)
                ),
                Err(error) => println!("min_count {min_count}: {error}"),
            }
        }
    }
    Ok(())
}

fn read(path: &str, context: &Context) -> Result<EncodedCorpus> {
    let source = FileSource::new(expand([path])?, ReadOptions::default());
    encode(Box::new(source), &Alphabet::default(), context)
}

fn kept(table: &NgramTable) -> Vec<usize> {
    table.levels.iter().map(newword_core::ngram::Level::len).collect()
}

/// The least seconds of three rounds, and the last result.
fn best<T>(work: impl Fn() -> Result<T>) -> Result<(f64, T)> {
    let mut least = f64::INFINITY;
    loop {
        let mut result = None;
        for _ in 0..3 {
            drop(result.take());
            let start = Instant::now();
            result = Some(work()?);
            least = least.min(start.elapsed().as_secs_f64());
        }
        if let Some(result) = result {
            return Ok((least, result));
        }
    }
}
