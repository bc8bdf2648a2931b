//! A slow reference implementation of the segmenter, for tests.

use std::collections::BTreeMap;
use std::ops::Range;

use proptest::prelude::*;

use super::cuts::Cut;
use super::labels::is_one_han;
use super::options::{Numbers, SegmenterOptions};
use super::segmenter::{Segmenter, single};
use super::tokens::{Kind, Tokens};
use crate::corpus::{Alphabet, is_ignorable};
use crate::support::{Context, MemoryBudget};

/// A token as the search sees it.
struct Seen {
    name: String,
    range: Range<usize>,
    kind: Kind,
    pairs: bool,
    is_run: bool,
    /// Whether it ends in a sign of hundredths.
    signed: bool,
}

/// Words by the names of their tokens.
struct Slow<'o> {
    weights: BTreeMap<Vec<String>, f32>,
    single: f32,
    pair: f32,
    options: &'o SegmenterOptions,
}

impl<'o> Slow<'o> {
    fn new(words: &[(String, u64)], options: &'o SegmenterOptions) -> Self {
        let total = words.iter().map(|(_, count)| (*count).max(1) as f64).sum::<f64>().max(1.0);
        let mut slow = Self {
            weights: BTreeMap::new(),
            single: single(-total.ln()),
            pair: single((options.unknown_pair / total).ln()),
            options,
        };
        let mut sums: BTreeMap<Vec<String>, f64> = BTreeMap::new();
        for (word, count) in words {
            let names = slow.tokens(word).into_iter().map(|token| token.name).collect();
            *sums.entry(names).or_default() += (*count).max(1) as f64;
        }
        slow.weights =
            sums.into_iter().map(|(names, sum)| (names, single((sum / total).ln()))).collect();
        slow
    }

    fn tokens(&self, text: &str) -> Vec<Seen> {
        let Self { options, .. } = self;
        let tokens = Tokens::new(text, &options.alphabet, options.numbers);
        let seen = tokens.map(|token| {
            let (range, kind) = (token.start..token.end, token.kind);
            let classed = kind == Kind::Number && options.numbers == Numbers::Classed;
            let is_symbol = matches!(kind, Kind::Symbol | Kind::Number);
            let shown: String =
                text[range.clone()].chars().filter(|c| !(is_symbol && is_ignorable(*c))).collect();
            let folded = options.alphabet.fold(&shown);
            let name = if classed { "0".to_owned() } else { folded.into_owned() };
            let is_known = self.weights.keys().flatten().any(|known| *known == name);
            let is_run = match kind {
                Kind::Number => true,
                Kind::Symbol => {
                    let twice: String =
                        text[range.clone()].chars().take(1).cycle().take(2).collect();
                    options.alphabet.units(&twice).count() == 1
                }
                Kind::Address | Kind::Mark => false,
            };
            let pairs = if is_known {
                is_one_han(&name)
            } else {
                kind == Kind::Symbol && is_one_han(&text[range.clone()])
            };
            let kind = if is_known { Kind::Symbol } else { kind };
            let signed = text[range.clone()].ends_with(['%', '％', '‰']);
            Seen { name, range, kind, pairs, is_run, signed }
        });
        seen.collect()
    }

    /// What a run weighs as one word.
    fn weight(&self, run: &[Seen]) -> Option<f32> {
        let names: Vec<String> = run.iter().map(|token| token.name.clone()).collect();
        let unknown = match run {
            [_] => Some(self.single),
            [first, second] if first.pairs && second.pairs => Some(self.pair),
            _ => None,
        };
        self.weights.get(&names).copied().or(unknown)
    }

    fn cut_run(&self, run: &[Seen], words: &mut Vec<Range<usize>>) {
        let longest = self.weights.keys().map(Vec::len).max().unwrap_or(0).max(2);
        let mut best = vec![f64::NEG_INFINITY; run.len() + 1];
        let mut last = vec![0; run.len() + 1];
        best[0] = 0.0;
        for start in 0..run.len() {
            for end in start + 1..=run.len().min(start + longest) {
                let Some(weight) = self.weight(&run[start..end]) else { continue };
                let total = best[start] + f64::from(weight);
                if total > best[end] {
                    (best[end], last[end]) = (total, start);
                }
            }
        }
        let (mut end, mut reversed) = (run.len(), Vec::new());
        while end > 0 {
            reversed.push(&run[last[end]..end]);
            end = last[end];
        }
        let mut before: &[Seen] = &[];
        for word in reversed.into_iter().rev() {
            let end = word[word.len() - 1].range.end;
            match words.last_mut() {
                Some(last) if touch(before, word) => last.end = end,
                _ => words.push(word[0].range.start..end),
            }
            before = word;
        }
    }

    fn segment(&self, text: &str) -> Vec<Range<usize>> {
        let mut words = Vec::new();
        for run in self.tokens(text).chunk_by(|a, b| [a, b].iter().all(|t| t.kind != Kind::Mark)) {
            self.cut_run(run, &mut words);
        }
        words
    }
}

/// Whether two words in a row are a run each, the first without a sign at its end.
fn touch(before: &[Seen], word: &[Seen]) -> bool {
    let ([before], [word]) = (before, word) else { return false };
    before.is_run && word.is_run && !before.signed
}

fn options() -> impl Strategy<Value = SegmenterOptions> {
    let numbers = prop_oneof![Just(Numbers::Runs), Just(Numbers::Joined), Just(Numbers::Classed)];
    (any::<bool>(), numbers, prop_oneof![Just(0.0), Just(0.03), Just(2.0)]).prop_map(
        |(nfkc, numbers, unknown_pair)| {
            let alphabet = Alphabet { nfkc, ..Alphabet::default() };
            SegmenterOptions { alphabet, numbers, unknown_pair }
        },
    )
}

proptest! {
    #[test]
    fn the_fast_one_cuts_as_the_slow_one(
        words in prop::collection::vec(
            ("http://t\\.cn|a@1\\.cn天|1\\.com|[天地人和a１Ａ1+，\u{200b}\u{301}\u{8c48}\u{f900}\u{2f00}一\u{20000}]{1,5}", 0_u64..50), 0..12),
        texts in prop::collection::vec(
            ("([天地人和一]{0,9}|http://t\\.cn|[a1]{1,3}(@1\\.cn|\\.com)|[天aＡ1１，。.%+ \u{200b}\u{200d}\u{ad}\u{301}\u{fe0f}\u{8c48}\u{f900}\u{2f00}\u{20000}😀\u{4dc0}\u{9fff}]|\\PC){0,30}", 1_usize..3),
            0..5),
        options in options(),
    ) {
        let slow = Slow::new(&words, &options);
        let fast = Segmenter::new(words.clone(), options.clone()).unwrap();
        let context = Context::new(Some(2), MemoryBudget::new(MemoryBudget::LEAST).unwrap(), None);
        let texts: Vec<String> = texts.into_iter().map(|(text, times)| text.repeat(times)).collect();
        let many = fast.segment_many(&texts, &context.unwrap()).unwrap();
        let mut by_id: BTreeMap<u32, &str> = BTreeMap::new();
        for (text, ranges) in texts.iter().zip(many) {
            prop_assert_eq!(&ranges, &slow.segment(text));
            let cuts: Vec<Cut> = fast.cut(text, || Ok::<_, ()>(())).unwrap();
            for (cut, range) in cuts.iter().zip(ranges) {
                prop_assert_eq!(cut.end, range.end);
                let word = &text[range];
                if cut.id == Cut::NAMELESS {
                    let han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
                    let listed = words.iter().any(|(listed, _)| listed == word);
                    prop_assert!(!(listed && word.chars().all(han)));
                } else {
                    prop_assert!((cut.id as usize) < fast.ids());
                    prop_assert_eq!(*by_id.entry(cut.id).or_insert(word), word);
                }
            }
        }
    }
}

#[test]
fn long_texts_agree_too() {
    let words = [("天地", 3), ("天地人和", 4), ("地人", 9), ("𠀀a", 2), ("C++", 2), ("人", 1)];
    let words = words.map(|(word, count)| (word.to_owned(), count));
    let options = SegmenterOptions::default();
    let slow = Slow::new(&words, &options);
    let fast = Segmenter::new(words.clone(), options.clone()).unwrap();
    // Marks fall before, on and behind the place where a search is solved; and there are none.
    for piece in ["天地人和，", "人地天，天地人和地人C++𠀀a。x 1", "天地人和地"]
    {
        let text = piece.repeat(1500);
        assert_eq!(fast.segment(&text), slow.segment(&text));
    }
}
