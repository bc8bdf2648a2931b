//! How well segmenters trained on raw news agree with annotated text, and how fast they are.
//!
//! The data is not part of the repository: set `NEWWORD_DATA` to the folder that holds it. F1 is that
//! of the bakeoffs: a word is right where both its ends are. The constants of the re-estimated method
//! were tuned on the first fifth of the lines of People's Daily; what is asserted is the rest.

#![allow(clippy::unwrap_used)] // Helpers of a test are part of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

use newword_core::corpus::{FileSource, ReadOptions, expand};
use newword_core::segmentation::unsupervised::{
    UnsupervisedMethod, UnsupervisedOptions, UnsupervisedSegmenter, train,
};
use newword_core::support::{Context, MemoryBudget};

type Lines = Vec<Vec<String>>;

fn data() -> Option<PathBuf> {
    let data = std::env::var_os("NEWWORD_DATA").map(PathBuf::from);
    if data.is_none() {
        println!("skipped: NEWWORD_DATA is not set");
    }
    data
}

fn job() -> Context {
    Context::new(Some(2), "4GB".parse::<MemoryBudget>().unwrap(), None).unwrap()
}

/// Lines of words separated by spaces.
fn people_daily(data: &Path) -> Lines {
    let text = std::fs::read_to_string(data.join("cws/people_daily_1998_01.seg.txt")).unwrap();
    text.lines().map(|line| line.split_whitespace().map(str::to_owned).collect()).collect()
}

/// The sentences of the treebank: a word a line in the second column.
fn treebank(data: &Path) -> Lines {
    let mut lines = vec![Vec::new()];
    for part in ["train", "dev", "test"] {
        let path = data.join(format!("cws/ud_gsd_{part}.conll"));
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let word = line.split('\t').nth(1).filter(|_| !line.starts_with('#'));
            match (word, lines.last_mut()) {
                (Some(word), Some(last)) => last.push(word.split_whitespace().collect()),
                (None, Some(last)) if !last.is_empty() => lines.push(Vec::new()),
                _ => {}
            }
        }
    }
    lines
}

/// Words right, found and annotated.
#[derive(Clone, Copy, Default)]
struct Score([usize; 3]);

impl Score {
    fn of(segmenter: &UnsupervisedSegmenter, gold: &[Vec<String>], context: &Context) -> Self {
        let texts: Vec<String> = gold.iter().map(|words| words.concat()).collect();
        let found = segmenter.segment_many(&texts, context).unwrap();
        let mut score = Self::default();
        for (ranges, words) in found.iter().zip(gold) {
            let mut at = 0;
            let ends = words.iter().map(|word| {
                at += word.len();
                (at - word.len(), at)
            });
            let gold: BTreeSet<(usize, usize)> = ends.collect();
            let right = ranges.iter().filter(|range| gold.contains(&(range.start, range.end)));
            let one = Self([right.count(), ranges.len(), words.len()]);
            score = score.plus(one);
        }
        score
    }

    fn plus(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| self.0[at] + other.0[at]))
    }

    fn f1(self) -> f64 {
        2.0 * self.0[0] as f64 / (self.0[1] + self.0[2]) as f64
    }
}

/// Trains on `name`, prints all figures, and returns F1 on the lines that nothing was tuned on.
fn measure(data: &Path, name: &str, options: &UnsupervisedOptions) -> f64 {
    let context = job();
    let path = data.join("raw").join(name);
    let megabytes = std::fs::metadata(&path).unwrap().len() as f64 / 1e6;
    let inputs = expand([path.to_str().unwrap()]).unwrap();
    let started = Instant::now();
    let source = Box::new(FileSource::new(inputs, ReadOptions::default()));
    let segmenter = train(source, options, &context).unwrap();
    let trained = started.elapsed().as_secs_f64();
    let (daily, other) = (people_daily(data), treebank(data));
    let (dev, held) = daily.split_at(daily.len() / 5);
    let [dev, held, other] = [dev, held, &other].map(|gold| Score::of(&segmenter, gold, &context));
    println!(
        "{name} {:?}: dev {:.4}, rest {:.4}, all {:.4}, treebank {:.4}; {} words; trained in {trained:.1} s, {:.1} MB/s",
        options.method,
        dev.f1(),
        held.f1(),
        dev.plus(held).f1(),
        other.f1(),
        segmenter.words().len(),
        megabytes / trained
    );
    let text = std::fs::read_to_string(data.join("raw/xwlb_news.txt")).unwrap();
    let started = Instant::now();
    let words: usize = text.lines().map(|line| segmenter.segment(line).len()).sum();
    let speed = text.len() as f64 / 1e6 / started.elapsed().as_secs_f64();
    println!("  {words} words of news segmented on one thread at {speed:.1} MB/s");
    held.f1()
}

#[test]
fn news_teaches_how_to_cut_annotated_text() {
    let Some(data) = data() else { return };
    let options = UnsupervisedOptions::default();
    let f1 = measure(&data, "xwlb_news.txt", &options);
    assert!(f1 >= 0.80, "re-estimated: {f1}");
    let options = UnsupervisedOptions { method: UnsupervisedMethod::Autonomy, ..options };
    let f1 = measure(&data, "xwlb_news.txt", &options);
    assert!(f1 >= 0.70, "autonomy as published: {f1}");
}
