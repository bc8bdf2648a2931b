//! Segmentation that learns from raw text alone.
//!
//! [`train`] counts n-grams, weighs each of them as a word, cuts the corpus with them and weighs
//! them anew by how often they turned out to be words. What holds a word together inside is
//! cohesion; what sets it apart outside is that the next symbol is harder to guess behind it than
//! within it (Magistry and Sagot, ACL 2012, P12-2075). Numbers are alike to all of this.

mod autonomy;
mod best_cut;
mod model;
mod needed;
mod options;
mod source;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use options::{UnsupervisedMethod, UnsupervisedOptions};

pub(crate) use self::best_cut::BestCut;
use self::model::floor;
pub(crate) use self::model::{LongWord, Model};
pub(crate) use self::options::{LEAD, PHRASE_LEAD};
use self::source::ClassedSource;
use super::{Floor, Numbers, Segmenter, SegmenterOptions};
use crate::corpus::{EncodedCorpus, Relabelled, RunMode, TextSource, encode};
use crate::ngram::{Cohesion, CountOptions, Links, Neighbours, count};
use crate::support::{Context, Error, Result};

/// A word as the segmenter knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct UnsupervisedWord {
    /// The word, numbers in it written `0`.
    pub text: String,
    /// What it adds to a path, in nats.
    pub weight: f64,
    /// How often it is a word in the segmentation of the corpus it was learnt from.
    pub count: u64,
}

/// Cuts text into the words whose weights have the largest sum; made by [`train`].
#[derive(Debug, Clone)]
pub struct UnsupervisedSegmenter {
    segmenter: Segmenter,
    words: Vec<UnsupervisedWord>,
    floor: Floor,
}

/// Trains a segmenter on the text of `source`.
///
/// Time: reading, one count of n-grams with their neighbours, and a segmentation for each pass and
/// one more. Memory: the n-gram table within the budget of `context`, about 40 bytes for each
/// of its rows on top, and 100 for each that a best path may use. The result does not depend on threads, blocks or memory.
///
/// # Errors
/// [`Error::InvalidArgument`] naming the option out of range; [`Error::Corpus`] for text without
/// symbols; [`Error::Memory`] where the n-grams do not fit, which a larger `min_count` mends;
/// [`Error::Cancelled`]; what the source meets.
pub fn train(
    source: Box<dyn TextSource>,
    options: &UnsupervisedOptions,
    context: &Context,
) -> Result<UnsupervisedSegmenter> {
    options.validate()?;
    let source = match numbers(options) {
        Numbers::Classed => Box::new(ClassedSource::new(source)),
        Numbers::Runs | Numbers::Joined => source,
    };
    train_encoded(&encode(source, &options.alphabet, context)?, options, context)
}

/// Trains on a corpus that is encoded already, as [`train`] would encode it: with the alphabet of
/// `options` and its numbers classed ([`super::class_numbers`]).
///
/// # Errors
/// As [`train`].
pub fn train_encoded(
    corpus: &EncodedCorpus,
    options: &UnsupervisedOptions,
    context: &Context,
) -> Result<UnsupervisedSegmenter> {
    options.validate()?;
    if corpus.total() == 0 {
        return Err(Error::Corpus(
            "the corpus holds no symbol of the alphabet: nothing but breaks".into(),
        ));
    }
    let UnsupervisedOptions { max_length: order, method, passes, .. } = *options;
    let min_count = options.min_count(corpus.total());
    if min_count > corpus.total() {
        let rule = format!("must not exceed the {} symbols of the corpus", corpus.total());
        return Err(Error::invalid("min_count", rule, min_count));
    }
    let table =
        count(corpus, CountOptions { order, min_count, neighbours: Neighbours::OfAll }, context)?;
    let links = Links::new(&table, context)?;
    let cohesion = Cohesion::new(&table, &links, context)?;
    let mut model = Model::new(&table, &links, &cohesion, method, context)?;
    model.estimate(&Relabelled::new(corpus), passes, context)?;
    let words = model.words(context);
    if words.is_empty() {
        return Err(Error::invalid("min_count", "must leave a symbol of the corpus", min_count));
    }
    let alphabet = options.alphabet.clone();
    let reading = SegmenterOptions { alphabet, numbers: numbers(options), unknown_pair: 0.0 };
    let weights = words.iter().map(|word| (&word.text, word.weight));
    let segmenter = Segmenter::from_weights(weights, floor(method), reading)?;
    Ok(UnsupervisedSegmenter { segmenter, words, floor: floor(method) })
}

fn numbers(options: &UnsupervisedOptions) -> Numbers {
    if options.alphabet.digits == RunMode::Unit { Numbers::Classed } else { Numbers::Runs }
}

impl UnsupervisedSegmenter {
    /// The segmenter alone, without the list of its words.
    pub fn into_segmenter(self) -> Segmenter {
        self.segmenter
    }

    /// The words of `text` as byte ranges, from left to right; together they are the text. Marks and
    /// white space are words of their own. O(n * longest word).
    pub fn segment(&self, text: &str) -> Vec<Range<usize>> {
        self.segmenter.segment(text)
    }

    /// The words of many texts, on all threads of `context`.
    ///
    /// # Errors
    /// [`Error::Cancelled`].
    pub fn segment_many<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        context: &Context,
    ) -> Result<Vec<Vec<Range<usize>>>> {
        self.segmenter.segment_many(texts, context)
    }

    /// The words that segmentation may use, by falling count, ties by code point. With
    /// [`UnsupervisedSegmenter::floor`] and [`Numbers::Classed`], [`Segmenter::from_weights`] makes
    /// the same segmenter of them again.
    pub fn words(&self) -> &[UnsupervisedWord] {
        &self.words
    }

    /// The words as rows (word, weight, count), in the order of [`UnsupervisedSegmenter::words`].
    pub fn to_words(&self) -> Vec<(String, f64, u64)> {
        let row = |word: &UnsupervisedWord| (word.text.clone(), word.weight, word.count);
        self.words.iter().map(row).collect()
    }

    /// What symbols and pairs of Han characters weigh that are no words.
    pub fn floor(&self) -> Floor {
        self.floor
    }
}
