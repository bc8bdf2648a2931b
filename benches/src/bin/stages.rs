//! Stages of a discovery in Rust alone: `cargo run --release -p newword-benches --bin stages -- FILE [THREADS]`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use newword_benches::Clocks;
use newword_core::corpus::{Alphabet, FileSource, ReadOptions, encode, expand};
use newword_core::discovery::{DiscoverOptions, discover};
use newword_core::ngram::{CountOptions, Neighbours, count};
use newword_core::support::{Context, MemoryBudget, Result};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or_else(|| "corpus.txt".into());
    let threads = arguments.next().and_then(|count| count.parse().ok());
    let context = Context::new(threads, MemoryBudget::share_of_available(), None)?;
    let inputs = expand([&file])?;
    let bytes: u64 = inputs.iter().filter_map(newword_core::corpus::Input::size).sum();
    let report = |stage: &str, from: Clocks| {
        let (seconds, cpu) = from.elapsed();
        let rate = bytes as f64 / 1e6 / seconds;
        println!("{stage:<24} {seconds:>7.2} s {rate:>6.0} MB/s {cpu:>7.2} s of CPU");
    };
    for _ in 0..2 {
        let start = Clocks::now();
        let source = Box::new(FileSource::new(inputs.clone(), ReadOptions::default()));
        let corpus = encode(source, &Alphabet::default(), &context)?;
        report("read and encode", start);
        for neighbours in [Neighbours::OfNone, Neighbours::OfAll] {
            let start = Clocks::now();
            let table =
                count(&corpus, CountOptions { order: 4, min_count: 32, neighbours }, &context)?;
            let both = neighbours == Neighbours::OfAll;
            let name = if both { "count with neighbours" } else { "count" };
            report(name, start);
            assert!(table.level(1).len() > 10, "the counter lost its n-grams");
        }
        let start = Clocks::now();
        let found = watched(&context, || discover(&corpus, &DiscoverOptions::default(), &context))?;
        report("discover, encoded", start);
        println!("{} words, {:?}", found.words.len(), found.summary);
    }
    Ok(())
}

/// Runs `work` and prints how long each of its stages took.
fn watched<T>(context: &Context, work: impl FnOnce() -> T) -> T {
    let finished = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut since, mut last) = (Clocks::now(), context.progress().read());
            loop {
                let ended = finished.load(Ordering::Relaxed);
                let now = context.progress().read();
                if ended || now.0 != last.0 || now.1 < last.1 {
                    let (seconds, cpu) = since.elapsed();
                    let name = last.0.name();
                    println!("  {name:<22} {seconds:>7.2} s             {cpu:>7.2} s of CPU");
                    since = Clocks::now();
                }
                if ended {
                    break;
                }
                last = now;
                std::thread::sleep(Duration::from_millis(2));
            }
        });
        let result = work();
        finished.store(true, Ordering::Relaxed);
        result
    })
}
