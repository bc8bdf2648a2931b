//! Discovery against a slow twin of its definition, and the rules that all methods share.
#![allow(clippy::unwrap_used)] // A helper of a test fails as the test does.

use std::collections::{BTreeMap, BTreeSet};

use newword_core::corpus::{Alphabet, EncodedCorpus};
use newword_core::discovery::{DiscoverOptions, Discovery, Method, SortBy, discover, score_table};
use newword_core::ngram::{CountOptions, Neighbours, count};
use newword_core::support::{Context, MemoryBudget};
use proptest::prelude::*;

type Gram = Vec<char>;

fn job(threads: usize) -> Context {
    Context::new(Some(threads), MemoryBudget::new(MemoryBudget::LEAST).unwrap(), None).unwrap()
}

fn encode<S: AsRef<str>>(texts: &[S]) -> EncodedCorpus {
    EncodedCorpus::from_texts(texts.iter().map(AsRef::as_ref), &Alphabet::default()).unwrap()
}

/// The chain method with its defaults.
fn chain() -> DiscoverOptions {
    DiscoverOptions { method: Method::Chain, ..DiscoverOptions::default() }
}

fn run<S: AsRef<str>>(texts: &[S], options: &DiscoverOptions) -> Discovery {
    discover(&encode(texts), options, &job(2)).unwrap()
}

fn counted(found: &Discovery) -> BTreeMap<String, u64> {
    found.words.iter().map(|word| (word.text.clone(), word.count)).collect()
}

/// The definition of the chain method over runs of single characters.
struct Twin {
    runs: Vec<Gram>,
    counts: BTreeMap<Gram, u64>,
    total: u64,
    strong: BTreeSet<Gram>,
}

impl Twin {
    fn new(texts: &[String], min_count: u64, min_pmi: &[f64]) -> Self {
        let runs: Vec<Gram> = texts
            .iter()
            .flat_map(|text| text.split('，'))
            .map(|run| run.chars().collect())
            .collect();
        let mut counts = BTreeMap::new();
        for run in &runs {
            for n in 1..=4 {
                for gram in run.windows(n) {
                    *counts.entry(gram.to_vec()).or_insert(0) += 1;
                }
            }
        }
        let total = runs.iter().map(|run| run.len() as u64).sum();
        let mut twin = Self { runs, counts, total, strong: BTreeSet::new() };
        let solid = |(gram, count): &(&Gram, &u64)| {
            gram.len() > 1 && **count >= min_count && twin.pmi(gram) >= min_pmi[gram.len() - 2]
        };
        twin.strong = twin.counts.iter().filter(solid).map(|(gram, _)| gram.clone()).collect();
        twin
    }

    fn pmi(&self, gram: &[char]) -> f64 {
        let at_cut = |cut: usize| {
            let (left, right) = gram.split_at(cut);
            let halves = self.counts[left] as f64 * self.counts[right] as f64;
            (self.total as f64 * self.counts[gram] as f64 / halves).ln()
        };
        (1..gram.len()).map(at_cut).fold(f64::INFINITY, f64::min)
    }

    fn chains(&self) -> BTreeMap<Gram, u64> {
        let mut chains = BTreeMap::new();
        for run in &self.runs {
            let covered = |boundary: usize| {
                (0..boundary).any(|start| {
                    (boundary + 1..=run.len()).any(|end| self.strong.contains(&run[start..end]))
                })
            };
            let mut start = 0;
            for end in 1..=run.len() {
                if end == run.len() || !covered(end) {
                    *chains.entry(run[start..end].to_vec()).or_insert(0) += 1;
                    start = end;
                }
            }
        }
        chains
    }

    fn is_solid(&self, word: &[char]) -> bool {
        word.len() == 1
            || word.windows(word.len().min(4)).all(|window| self.strong.contains(window))
    }

    fn words(&self, min_count: u64, recount: bool) -> BTreeMap<String, u64> {
        let mut words = self.chains();
        words.retain(|word, count| word.len() == 1 || (*count >= min_count && self.is_solid(word)));
        if recount {
            let total: u64 = words.values().sum::<u64>().max(1);
            let mut anew = BTreeMap::new();
            for run in &self.runs {
                for word in best_path(run, &words, total as f64) {
                    if words.contains_key(&word) || word.len() == 1 {
                        *anew.entry(word).or_insert(0) += 1;
                    }
                }
            }
            words = anew;
        }
        words.retain(|_, count| *count >= min_count);
        words.into_iter().map(|(word, count)| (word.into_iter().collect(), count)).collect()
    }
}

/// The most probable words of a run; weights are rounded as the lexicon's are.
fn best_path(run: &[char], words: &BTreeMap<Gram, u64>, total: f64) -> Vec<Gram> {
    let weight = |word: &[char]| {
        let count = match (words.get(word), word.len()) {
            (Some(count), _) => *count as f64,
            (None, 1) => 1.0,
            (None, 2) => 0.03,
            _ => return None,
        };
        #[allow(clippy::cast_possible_truncation)] // Rounding is the purpose.
        Some(f64::from((count / total).ln() as f32))
    };
    let mut best = vec![(f64::NEG_INFINITY, 0); run.len() + 1];
    best[0].0 = 0.0;
    for start in 0..run.len() {
        for end in start + 1..=run.len() {
            if let Some(weight) = weight(&run[start..end])
                && best[start].0 + weight > best[end].0
            {
                best[end] = (best[start].0 + weight, start);
            }
        }
    }
    let (mut path, mut end) = (Vec::new(), run.len());
    while end > 0 {
        path.push(run[best[end].1..end].to_vec());
        end = best[end].1;
    }
    path
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("((天地|天地人|人和|日月星辰|[天地人和日月])，?){0,12}", 1..12)
}

proptest! {
    // An integration test has no source file that failures could be kept beside.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_chain_method_is_its_definition(
        texts in texts(),
        min_count in 1_u64..4,
        min_pmi in prop::array::uniform3(0.0..2.5),
        recount in any::<bool>(),
    ) {
        let total: usize = texts.iter().map(|text| text.replace('，', "").chars().count()).sum();
        prop_assume!(total as u64 >= min_count);
        let twin = Twin::new(&texts, min_count, &min_pmi);
        let options = DiscoverOptions {
            min_count: Some(min_count),
            min_pmi: Some(min_pmi.to_vec()),
            min_entropy: Some(0.0),
            recount,
            rejected: usize::MAX,
            ..chain()
        };
        let found = run(&texts, &options);
        prop_assert_eq!(counted(&found), twin.words(min_count, recount));
        for word in found.words.iter().filter(|word| (2..=4).contains(&word.length)) {
            let gram: Gram = word.text.chars().collect();
            prop_assert!((word.pmi - twin.pmi(&gram)).abs() < 1e-12);
        }
        let one_thread = discover(&encode(&texts), &options, &job(1)).unwrap();
        prop_assert_eq!(format!("{:?}", &one_thread), format!("{:?}", &found));
        // Nothing is both a word and rejected.
        let words = counted(&found);
        prop_assert!(found.rejected.iter().all(|rejected| !words.contains_key(&rejected.text)));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 48, ..ProptestConfig::default() })]
    /// Neighbours are looked up for the words alone, or counted for all n-grams where rejected
    /// candidates are asked for: to the last bit the same.
    #[test]
    fn reasons_for_rejections_do_not_change_the_words(
        texts in texts(),
        min_count in 1_u64..4,
        method in prop::sample::select(vec![Method::Combined, Method::Chain, Method::Bigram]),
    ) {
        let options = DiscoverOptions {
            method,
            min_count: Some(min_count),
            min_entropy: Some(0.3),
            ..DiscoverOptions::default()
        };
        let corpus = encode(&texts);
        prop_assume!(corpus.total() >= min_count);
        let words = |rejected| {
            let options = DiscoverOptions { rejected, ..options.clone() };
            // As text, in which NaN is NaN and every other number has its own digits.
            format!("{:?}", discover(&corpus, &options, &job(2)).unwrap().words)
        };
        prop_assert_eq!(words(0), words(5));
    }

    #[test]
    fn no_candidate_is_told_of_twice(
        texts in texts(),
        min_count in 1_u64..4,
        method in prop::sample::select(vec![
            Method::Combined, Method::Chain, Method::Bigram, Method::Entropy, Method::Autonomy,
        ]),
    ) {
        let (min_count, rejected) = (Some(min_count), usize::MAX);
        let options = DiscoverOptions { method, min_count, rejected, ..DiscoverOptions::default() };
        prop_assume!(encode(&texts).total() >= min_count.unwrap_or(0));
        assert_told_once(&run(&texts, &options));
    }
}

fn assert_told_once(found: &Discovery) {
    let mut told = BTreeSet::new();
    let words = found.words.iter().map(|word| &word.text);
    for text in words.chain(found.rejected.iter().map(|rejected| &rejected.text)) {
        assert!(told.insert(text), "{text} twice");
    }
}

/// A chain that fails backtracking in the cut for n-grams, and passes in that for long words.
#[test]
fn a_long_word_is_not_rejected_too() {
    let mut random = 1_u32;
    let mut filler = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from_u32(0x5000 + (random >> 8) % 9973).unwrap()
    };
    let mut stretch = |length| (0..length).map(|_| filler()).collect::<String>();
    let mut texts: Vec<String> = Vec::new();
    for at in 0..150 {
        // 甲乙丙丁戊 20 times and 乙丙丁 150 times in 100,000 symbols: a cohesion of 6.5 nats.
        let word = if at < 20 { "甲乙丙丁戊" } else { "乙丙丁" };
        texts.push(stretch(333) + word + &stretch(333));
    }
    let found = run(&texts, &DiscoverOptions { rejected: usize::MAX, ..chain() });
    assert!(counted(&found).contains_key("甲乙丙丁戊"));
    assert_told_once(&found);
    assert_eq!(found.summary.false_segments, 20);
}

/// Words in varied surroundings, so that they are solid and free at both sides.
fn sample() -> Vec<String> {
    let around: Vec<char> = "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉".chars().collect();
    let mut texts = Vec::new();
    for (at, left) in around.iter().enumerate() {
        let right = around[(at * 7 + 3) % around.len()];
        for word in ["葡萄", "蝴蝶", "的葡萄", "哈萨克斯坦"] {
            texts.push(format!("{left}{word}{right}"));
        }
    }
    texts
}

fn reason(found: &Discovery, text: &str) -> String {
    let rejected = found.rejected.iter().find(|rejected| rejected.text == text);
    rejected.map_or_else(|| "none".to_owned(), |rejected| rejected.reason.to_string())
}

#[test]
fn rejected_candidates_have_reasons() {
    let mut options = DiscoverOptions {
        min_count: Some(5),
        min_pmi: Some(vec![1.0, 2.0, 2.5]),
        drop_known: true,
        max_length: Some(4),
        min_length: 2,
        rejected: 10_000,
        ..chain()
    };
    options.known.insert("蝴蝶".to_owned());
    options.edge_stops.insert('的');
    let found = run(&sample(), &options);
    assert_eq!(counted(&found).keys().collect::<Vec<_>>(), ["葡萄"]);
    assert_eq!(reason(&found, "蝴蝶"), "known");
    assert_eq!(reason(&found, "的葡萄"), "edge stop character 的");
    assert_eq!(reason(&found, "哈萨克斯坦"), "length 5 above 4");
    assert_eq!(reason(&found, "葡"), "none");
    let strict = DiscoverOptions {
        min_entropy: Some(9.0),
        min_pmi: Some(vec![1.0, 99.0, 99.0]),
        rejected: 10_000,
        ..chain()
    };
    let found = run(&sample(), &strict);
    assert!(
        reason(&found, "萨克斯").starts_with("pmi ")
            && reason(&found, "萨克斯").ends_with("below 99.00 for length 3")
    );
    assert!(reason(&found, "蝴蝶").starts_with("left entropy "));
    assert_eq!(reason(&found, "哈萨克斯坦"), "not solid: 4-gram 哈萨克斯 is not in the strong set");
    let few = run(&sample(), &DiscoverOptions { rejected: 3, ..strict });
    assert_eq!(few.rejected, found.rejected[..3]);
}

#[test]
fn numbers_beside_a_word_are_one_neighbour() {
    let behind = ["后", "了", "是", "在", "将"];
    let mut texts: Vec<String> =
        (0..60).map(|at| format!("降{}个基点{}", at + 3, behind[at % behind.len()])).collect();
    // What stands behind is frequent elsewhere, so that it is no part of the word.
    texts.extend(behind.map(|alone| format!("{alone}，").repeat(300)));
    for rejected in [0, usize::MAX] {
        for method in [Method::Chain, Method::Autonomy] {
            let options = DiscoverOptions { method, rejected, ..DiscoverOptions::default() };
            let options = DiscoverOptions { min_entropy: Some(0.0), ..options };
            let found = run(&texts, &options);
            let word = found.words.iter().find(|word| word.text == "个基点").unwrap();
            assert!(word.left_entropy.abs() < 1e-9 && word.right_entropy > 1.5, "{word:?}");
            let strict = DiscoverOptions { min_entropy: Some(0.5), ..options };
            assert!(run(&texts, &strict).words.iter().all(|word| word.text != "个基点"));
        }
    }
    let (min_pmi, min_entropy) = (Some(vec![0.0]), Some(0.0));
    let method = Method::Entropy;
    let options = DiscoverOptions { method, min_pmi, min_entropy, ..DiscoverOptions::default() };
    let found = run(&texts, &options);
    let word = found.words.iter().find(|word| word.text == "个基点").unwrap();
    assert!((word.left_entropy - 60_f64.ln()).abs() < 1e-9, "entropy tells numbers apart");
}

#[test]
fn known_words_are_marked_and_the_order_is_fixed() {
    let mut options = DiscoverOptions { sort_by: SortBy::Score, ..DiscoverOptions::default() };
    options.known.insert("葡萄".to_owned());
    let found = run(&sample(), &options);
    assert!(found.words.iter().any(|word| word.known));
    assert!(found.words.iter().all(|word| word.known == (word.text == "葡萄")));
    assert!(found.words.windows(2).all(|pair| {
        let by_score = pair[1].score.total_cmp(&pair[0].score);
        let by_count = pair[1].count.cmp(&pair[0].count);
        by_score.then(by_count).then_with(|| pair[0].text.cmp(&pair[1].text)).is_lt()
    }));
    let options = DiscoverOptions { sort_by: SortBy::Count, ..DiscoverOptions::default() };
    let by_count = run(&sample(), &options);
    assert!(
        by_count
            .words
            .windows(2)
            .all(|pair| { (pair[1].count, &pair[0].text) < (pair[0].count, &pair[1].text) })
    );
}

#[test]
fn words_longer_than_the_order_carry_their_windows_measures() {
    let options = DiscoverOptions { min_count: Some(3), ..DiscoverOptions::default() };
    let options = DiscoverOptions { min_pmi: Some(vec![1.0]), ..options };
    let found = run(&sample(), &options);
    let long = found.words.iter().find(|word| word.text == "哈萨克斯坦").unwrap();
    assert_eq!((long.length, long.count), (5, 20));
    assert!((long.left_entropy - 20.0_f64.ln()).abs() < 1e-12);
    assert!(long.right_entropy > 1.0 && long.pmi > 1.0);
}

#[test]
fn a_long_chain_is_a_word_unless_shorter_words_explain_it() {
    let mut random = 1_u32;
    let mut filler = || {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let drawn = (random >> 8) % 4500;
        char::from_u32(0x5000 + drawn).filter(|_| drawn < 3000).unwrap_or('的')
    };
    let mut stretch = || (0..9).map(|_| filler()).collect::<String>();
    // 葡萄的蝴蝶 is frequent because 葡萄, 的 and 蝴蝶 are; 哈萨克斯坦 is one word.
    let word = |at: usize| match at % 50 {
        0 => "哈萨克斯坦",
        _ if at % 6 == 1 => "葡萄的蝴蝶",
        _ => ["葡萄", "蝴蝶"][at / 3 % 2],
    };
    let texts: Vec<String> = (0..3000).map(|at| stretch() + word(at) + &stretch()).collect();
    let options = DiscoverOptions {
        method: Method::Combined,
        min_pmi: Some(vec![0.0, 0.0, 2.2]),
        rejected: usize::MAX,
        ..DiscoverOptions::default()
    };
    let found = run(&texts, &options);
    let counts = counted(&found);
    // Beside filler that looks like a word itself, a few of its 60 occurrences are cut otherwise.
    assert!(counts.get("哈萨克斯坦").is_some_and(|count| (54..=60).contains(count)));
    assert!(counts.contains_key("葡萄") && !counts.contains_key("葡萄的蝴蝶"));
    let told = reason(&found, "葡萄的蝴蝶");
    assert!(told.starts_with("explained by 葡萄 的 蝴蝶: pmi "), "{told}");
    let none = run(&texts, &DiscoverOptions { long_words: false, ..options });
    assert!(none.words.iter().all(|word| word.length <= 4));
}

#[test]
fn the_other_methods_find_words_too() {
    for method in [Method::Combined, Method::Entropy, Method::Bigram, Method::Autonomy] {
        let min_entropy = (method == Method::Entropy).then_some(1.5);
        let min_pmi = Some(vec![1.0]);
        let options =
            DiscoverOptions { method, min_pmi, min_entropy, ..DiscoverOptions::default() };
        let words = counted(&run(&sample(), &options));
        assert!(words.contains_key("葡萄") && words.contains_key("蝴蝶"), "{method:?}: {words:?}");
        let long = matches!(method, Method::Bigram | Method::Combined);
        assert_eq!(words.contains_key("哈萨克斯坦"), long, "{method:?}");
    }
}

#[test]
fn a_table_alone_is_scored_as_the_entropy_method_does() {
    let corpus = encode(&sample());
    let options = DiscoverOptions {
        method: Method::Entropy,
        min_entropy: Some(1.0),
        ..DiscoverOptions::default()
    };
    let whole = discover(&corpus, &options, &job(2)).unwrap();
    let (order, min_count) = (4, whole.summary.min_count);
    let order = CountOptions { order, min_count, neighbours: Neighbours::OfAll };
    let table = count(&corpus, order, &job(2)).unwrap();
    assert_eq!(score_table(&table, &options, &job(1)).unwrap(), whole);
    let order = CountOptions { neighbours: Neighbours::OfNone, ..order };
    let table = count(&corpus, order, &job(2)).unwrap();
    let message = score_table(&table, &options, &job(1)).unwrap_err().to_string();
    assert!(message.starts_with("min_entropy: "), "{message}");
    let fewer = DiscoverOptions { min_count: Some(1), ..chain() };
    let message = score_table(&table, &fewer, &job(1)).unwrap_err().to_string();
    assert!(message.starts_with("min_count: "), "{message}");
}

#[test]
fn texts_of_all_kinds_are_ordinary_input() {
    for nothing in ["", "，。 \n", "😀👨\u{200d}👩"] {
        let error = discover(&encode(&[nothing]), &DiscoverOptions::default(), &job(1));
        assert!(error.unwrap_err().to_string().contains("no symbol"), "{nothing:?}");
    }
    let line = "𠀀𠀁𠀂e\u{301}té葛\u{e0100}城ＡＢ１２😀".repeat(2_000);
    for options in [DiscoverOptions::default(), chain()] {
        let found = run(&[line.as_str()], &options);
        assert!(!found.words.is_empty());
        assert!(found.words.iter().all(|word| line.contains(&word.text)));
    }
    let run_on = "哈".repeat(300_000);
    let found = run(&[run_on.as_str()], &DiscoverOptions { min_pmi: Some(vec![0.0]), ..chain() });
    assert_eq!(found.summary.overlong, u64::from(found.summary.segments == 1));
}

#[test]
fn a_cancelled_job_stops() {
    let context = job(2);
    context.cancel();
    let result = discover(&encode(&sample()), &DiscoverOptions::default(), &context);
    assert_eq!(result.unwrap_err().to_string(), "cancelled");
}
