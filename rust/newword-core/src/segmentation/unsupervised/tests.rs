//! Training against the definitions, computed the slow way.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::corpus::{Alphabet, DocumentOptions, TextBatch, TextItems};
use crate::support::testing::job;

fn source(texts: &[&str]) -> Box<dyn TextSource> {
    let mut batches: Vec<TextBatch> =
        texts.iter().rev().map(|text| [*text].into_iter().collect()).collect();
    Box::new(TextItems::new(move |_: &Context| Ok(batches.pop()), DocumentOptions::default()))
}

fn trained(texts: &[&str], options: &UnsupervisedOptions) -> UnsupervisedSegmenter {
    train(source(texts), options, &job(2)).unwrap()
}

fn cut<'t>(segmenter: &UnsupervisedSegmenter, text: &'t str) -> Vec<&'t str> {
    segmenter.segment(text).into_iter().map(|range| &text[range]).collect()
}

/// What the formulas say of every n-gram of a text without numbers, one symbol a character.
struct Slow {
    counts: BTreeMap<String, u64>,
    total: f64,
    min_count: u64,
    longest: usize,
    method: UnsupervisedMethod,
}

fn length(word: &str) -> usize {
    word.chars().count()
}

/// A word less its first and less its last character.
fn ends(word: &str) -> (&str, &str) {
    let mut characters = word.chars();
    characters.next();
    let suffix = characters.as_str();
    let mut characters = word.chars();
    characters.next_back();
    (characters.as_str(), suffix)
}

impl Slow {
    fn new(text: &str, options: &UnsupervisedOptions) -> Self {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for run in text.split(['，', '\n']) {
            let run: Vec<char> = run.chars().collect();
            for n in 1..=options.max_length + 1 {
                for window in run.windows(n) {
                    *counts.entry(window.iter().collect()).or_default() += 1;
                }
            }
        }
        let total = counts.iter().filter(|(word, _)| length(word) == 1);
        let total = total.map(|(_, count)| *count as f64).sum();
        let UnsupervisedOptions { max_length: longest, method, .. } = *options;
        Self { counts, total, min_count: options.min_count.unwrap(), longest, method }
    }

    fn count(&self, word: &str) -> f64 {
        self.counts.get(word).map_or(0.0, |count| *count as f64)
    }

    fn kept(&self) -> impl Iterator<Item = &str> {
        let kept = |(word, count): &(&String, &u64)| {
            **count >= self.min_count && length(word) <= self.longest
        };
        self.counts.iter().filter(kept).map(|(word, _)| word.as_str())
    }

    /// The entropy of what `extended` makes of the word; a break is a neighbour of its own.
    fn entropy(&self, word: &str, extended: impl Fn(&str) -> bool) -> f64 {
        let count = self.count(word);
        let longer = self.counts.iter().filter(|(longer, _)| length(longer) == length(word) + 1);
        let known: Vec<f64> =
            longer.filter(|(longer, _)| extended(longer)).map(|(_, count)| *count as f64).collect();
        let breaks = count - known.iter().sum::<f64>();
        let term = |neighbour: f64| neighbour / count * (count / neighbour).ln();
        known.into_iter().map(term).sum::<f64>() + breaks / count * count.ln()
    }

    fn right(&self, word: &str) -> f64 {
        self.entropy(word, |longer| longer.starts_with(word))
    }

    fn left(&self, word: &str) -> f64 {
        self.entropy(word, |longer| longer.ends_with(word))
    }

    fn variation(&self, word: &str) -> f64 {
        let whole = self.right(word) + self.left(word);
        let (prefix, suffix) = ends(word);
        if prefix.is_empty() { whole } else { whole - self.right(prefix) - self.left(suffix) }
    }

    fn pmi(&self, word: &str) -> f64 {
        let cuts = word.char_indices().skip(1).map(|(at, _)| {
            let (left, right) = word.split_at(at);
            (self.total * self.count(word) / (self.count(left) * self.count(right))).ln()
        });
        cuts.fold(f64::INFINITY, f64::min)
    }

    /// All weights of re-estimation `pass`, given how often each word was used in the one before.
    fn weights(&self, pass: usize, used: &BTreeMap<String, u64>) -> BTreeMap<String, f64> {
        let variations: BTreeMap<&str, f64> =
            self.kept().map(|word| (word, self.variation(word))).collect();
        let mean = |n: usize| {
            let of_length: Vec<f64> =
                variations.iter().filter(|(word, _)| length(word) == n).map(|(_, v)| *v).collect();
            of_length.iter().sum::<f64>() / of_length.len() as f64
        };
        let means: Vec<f64> = (0..=self.longest).map(mean).collect();
        let weight = |word: &str, variation: f64| {
            let n = length(word);
            let autonomy = variation - means[n];
            let used = used.get(word).copied().unwrap_or(0) as f64;
            let ratio = ((used + 0.1) / (self.count(word) + 1.0)).ln();
            match (self.method, pass) {
                (UnsupervisedMethod::Autonomy, _) => autonomy * n as f64,
                (_, 0) if n == 1 => autonomy,
                (_, 0) => autonomy + 1.2 * self.pmi(word) + 6.0,
                _ if n == 1 => autonomy + 2.0 * ratio,
                _ => {
                    let ratio = if pass == 1 { 0.0 } else { 2.0 * ratio };
                    let long = 4.0 * n.saturating_sub(3) as f64;
                    autonomy + 0.6 * self.pmi(word) + 2.0 + ratio + long
                }
            }
        };
        let all = variations.iter();
        all.map(|(word, variation)| ((*word).to_owned(), weight(word, *variation))).collect()
    }

    /// What a word adds to a path, if it may be on one.
    fn worth(&self, word: &str, weights: &BTreeMap<String, f64>) -> Option<f64> {
        let unseen = match (length(word), self.method) {
            (1, _) => Some(0.0),
            (2, UnsupervisedMethod::Reestimated) => Some(-4.0),
            _ => None,
        };
        weights.get(word).copied().or(unseen)
    }

    /// The best sum over all ways to cut a run.
    fn best(&self, run: &str, weights: &BTreeMap<String, f64>) -> f64 {
        let ends = run.char_indices().map(|(at, c)| at + c.len_utf8());
        let ways = ends.filter_map(|end| {
            let (word, rest) = run.split_at(end);
            Some(self.worth(word, weights)? + self.best(rest, weights))
        });
        ways.reduce(f64::max).unwrap_or(0.0)
    }
}

fn used(segmenter: &UnsupervisedSegmenter) -> BTreeMap<String, u64> {
    segmenter.words().iter().map(|word| (word.text.clone(), word.count)).collect()
}

fn check(text: &str, unseen: &str, options: &UnsupervisedOptions) {
    let segmenter = trained(&[text], options);
    let before = match options.passes {
        0 => BTreeMap::new(),
        passes => {
            used(&trained(&[text], &UnsupervisedOptions { passes: passes - 1, ..options.clone() }))
        }
    };
    let slow = Slow::new(text, options);
    let weights = slow.weights(options.passes, &before);
    for word in segmenter.words() {
        let expected = weights[&word.text];
        assert!((word.weight - expected).abs() < 1e-4, "{word:?} should weigh {expected}");
    }
    let mut tally: BTreeMap<String, u64> = BTreeMap::new();
    for run in text.split(['，', '\n']) {
        for word in cut(&segmenter, run) {
            *tally.entry(word.to_owned()).or_default() += 1;
        }
    }
    for word in segmenter.words() {
        assert_eq!(word.count, tally.get(&word.text).copied().unwrap_or(0), "{word:?}");
    }
    for run in text.split(['，', '\n']).chain([unseen]) {
        let words = cut(&segmenter, run);
        let found: f64 = words.iter().map(|word| slow.worth(word, &weights).unwrap()).sum();
        let best = slow.best(run, &weights);
        assert!((found - best).abs() < 1e-3, "{words:?} weigh {found}, best is {best}");
    }
}

proptest! {
    #[test]
    fn weights_counts_and_paths_are_those_of_the_formulas(
        runs in prop::collection::vec("[天地玄黄\u{20000}]{1,9}", 1..12),
        unseen in "[天地玄黄宇宙]{0,9}",
        max_length in 1_usize..=5,
        passes in 0_usize..4,
        min_count in 1_u64..3,
        published in any::<bool>(),
    ) {
        let method = if published {
            UnsupervisedMethod::Autonomy
        } else {
            UnsupervisedMethod::Reestimated
        };
        let passes = if published { 0 } else { passes };
        let (min_count, alphabet) = (Some(min_count), Alphabet::default());
        let options = UnsupervisedOptions { max_length, method, passes, min_count, alphabet };
        let text = format!("{}，天天", runs.join("，"));
        check(&text, &unseen, &options);
    }
}

proptest! {
    /// The last segmentation of the combined method: the best of all that its words allow.
    #[test]
    fn long_words_outweigh_their_best_cut_by_their_lead(
        runs in prop::collection::vec("[天地玄黄\u{20000}]{1,9}", 1..12),
        order in 2_usize..4,
        lead in 0_i8..9,
    ) {
        check_conclusion(&format!("{}，天天", runs.join("，")), order, f64::from(lead) / 2.0);
    }
}

/// The words of a segmentation that are less than e^[`options::LEAD`] times likelier than their likeliest cut.
fn explained(
    slow: &Slow,
    all: &BTreeMap<String, f64>,
    used: &BTreeMap<String, u64>,
) -> BTreeSet<String> {
    let total: u64 = used.values().sum();
    let share = |word: &String| {
        let used = used.get(word).copied().unwrap_or(0).max(u64::from(length(word) == 1));
        (used as f64 / total as f64).ln()
    };
    let shares: BTreeMap<String, f64> =
        all.keys().map(|word| (word.clone(), share(word))).collect();
    let is_explained = |word: &&String| {
        let cuts = word.char_indices().skip(1).map(|(at, _)| {
            let (left, right) = word.split_at(at);
            slow.best(left, &shares) + shares[right]
        });
        cuts.fold(f64::NEG_INFINITY, f64::max) + options::LEAD > shares[*word]
    };
    used.keys().filter(is_explained).cloned().collect()
}

/// What outweighs its best cut by the margin, or must hide an unseen pair.
fn outweighing(slow: &Slow, weights: &BTreeMap<String, f64>) -> BTreeMap<String, f64> {
    let stays = |(word, weight): &(&String, &f64)| {
        let cuts = word.char_indices().skip(1).map(|(at, _)| {
            let (left, right) = word.split_at(at);
            slow.best(left, weights) + weights[right]
        });
        let cut = cuts.fold(f64::NEG_INFINITY, f64::max);
        **weight >= cut + options::MARGIN || length(word) == 2 && options::UNSEEN_PAIR >= cut
    };
    weights.iter().filter(stays).map(|(word, weight)| (word.clone(), *weight)).collect()
}

fn check_conclusion(text: &str, order: usize, lead: f64) {
    let (context, method) = (job(2), UnsupervisedMethod::Reestimated);
    let corpus = EncodedCorpus::from_texts([text], &Alphabet::default()).unwrap();
    let neighbours = Neighbours::OfAllNumbersAsOne;
    let asked = CountOptions { order, min_count: 1, neighbours };
    let table = count(&corpus, asked, &context).unwrap();
    let links = Links::new(&table, &context).unwrap();
    let cohesion = Cohesion::new(&table, &links, &context).unwrap();
    let mut model = Model::new(&table, &links, &cohesion, method, &context).unwrap();
    let corpus = Relabelled::new(&corpus);
    model.estimate(&corpus, 0, &context).unwrap();
    let spelled = |n: usize, row: usize| table.symbols.spell(table.level(n).row(row, n));
    let before: BTreeMap<String, u64> =
        model.used().map(|(n, row, count)| (spelled(n, row), count)).collect();
    let options = UnsupervisedOptions { max_length: order, ..UnsupervisedOptions::default() };
    let slow = Slow::new(text, &UnsupervisedOptions { min_count: Some(1), ..options });
    let mut weights = slow.weights(1, &before);
    let explained = explained(&slow, &weights, &before);
    let all_weights = weights.clone();
    let mut excluded = model.explained(options::LEAD, &context);
    for (n, excluded) in (1..).zip(&mut excluded) {
        for (row, excluded) in excluded.iter_mut().enumerate() {
            let word = spelled(n, row);
            assert_eq!(*excluded, explained.contains(&word), "{word} of {text}");
            *excluded |= n > 1 && word.starts_with('玄');
            if *excluded {
                weights.insert(word, f64::NEG_INFINITY);
            }
        }
    }
    let mut words = outweighing(&slow, &weights);
    // The start of every run that is long enough is a long word.
    let start = |run: &str| run.chars().take(order + 2).collect::<String>();
    let starts = text.split('，').map(start).filter(|start| length(start) > order);
    let mut long: Vec<String> = starts.collect();
    long.sort_unstable();
    long.dedup();
    let ids = |word: &String| {
        word.chars().map(|c| table.symbols.id(c.encode_utf8(&mut [0; 4])).unwrap()).collect()
    };
    let asked: Vec<LongWord> = long.iter().map(|word| LongWord { ids: ids(word), lead }).collect();
    let counts = model.conclude(&corpus, &asked, &excluded, &context).unwrap();
    words.extend(long.iter().map(|word| (word.clone(), slow.best(word, &all_weights) + lead)));
    let used = model
        .used()
        .map(|(n, row, count)| (spelled(n, row), count))
        .chain(long.into_iter().zip(counts));
    let (mut symbols, mut found) = (text.chars().filter(|c| *c != '，').count(), 0.0);
    for (word, count) in used {
        symbols -= length(&word) * usize::try_from(count).unwrap();
        found += words[&word] * count as f64;
    }
    // All single symbols are words, so what is left are unseen pairs.
    assert_eq!(symbols % 2, 0);
    found += options::UNSEEN_PAIR * (symbols / 2) as f64;
    let slow = Slow { longest: order + 2, ..slow };
    let best: f64 = text.split('，').map(|run| slow.best(run, &words)).sum();
    assert!((found - best).abs() < 1e-2, "{text}: {found} instead of {best}");
}

/// A few thousand runs in which some words come again and again.
fn made_up_text() -> String {
    let words = ["天地", "玄黄", "宇宙洪荒", "的", "在", "日月", "5%", "\u{20000}星", "ok"];
    let mut state = 1_u64;
    let mut next = |most: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(state >> 33).unwrap() % most
    };
    let mut text = String::new();
    for _ in 0..4000 {
        for _ in 0..=next(6) {
            text.push_str(words[next(words.len())]);
        }
        text.push(['，', '\n'][next(2)]);
    }
    text
}

#[test]
fn threads_and_the_cut_of_the_text_change_nothing() {
    let text = made_up_text();
    let options = UnsupervisedOptions::default();
    let one = train(source(&[&text]), &options, &job(1)).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let many = train(source(&lines), &options, &job(3)).unwrap();
    assert_eq!(one.words(), many.words());
    assert_eq!(cut(&one, "天地的日月在玄黄，9%"), ["天地", "的", "日月", "在", "玄黄", "，", "9%"]);
    let texts = [&text[..], "", "宇宙洪荒天地"];
    let found = one.segment_many(&texts, &job(3)).unwrap();
    for (text, ranges) in texts.iter().zip(found) {
        assert_eq!(ranges, many.segment(text));
    }
}

#[test]
fn rows_make_the_same_segmenter_again() {
    let segmenter = trained(&[&made_up_text()], &UnsupervisedOptions::default());
    let rows = segmenter.to_words();
    assert!(rows.is_sorted_by(|a, b| (b.2, &a.0) < (a.2, &b.0)));
    let options = SegmenterOptions { numbers: Numbers::Classed, ..SegmenterOptions::default() };
    let weights = rows.iter().map(|(word, weight, _)| (word, *weight));
    let again = Segmenter::from_weights(weights, segmenter.floor(), options).unwrap();
    for text in ["天地玄黄在5.5%的\u{20000}星", "未知的ok日月", "星宿列张"] {
        assert_eq!(again.segment(text), segmenter.segment(text), "{text}");
    }
}

#[test]
fn tokens_are_the_text_whatever_it_is_made_of() {
    let segmenter = trained(&[&made_up_text()], &UnsupervisedOptions::default());
    let texts = [
        "",
        "\n",
        " \u{3000}",
        "𠀀𠀁\u{2A700}\u{30000}〇々",
        "１２．５％天",
        "天\u{301}地\u{E0100}",
        "好👨\u{200D}👩\u{200D}👧👍🏽的",
        "ＡＢＣ天 abc-1:2/3",
        "١٢٣天",
        "\u{301}",
        "天地\0玄",
    ];
    for text in texts {
        assert_eq!(cut(&segmenter, text).concat(), text);
        trained(&[text, "天地"], &UnsupervisedOptions::default());
    }
    let long = "天地玄黄5%".repeat(50_000);
    let ranges = segmenter.segment(&long);
    assert!(ranges.is_sorted_by(|a, b| a.end == b.start));
    assert_eq!((ranges[0].start, ranges[ranges.len() - 1].end), (0, long.len()));
}

#[test]
fn numbers_are_alike_where_digits_are_units() {
    let text = "1998年3月，2001年4月，增3.5%，".repeat(9);
    let names = |options: &UnsupervisedOptions| -> Vec<String> {
        trained(&[&text], options).words().iter().map(|word| word.text.clone()).collect()
    };
    let digits = |name: &String| name.contains(|c: char| c.is_ascii_digit() && c != '0');
    assert!(!names(&UnsupervisedOptions::default()).iter().any(digits));
    let alphabet = Alphabet { digits: RunMode::Characters, ..Alphabet::default() };
    let options = UnsupervisedOptions { alphabet, ..UnsupervisedOptions::default() };
    assert!(names(&options).iter().any(digits));
}

#[test]
fn an_error_names_the_argument() {
    let fails = |texts: &[&str], change: &dyn Fn(&mut UnsupervisedOptions)| {
        let mut options = UnsupervisedOptions::default();
        change(&mut options);
        train(source(texts), &options, &job(1)).unwrap_err().to_string()
    };
    for wrong in [0, 8] {
        let message = fails(&["天地"], &|options| options.max_length = wrong);
        assert_eq!(message, format!("max_length: must be between 1 and 7, got {wrong}"));
    }
    assert!(fails(&["天"], &|options| options.passes = 101).starts_with("passes: "));
    assert!(fails(&["天"], &|options| options.min_count = Some(0)).starts_with("min_count: "));
    assert!(fails(&["天"], &|options| options.min_count = Some(2)).starts_with("min_count: "));
    assert!(fails(&["天地"], &|options| options.min_count = Some(2)).starts_with("min_count: "));
    assert!(fails(&[], &|_| {}).contains("no symbol"));
    assert!(fails(&["，。\n", ""], &|_| {}).contains("no symbol"));
    let stopped = job(1);
    stopped.cancel();
    let outcome = train(source(&["天地"]), &UnsupervisedOptions::default(), &stopped);
    assert!(matches!(outcome, Err(Error::Cancelled)));
}
