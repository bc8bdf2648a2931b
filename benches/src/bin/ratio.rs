//! Discovery against reading and counting, in turn:
//! `cargo run --release -p newword-benches --bin ratio -- FILE [ROUNDS] [THREADS]`.

use std::time::Instant;

use newword_core::corpus::{Alphabet, EncodedCorpus, FileSource, ReadOptions, encode, expand};
use newword_core::discovery::{DiscoverOptions, Method, discover};
use newword_core::ngram::{CountOptions, Neighbours, count};
use newword_core::support::{Context, MemoryBudget, Result};

/// What is measured, by name; returns how much it found.
type Work<'w> = (&'w str, &'w dyn Fn() -> Result<usize>);

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().unwrap_or_else(|| "corpus.txt".into());
    let mut number = || arguments.next().and_then(|number| number.parse::<usize>().ok());
    let (rounds, threads) = (number().unwrap_or(5), number());
    let inputs = expand([&file])?;
    // A job of its own for each, threads included, as a call from Python has.
    let read = || -> Result<(Context, EncodedCorpus)> {
        let context = Context::new(threads, MemoryBudget::share_of_available(), None)?;
        let source = Box::new(FileSource::new(inputs.clone(), ReadOptions::default()));
        let corpus = encode(source, &Alphabet::default(), &context)?;
        Ok((context, corpus))
    };
    // What the chain method counts: its own smallest count, and the neighbours of single symbols.
    let counting = || -> Result<usize> {
        let (context, corpus) = read()?;
        let chain = DiscoverOptions { method: Method::Chain, ..DiscoverOptions::default() };
        let settled = chain.settle(corpus.total())?;
        let (order, min_count) = (settled.order, settled.min_count);
        let neighbours = Neighbours::OfSingles;
        let table = count(&corpus, CountOptions { order, min_count, neighbours }, &context)?;
        Ok(table.level(1).len())
    };
    let discovering = |method: Method| -> Result<usize> {
        let (context, corpus) = read()?;
        let options = DiscoverOptions { method, ..DiscoverOptions::default() };
        Ok(discover(&corpus, &options, &context)?.words.len())
    };
    let works: [Work<'_>; 4] = [
        ("read", &|| read().map(|(_, corpus)| corpus.parts())),
        ("read + count", &counting),
        ("discover, chain", &|| discovering(Method::Chain)),
        ("discover, combined", &|| discovering(Method::Combined)),
    ];
    let mut least = [f64::INFINITY; 4];
    let mut found = [0; 4];
    for _ in 0..rounds {
        for ((least, found), (_, work)) in least.iter_mut().zip(&mut found).zip(&works) {
            let start = Instant::now();
            *found = work()?;
            *least = least.min(start.elapsed().as_secs_f64());
        }
    }
    for ((least_of, found), (name, _)) in least.iter().zip(found).zip(&works) {
        let ratio = least_of / least[1];
        println!("{name:<20} {:>8.1} ms {ratio:>6.2} x {found:>8}", least_of * 1e3);
    }
    Ok(())
}
