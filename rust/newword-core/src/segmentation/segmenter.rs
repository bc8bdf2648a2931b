//! Maximum-probability segmentation with a lexicon.

use std::convert::Infallible;
use std::ops::Range;

use rayon::prelude::*;

use super::cuts::{Cut, Cuts, ranges};
use super::entries::{Entries, Uncounted};
use super::joints::join;
use super::keys::Keys;
use super::labels::{Labels, PLANE, plane_index};
use super::lattice::{FURTHER_WEIGHTS, Lattice, Search, Unknown};
use super::options::SegmenterOptions;
use super::tokens::{Tokens, run_of};
use crate::support::workers::portions;
use crate::support::{Context, Error, Result, Workers};
use crate::trie::Trie;

/// What symbols and pairs of them weigh where they are no words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Floor {
    /// A single symbol.
    pub single: f64,
    /// Two Han characters; minus infinity for never.
    pub pair: f64,
}

/// Segments text into the word sequence with the largest product of probabilities.
///
/// The probability of a word is its count divided by the sum of all counts. A symbol outside the lexicon
/// has count 1, two Han characters have [`SegmenterOptions::unknown_pair`]. Runs of letters and of
/// digits are symbols and so are kept whole (where the alphabet says so), as are URLs and e-mail
/// addresses. Runs that touch form one word (5G, iPhone15) unless one of them is part of a longer
/// word of the lexicon. Marks that are part of no word, and white space, are words of their own and
/// end the search, so memory grows with the longest stretch between two marks.
#[derive(Debug, Clone)]
pub struct Segmenter {
    pub(super) options: SegmenterOptions,
    pub(super) labels: Labels,
    pub(super) lattice: Lattice,
}

impl Segmenter {
    /// A segmenter with `words` and their counts. A count of 0 is taken for 1; a word given twice
    /// counts twice; empty words are skipped. Without any word, text falls into single symbols and
    /// pairs. O(total length * log).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the count of pairs is negative; [`Error::Memory`] if the
    /// words are too many for a trie of 2^30 slots.
    pub fn new<S: AsRef<str> + Sync>(
        words: impl IntoIterator<Item = (S, u64)>,
        options: SegmenterOptions,
    ) -> Result<Self> {
        let words: Vec<(S, u64)> = words.into_iter().collect();
        Self::of_entries(&words, options, &Workers::caller())
    }

    /// As [`Segmenter::new`] for words that lie in another form, on several threads.
    ///
    /// # Errors
    /// As [`Segmenter::new`]; [`Error::Cancelled`].
    pub fn of_entries(
        words: &impl Entries,
        options: SegmenterOptions,
        workers: &Workers<'_>,
    ) -> Result<Self> {
        let pair = options.unknown_pair;
        if !(pair >= 0.0 && pair.is_finite()) {
            return Err(Error::invalid("unknown_pair", "must be a finite count, 0 or more", pair));
        }
        let amount = |at: usize| words.count(at).max(1) as f64;
        let total = (0..words.len()).map(amount).sum::<f64>().max(1.0);
        let weigh = |sum: f64| (sum / total).ln();
        let floor = Floor { single: -total.ln(), pair: weigh(pair) };
        Self::build(words, amount, weigh, floor, options, workers)
    }

    /// A segmenter that maximises the sum of `words`' weights instead, with `floor` for what is not
    /// among them. Of a word given twice the weights add up.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if a weight is not finite; [`Error::Memory`] as
    /// [`Segmenter::new`].
    pub fn from_weights<S: AsRef<str> + Sync>(
        words: impl IntoIterator<Item = (S, f64)>,
        floor: Floor,
        options: SegmenterOptions,
    ) -> Result<Self> {
        let words: Vec<(S, f64)> = words.into_iter().collect();
        let mut weights = words.iter().map(|(_, weight)| *weight).chain([floor.single]);
        if let Some(wrong) = weights.find(|weight| !weight.is_finite()) {
            return Err(Error::invalid("weights", "must be finite", wrong));
        }
        let amount = |at: usize| words[at].1;
        Self::build(&Uncounted(&words), amount, |sum| sum, floor, options, &Workers::caller())
    }

    /// A segmenter of words with their amounts, which add up. Labels are given by counts.
    fn build(
        words: &impl Entries,
        amount: impl Fn(usize) -> f64 + Sync,
        weigh: impl Fn(f64) -> f64 + Sync,
        floor: Floor,
        options: SegmenterOptions,
        workers: &Workers<'_>,
    ) -> Result<Self> {
        let labels = Labels::of_words(words, &options, workers)?;
        let keys = Keys::of_words(words, amount, weigh, &labels, &options, workers)?;
        let mut nodes = vec![0; keys.len()];
        let trie =
            Trie::build_with(keys.len(), |rank| keys.get(rank), |rank, node| nodes[rank] = node)?;
        let mut weights = Vec::with_capacity(trie.slots() + FURTHER_WEIGHTS);
        weights.resize(trie.slots(), 0.0);
        for (rank, node) in nodes.into_iter().enumerate() {
            weights[node as usize] = keys.weight(rank);
        }
        let (single, pair, pairs) = (single(floor.single), single(floor.pair), labels.pairs());
        let unknown = Unknown { single, pair, pairs };
        Ok(Self { options, labels, lattice: Lattice::new(trie, weights, unknown) })
    }

    /// The words of `text` as byte ranges, from left to right; together they are the text.
    /// O(n * longest word).
    pub fn segment(&self, text: &str) -> Vec<Range<usize>> {
        let Ok(words) = self.cut(text, || Ok::<_, Infallible>(()));
        ranges(&words)
    }

    /// As [`Segmenter::segment`] for many texts, on all threads of `context`.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn segment_many<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        context: &Context,
    ) -> Result<Vec<Vec<Range<usize>>>> {
        let cuts = self.cut_many(texts, context)?;
        Ok(cuts.iter().flat_map(Cuts::texts).map(ranges).collect())
    }

    /// As [`Segmenter::segment`], but names the words and can be stopped: between two marks, some
    /// thousand tokens apart, `go_on` is asked.
    ///
    /// # Errors
    /// What `go_on` says.
    pub fn cut<E>(&self, text: &str, go_on: impl Fn() -> Result<(), E>) -> Result<Vec<Cut>, E> {
        let mut words = Vec::with_capacity(text.len() / 4);
        self.cut_into(&mut words, text, &mut Work::default(), go_on)?;
        Ok(words)
    }

    /// The words of many texts, on all threads of `context`; some texts at a time, in their order.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn cut_many<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        context: &Context,
    ) -> Result<Vec<Cuts>> {
        let some = |work: &mut Work, texts: &&[S]| {
            let mut cuts = Cuts::default();
            for text in *texts {
                self.cut_into(&mut cuts.words, text.as_ref(), work, || context.check())?;
                cuts.ends.push(cuts.words.len());
            }
            Ok(cuts)
        };
        let portions = portions(texts);
        context.pool().install(|| portions.par_iter().map_init(Work::default, some).collect())
    }

    /// One more than the largest [`Cut::id`].
    pub fn ids(&self) -> usize {
        self.lattice.trie.slots() + PLANE
    }

    /// Appends the words of `text` to `words`; `go_on` is asked now and then.
    fn cut_into<E>(
        &self,
        words: &mut Vec<Cut>,
        text: &str,
        work: &mut Work,
        go_on: impl Fn() -> Result<(), E>,
    ) -> Result<(), E> {
        work.clear();
        let mut tokens = Tokens::new(text, &self.options.alphabet, self.options.numbers);
        // Where the last run of letters or digits ends.
        let mut run_end = usize::MAX;
        loop {
            tokens.skip_han(|start, code_point| work.push(self.labels.of_han(code_point), start));
            let Some(token) = tokens.next() else { break };
            let label = self.labels.of_token(&text[token.start..token.end], token, &self.options);
            work.odd.push(work.labels.len());
            let (is_run, ends_in_run) =
                run_of(token, &text[token.start..token.end], &self.options.alphabet);
            if is_run && token.start == run_end {
                work.joints.push(work.labels.len());
            }
            run_end = if ends_in_run { token.end } else { usize::MAX };
            work.push(label, token.start);
            if label == Labels::BREAK && work.labels.len() >= BATCH {
                go_on()?;
                self.flush(&text[..token.end], work, words);
            }
        }
        go_on()?;
        self.flush(text, work, words);
        Ok(())
    }

    /// Appends the words of what was gathered up to the end of `text`.
    fn flush(&self, text: &str, work: &mut Work, words: &mut Vec<Cut>) {
        work.starts.push(text.len());
        // A place behind all others spares the look whether there are more.
        work.odd.push(usize::MAX);
        let (mut at, mut start, mut odd) = (0, work.starts[0], 0);
        let path = self.lattice.solve(&work.labels, &mut work.search);
        let first = words.len();
        words.extend(path.iter().rev().map(|step| {
            at += step.length();
            let end = work.starts[at];
            let as_named = work.odd[odd] >= at;
            while work.odd[odd] < at {
                odd += 1;
            }
            let id = match self.lattice.word(*step) {
                Some(node) if as_named => PLANE + node as usize,
                _ => plane_index(&text[start..end]).unwrap_or(usize::MAX),
            };
            start = end;
            Cut { end, id: u32::try_from(id).unwrap_or(Cut::NAMELESS) }
        }));
        if !work.joints.is_empty() {
            join(words, first, path, &work.joints);
        }
        work.clear();
    }
}

/// At the first mark behind this many tokens the search is solved: its buffers stay in the first
/// cache, and short stretches share what a search costs to begin.
const BATCH: usize = 1 << 10;

/// Tokens that are being gathered.
#[derive(Default)]
struct Work {
    labels: Vec<u32>,
    starts: Vec<usize>,
    /// The places of tokens whose text may differ from the name by which they are looked up.
    odd: Vec<usize>,
    /// The places of runs of letters or digits that touch the run before.
    joints: Vec<usize>,
    search: Search,
}

impl Work {
    #[inline]
    fn push(&mut self, label: u32, start: usize) {
        self.labels.push(label);
        self.starts.push(start);
    }

    fn clear(&mut self) {
        self.labels.clear();
        self.starts.clear();
        self.odd.clear();
        self.joints.clear();
    }
}

/// Weights are kept in single precision and added up in double.
#[allow(clippy::cast_possible_truncation)] // Rounding is the purpose.
pub(crate) fn single(weight: f64) -> f32 {
    weight as f32
}

#[cfg(test)]
mod tests {
    use super::super::options::Numbers;
    use super::*;
    use crate::corpus::Alphabet;
    use crate::support::MemoryBudget;
    use proptest::prelude::*;

    const FLOOR: Floor = Floor { single: 0.0, pair: f64::NEG_INFINITY };

    fn cut<'t>(segmenter: &Segmenter, text: &'t str) -> Vec<&'t str> {
        segmenter.segment(text).into_iter().map(|range| &text[range]).collect()
    }

    fn segmenter(words: &[(&str, u64)]) -> Segmenter {
        Segmenter::new(words.iter().copied(), SegmenterOptions::default()).unwrap()
    }

    #[test]
    fn the_likeliest_words_win() {
        let words =
            [("今天", 50), ("天气", 40), ("今天天气", 1), ("很", 90), ("不错", 30), ("天", 9)];
        let segmenter = segmenter(&words);
        assert_eq!(cut(&segmenter, "今天天气很不错"), ["今天", "天气", "很", "不错"]);
        assert_eq!(cut(&segmenter, "气，很x1"), ["气", "，", "很", "x1"]);
        assert!(cut(&segmenter, "").is_empty());
    }

    #[test]
    fn two_unknown_han_characters_may_be_a_word() {
        let words = [("的", 900), ("在", 80), ("饕", 1)];
        assert_eq!(cut(&segmenter(&words), "的饕餮在𠀀𠀁ab1"), ["的", "饕餮", "在", "𠀀𠀁", "ab1"]);
        let options = SegmenterOptions { unknown_pair: 0.0, ..SegmenterOptions::default() };
        let off = Segmenter::new(words, options).unwrap();
        assert_eq!(cut(&off, "饕餮𠀀𠀁"), ["饕", "餮", "𠀀", "𠀁"]);
    }

    #[test]
    fn words_with_marks_and_runs_are_found() {
        let segmenter = segmenter(&[("C++", 3), ("5G网络", 2), ("iPhone 15", 2), ("的", 9)]);
        assert_eq!(
            cut(&segmenter, "C++的5G网络 iPhone 15的+"),
            ["C++", "的", "5G网络", " ", "iPhone 15", "的", "+"]
        );
    }

    #[test]
    fn adjacent_runs_join_unless_the_lexicon_has_a_longer_word() {
        let mixed =
            [("T恤", 2), ("卡拉OK", 2), ("维生素C", 2), ("K歌", 2), ("C++", 3), (".NET", 2)];
        let single = [("5", 900), ("G", 800), ("iPhone", 9), ("B2", 1), ("的", 9)];
        let (numbers, unknown_pair) = (Numbers::Joined, 0.0);
        let options = SegmenterOptions { numbers, unknown_pair, ..SegmenterOptions::default() };
        let segmenter = Segmenter::new([&mixed[..], &single[..]].concat(), options).unwrap();
        for (text, expected) in [
            ("用5G和iPhone15", vec!["用", "5G", "和", "iPhone15"]),
            ("COVID19，H5N1v1.2的３Ｄ", vec!["COVID19", "，", "H5N1v1.2", "的", "３Ｄ"]),
            ("T恤衫的卡拉OK维生素C2K歌", vec!["T恤", "衫", "的", "卡拉OK", "维生素C", "2", "K歌"]),
            ("C++11和C#用.NET", vec!["C++", "11", "和", "C", "#", "用", ".NET"]),
            ("3%x 10:30am 5 G", vec!["3%", "x", " ", "10:30am", " ", "5", " ", "G"]),
            ("B2B", vec!["B2", "B"]),
        ] {
            assert_eq!(cut(&segmenter, text), expected, "{text}");
        }
    }

    #[test]
    fn addresses_are_words() {
        let segmenter = segmenter(&[("http", 90), ("com", 90), ("a@b.cn邮箱", 2), ("t.cn", 5)]);
        let text = "见http://t.cn/a?b=1，写a@b.cn邮箱12@qq.com\u{20000}t.cn";
        let words =
            ["见", "http://t.cn/a?b=1", "，", "写", "a@b.cn邮箱", "12@qq.com", "\u{20000}", "t.cn"];
        assert_eq!(cut(&segmenter, text), words);
    }

    #[test]
    fn numbers_can_be_classed() {
        let options = SegmenterOptions { numbers: Numbers::Classed, ..SegmenterOptions::default() };
        let words = [("0年", 5.0), ("年", 1.0)];
        let segmenter = Segmenter::from_weights(words, FLOOR, options).unwrap();
        assert_eq!(cut(&segmenter, "1998年3.5%年"), ["1998年", "3.5%年"]);
    }

    #[test]
    fn a_lexicon_may_be_empty_but_holds_no_nonsense() {
        let none: [(&str, u64); 1] = [("", 3)];
        let empty = Segmenter::new(none, SegmenterOptions::default()).unwrap();
        assert_eq!(empty.segment("天地"), [0..3, 3..6]);
        let wrong = [("a", f64::NAN)];
        assert!(Segmenter::from_weights(wrong, FLOOR, SegmenterOptions::default()).is_err());
        let options = SegmenterOptions { unknown_pair: -1.0, ..SegmenterOptions::default() };
        assert!(Segmenter::new([("a", 1)], options).is_err());
    }

    #[test]
    fn long_runs_take_linear_time() {
        let segmenter = segmenter(&[("哈哈", 5), ("哈", 3), ("哈哈哈哈", 2)]);
        let text = "哈".repeat(1_000_001);
        let words = segmenter.segment(&text);
        assert_eq!(words.last().map(|word| word.end), Some(text.len()));
    }

    #[test]
    fn a_long_text_can_be_stopped() {
        let segmenter = segmenter(&[("天地", 3)]);
        let asked = std::cell::Cell::new(0);
        let until = |times| {
            asked.set(0);
            segmenter.cut(&"天地，".repeat(4 * BATCH), || {
                asked.set(asked.get() + 1);
                if asked.get() < times { Ok(()) } else { Err("stopped") }
            })
        };
        assert_eq!(until(3), Err("stopped"));
        assert_eq!(until(1000).map(|words| words.len()), Ok(8 * BATCH));
        assert!((4..=13).contains(&asked.get()), "asked {} times", asked.get());
    }

    #[test]
    fn texts_are_handed_out_in_portions() {
        let texts: Vec<String> = (0..2700).map(|n| "天地，".repeat(n % 41)).collect();
        let portions = portions(&texts);
        assert!(portions.len() > 3 && portions.len() < 12);
        assert_eq!(portions.concat(), texts);
        let segmenter = segmenter(&[("天地", 3)]);
        let context =
            Context::new(Some(3), MemoryBudget::new(MemoryBudget::LEAST).unwrap(), None).unwrap();
        let alone: Vec<_> = texts.iter().map(|text| segmenter.segment(text)).collect();
        assert_eq!(segmenter.segment_many(&texts, &context).unwrap(), alone);
        context.cancel();
        assert!(matches!(segmenter.segment_many(&texts, &context), Err(Error::Cancelled)));
    }

    #[test]
    fn ignored_characters_stay_in_the_text_and_change_no_word() {
        let segmenter = segmenter(&[("天地", 3), ("abc", 2), ("𠀀人", 2), ("50", 1)]);
        let text = "天地人abc，𠀀人50天";
        let dirty: String = text.chars().flat_map(|c| [c, '\u{200B}']).collect();
        let words: Vec<_> = segmenter.segment(text).into_iter().map(|word| &text[word]).collect();
        let found: Vec<_> =
            segmenter.segment(&dirty).into_iter().map(|word| &dirty[word]).collect();
        assert_eq!(found.concat(), dirty);
        // Behind punctuation they are marks of their own.
        let clean = found.iter().map(|word| word.replace('\u{200B}', "")).filter(|w| !w.is_empty());
        assert!(clean.eq(words));
    }

    proptest! {
        #[test]
        fn words_join_to_the_text_for_any_number_of_threads(
            texts in prop::collection::vec("([天地人a1，.\u{20000}😀\u{200B}\u{301} ]|\\PC){0,30}", 0..9),
            nfkc in any::<bool>(),
        ) {
            let alphabet = Alphabet { nfkc, ..Alphabet::default() };
            let numbers = Numbers::Joined;
            let options = SegmenterOptions { alphabet, numbers, ..SegmenterOptions::default() };
            let words = [("天地", 3), ("地人", 4), ("\u{20000}a", 2), ("人", 1)];
            let segmenter = Segmenter::new(words, options).unwrap();
            let memory = MemoryBudget::new(MemoryBudget::LEAST).unwrap();
            let context = Context::new(Some(3), memory, None).unwrap();
            let many = segmenter.segment_many(&texts, &context).unwrap();
            for (text, words) in texts.iter().zip(&many) {
                let joined: String = words.iter().map(|word| &text[word.clone()]).collect();
                prop_assert_eq!(&joined, text);
                prop_assert_eq!(words, &segmenter.segment(text));
            }
        }
    }
}
