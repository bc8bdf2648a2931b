//! `counts="kenlm"` against lexicons that the published script printed.
//!
//! The data is not part of the repository: set `NEWWORD_DATA` to the folder that holds it.
#![allow(clippy::unwrap_used)] // A helper of a test fails as the test does.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::time::Instant;

use newword_core::discovery::kenlm::{KenlmCorpus, KenlmOptions, discover_kenlm};
use newword_core::support::{Context, MemoryBudget};

/// A published lexicon: `word count` a line, where the word may itself be white space or nothing.
fn read_golden(path: &Path) -> Vec<(String, u64)> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut words: Vec<(String, u64)> = Vec::new();
    let mut carried = String::new();
    for line in text.strip_suffix('\n').unwrap_or(&text).split('\n') {
        match line.rsplit_once(' ') {
            Some((word, count)) => {
                words.push((std::mem::take(&mut carried) + word, count.parse().unwrap()));
            }
            None => carried.push('\n'),
        }
    }
    words.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    words
}

#[test]
fn the_published_lexicons_come_out_word_for_word() {
    let Some(data) = std::env::var_os("NEWWORD_DATA") else {
        println!("skipped: NEWWORD_DATA is not set");
        return;
    };
    let data = Path::new(&data);
    for (min_count, memory) in [(32, "2GB"), (8, "100MB"), (4, "64MiB")] {
        let context = Context::new(None, memory.parse::<MemoryBudget>().unwrap(), None).unwrap();
        let started = Instant::now();
        let file = std::fs::File::open(data.join("raw/xwlb_news.txt")).unwrap();
        let mut corpus = KenlmCorpus::default();
        for line in BufReader::new(file).lines() {
            corpus.push(&line.unwrap());
        }
        let options = KenlmOptions { min_count, whitespace: true, ..KenlmOptions::default() };
        let discovery = discover_kenlm(&corpus, &options, &context).unwrap();
        println!("min_count {min_count}: {:?}", started.elapsed());
        let found: Vec<(String, u64)> =
            discovery.words.into_iter().map(|word| (word.text, word.count)).collect();
        let golden =
            read_golden(&data.join(format!("golden/xwlb_news.order4.min{min_count}.vocab")));
        assert_eq!(found.len(), golden.len(), "min_count {min_count}");
        for (ours, theirs) in found.iter().zip(&golden) {
            assert_eq!(ours, theirs, "min_count {min_count}");
        }
    }
}
