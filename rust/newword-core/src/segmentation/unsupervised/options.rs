//! What a training is asked for, and the constants of the weights.

use crate::corpus::Alphabet;
use crate::support::{Error, Result};

/// What a word weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UnsupervisedMethod {
    /// Autonomy times length, as published; no constant in it was tuned.
    Autonomy,
    /// Autonomy, cohesion, and the share of a sequence's occurrences that were words in the
    /// segmentation before.
    #[default]
    Reestimated,
}

/// How a segmenter is trained.
#[derive(Debug, Clone, PartialEq)]
pub struct UnsupervisedOptions {
    /// The longest word, 1 to 7 symbols; the constants were tuned for 4.
    pub max_length: usize,
    /// What a word weighs.
    pub method: UnsupervisedMethod,
    /// Re-estimations, at most 100; each cuts the corpus once. [`UnsupervisedMethod::Autonomy`]
    /// makes none.
    pub passes: usize,
    /// N-grams below this count are no words. Where not given it grows with the cube root of the
    /// corpus: 1 up to 3 million symbols, 2 for 8 million, 7 for 300 million.
    pub min_count: Option<u64>,
    /// Which characters form symbols. Where runs of digits are symbols, numbers are counted and
    /// looked up as one and the same.
    pub alphabet: Alphabet,
}

impl Default for UnsupervisedOptions {
    fn default() -> Self {
        Self {
            max_length: 4,
            method: UnsupervisedMethod::default(),
            passes: 3,
            min_count: None,
            alphabet: Alphabet::default(),
        }
    }
}

impl UnsupervisedOptions {
    /// # Errors
    /// [`Error::InvalidArgument`] naming the option out of range.
    pub(super) fn validate(&self) -> Result<()> {
        if !(1..=7).contains(&self.max_length) {
            return Err(Error::invalid("max_length", "must be between 1 and 7", self.max_length));
        }
        if self.passes > 100 {
            return Err(Error::invalid("passes", "must be at most 100", self.passes));
        }
        if self.min_count == Some(0) {
            return Err(Error::invalid("min_count", "must be at least 1", 0));
        }
        Ok(())
    }

    /// The smallest count for a corpus of `total` symbols. The default was measured on news of
    /// 0.2, 2 and 25 MB and statutes of 55 MB: in small corpora n-grams met once carry much of
    /// what there is to know, in large ones they cost memory only.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Between 1 and 2^22.
    pub(super) fn min_count(&self, total: u64) -> u64 {
        self.min_count.unwrap_or_else(|| (total as f64 / 1e6).cbrt().round().max(1.0) as u64)
    }
}

/// The constants of [`UnsupervisedMethod::Reestimated`], in nats or per nat.
///
/// They were tuned by hand on the first fifth of the lines of People's Daily, January 1998, with
/// the counts of 25 MB of broadcast news, and on nothing else: a segmenter is trained without
/// annotated text, but that these values are good ones was learnt from 3,900 annotated lines.
#[derive(Debug, Clone, Copy)]
pub(super) struct Constants {
    /// What a nat of cohesion is worth.
    pub pmi: f64,
    /// What every word of two symbols and more gets, so that single symbols do not win by number.
    pub joined: f64,
    /// What a nat of wordhood is worth to a single symbol, and to a longer word.
    pub wordhood: [f64; 2],
    /// What a word gets for each symbol above three: wordhood is low for long words at first.
    pub long: f64,
}

impl Constants {
    /// Before any segmentation is known.
    pub(super) const FIRST: Self = Self { pmi: 1.2, joined: 6.0, wordhood: [0.0, 0.0], long: 0.0 };
    /// After one: the single symbols settle first. Giving longer words their share at once costs
    /// two points of F1.
    pub(super) const SECOND: Self = Self { pmi: 0.6, joined: 2.0, wordhood: [2.0, 0.0], long: 4.0 };
    /// After more.
    pub(super) const LATER: Self = Self { pmi: 0.6, joined: 2.0, wordhood: [2.0, 2.0], long: 4.0 };

    /// Those of a re-estimation, counted from 1; 0 stands for the weights before.
    pub(super) fn of_pass(pass: usize) -> Self {
        [Self::FIRST, Self::SECOND, Self::LATER][pass.min(2)]
    }
}

/// The weight of a symbol that was not kept: that of a symbol of average autonomy.
pub(super) const UNSEEN_SINGLE: f64 = 0.0;

/// The weight of two Han characters that were not kept as a word, for
/// [`UnsupervisedMethod::Reestimated`]; tuned as [`Constants`].
pub(super) const UNSEEN_PAIR: f64 = -4.0;

/// Wordhood of a sequence with count c that was a word u times is ln((u + 0.1) / (c + 1)).
pub(super) const WORDHOOD_PRIOR: [f64; 2] = [0.1, 1.0];

/// By how much a word must outweigh its best cut, in nats, where a segmentation is asked for its words and
/// not for its cuts. Half a nat to a nat leaves out rare pieces of phrases; tuned as [`Constants`].
pub(super) const MARGIN: f64 = 0.5;

/// By how much the logarithm of a word's share in a segmentation must exceed that of its likeliest cut.
/// Below, it is a phrase of frequent words (会将, 你的, 的新). On each of five texts 2.5 makes new words more
/// precise and raises F1, 3 a little more, at the cost of recall; tuned as [`Constants`].
pub(crate) const LEAD: f64 = 2.5;

/// The same for words that are not phrases. Of the 200 most frequent new words of each of five texts, judged by
/// hand, 5 drops 208 of 388 phrases and 29 of 531 words; 4 drops 149 and 14, 6 drops 263 and 53.
pub(crate) const PHRASE_LEAD: f64 = 5.0;
