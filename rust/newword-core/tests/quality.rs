//! How well lexicons of real news cut annotated text, and how fast.
//!
//! The data is not part of the repository: set `NEWWORD_DATA` to the folder that holds it. F1 is
//! that of the bakeoffs: a word is right where both its ends are.
#![allow(clippy::unwrap_used)] // A helper of a test fails as the test does.

use std::path::{Path, PathBuf};
use std::time::Instant;

use newword_core::corpus::{Alphabet, EncodedCorpus};
use newword_core::discovery::{DiscoverOptions, Discovery, discover};
use newword_core::segmentation::{Numbers, Segmenter, SegmenterOptions};
use newword_core::support::{Context, MemoryBudget};

fn data() -> Option<PathBuf> {
    let data = std::env::var_os("NEWWORD_DATA").map(PathBuf::from);
    if data.is_none() {
        println!("skipped: NEWWORD_DATA is not set");
    }
    data
}

fn job() -> Context {
    Context::new(None, "4GB".parse::<MemoryBudget>().unwrap(), None).unwrap()
}

/// Lines of words separated by spaces.
fn gold(data: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(data.join("cws/people_daily_1998_01.seg.txt")).unwrap();
    text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

/// The ends of words in bytes.
fn spans<'w>(words: impl Iterator<Item = &'w str>) -> Vec<(usize, usize)> {
    let mut at = 0;
    let span = |word: &str| {
        at += word.len();
        (at - word.len(), at)
    };
    words.map(span).collect()
}

fn f1(segmenter: &Segmenter, gold: &[Vec<String>], context: &Context) -> f64 {
    let texts: Vec<String> = gold.iter().map(|words| words.concat()).collect();
    let started = Instant::now();
    let found = segmenter.segment_many(&texts, context).unwrap();
    let took = started.elapsed();
    let [mut right, mut ours, mut theirs] = [0; 3];
    for (ranges, words) in found.iter().zip(gold) {
        let gold = spans(words.iter().map(String::as_str));
        let same =
            ranges.iter().filter(|range| gold.binary_search(&(range.start, range.end)).is_ok());
        right += same.count();
        ours += ranges.len();
        theirs += gold.len();
    }
    let bytes: usize = texts.iter().map(String::len).sum();
    println!("  segmented at {:.0} MB/s", bytes as f64 / 1e6 / took.as_secs_f64());
    2.0 * right as f64 / (ours + theirs) as f64
}

fn news(data: &Path) -> (EncodedCorpus, usize) {
    let text = std::fs::read_to_string(data.join("raw/xwlb_news.txt")).unwrap();
    (EncodedCorpus::from_texts(text.lines(), &Alphabet::default()).unwrap(), text.len())
}

fn options(numbers: Numbers, unknown_pair: f64) -> SegmenterOptions {
    let alphabet = Alphabet { nfkc: true, ..Alphabet::default() };
    SegmenterOptions { alphabet, numbers, unknown_pair }
}

fn of(discovery: &Discovery, unknown_pair: f64) -> Segmenter {
    let words = discovery.words.iter().map(|word| (&word.text, word.count));
    Segmenter::new(words, options(Numbers::Joined, unknown_pair)).unwrap()
}

#[test]
fn a_lexicon_of_news_cuts_annotated_text() {
    let Some(data) = data() else { return };
    let (gold, context) = (gold(&data), job());
    let (corpus, bytes) = news(&data);
    for (name, change, least) in [
        ("default", DiscoverOptions::default(), 0.755),
        ("no recount", DiscoverOptions { recount: false, ..DiscoverOptions::default() }, 0.755),
        (
            "no long words",
            DiscoverOptions { long_words: false, ..DiscoverOptions::default() },
            0.755,
        ),
    ] {
        let started = Instant::now();
        let found = discover(&corpus, &change, &context).unwrap();
        let speed = bytes as f64 / 1e6 / started.elapsed().as_secs_f64();
        let (on, off) =
            (f1(&of(&found, 0.03), &gold, &context), f1(&of(&found, 0.0), &gold, &context));
        println!(
            "{name}: F1 {on:.4}, without pairs {off:.4}, {speed:.0} MB/s, {:?}",
            found.summary
        );
        assert!(on >= least, "{name}: F1 {on:.4}");
    }
}
