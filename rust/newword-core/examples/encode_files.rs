//! How fast files are read and encoded: `encode_files THREADS MEMORY PATHS...`.

use std::time::Instant;

use newword_core::corpus::{Alphabet, FileSource, ReadOptions, encode, expand};
use newword_core::support::{Context, MemoryBudget};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let threads: usize = arguments.next().unwrap_or_default().parse()?;
    let memory: MemoryBudget = arguments.next().unwrap_or_default().parse()?;
    let paths: Vec<String> = arguments.collect();
    let context = Context::new(Some(threads), memory, None)?;
    for _ in 0..3 {
        let start = Instant::now();
        let source = FileSource::new(expand(&paths)?, ReadOptions::default());
        let corpus = encode(Box::new(source), &Alphabet::default(), &context)?;
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{:?}: {} symbols, {} distinct, {} parts, {} bytes held: {:.0} MB/s",
            corpus.report(),
            corpus.total(),
            corpus.symbols().len(),
            corpus.parts(),
            corpus.resident_bytes(),
            corpus.report().bytes as f64 / 1e6 / seconds
        );
    }
    Ok(())
}
