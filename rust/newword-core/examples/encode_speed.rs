//! How fast text held in memory is scanned and encoded: `encode_speed FILE [THREADS]`, in MB/s.

use std::time::Instant;

use newword_core::corpus::{Alphabet, Block, ReadReport, TextSource, encode};
use newword_core::support::{Context, MemoryBudget, Result};

/// A text cut at line ends into blocks beforehand.
struct Blocks(std::vec::IntoIter<Block>);

impl Blocks {
    fn of(text: &str) -> Self {
        let mut blocks = vec![Block::default()];
        for line in text.split_inclusive('\n') {
            if blocks.last().is_none_or(|block| block.text.len() > 2_000_000) {
                blocks.push(Block::default());
            }
            if let Some(last) = blocks.last_mut() {
                last.text.push_str(line);
            }
        }
        Self(blocks.into_iter())
    }
}

impl TextSource for Blocks {
    fn next_block(&mut self, _: &Context) -> Result<Option<Block>> {
        Ok(self.0.next())
    }

    fn total_bytes(&self) -> u64 {
        0
    }

    fn report(&self) -> ReadReport {
        ReadReport::default()
    }
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("usage: encode_speed FILE [THREADS]")?;
    let threads: usize = arguments.next().map_or(Ok(1), |threads| threads.parse())?;
    let text = std::fs::read_to_string(path)?;
    let context = Context::new(Some(threads), MemoryBudget::share_of_available(), None)?;
    let alphabet = Alphabet::default();
    let start = Instant::now();
    alphabet.units("").count();
    println!("table of characters built in {:?}", start.elapsed());
    for _ in 0..4 {
        let start = Instant::now();
        let units = alphabet.units(&text).count();
        let scanned = start.elapsed().as_secs_f64();
        let source = Box::new(Blocks::of(&text));
        let start = Instant::now();
        let corpus = encode(source, &alphabet, &context)?;
        let encoded = start.elapsed().as_secs_f64();
        let megabytes = text.len() as f64 / 1e6;
        println!(
            "{units} units, {} symbols, {} distinct: scan {:.0} MB/s, scan and encode {:.0} MB/s",
            corpus.total(),
            corpus.symbols().len(),
            megabytes / scanned,
            megabytes / encoded
        );
    }
    Ok(())
}
