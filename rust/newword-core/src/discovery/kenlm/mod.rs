//! `counts="kenlm"`: word discovery with the counts of the published script.
//!
//! The script of <https://kexue.fm/archives/6920> takes the fixed-order records of `KenLM`'s
//! `count_ngrams` for n-gram counts. They are not: records run over the marks `<s>` and `</s>`,
//! rare records are dropped before shorter n-grams are summed from their prefixes, and the total is
//! that of the records left. This module reproduces those numbers so that lexicons can be compared
//! word for word; nothing else should use them.

mod records;
mod text;

use rayon::prelude::*;

pub use text::KenlmCorpus;

use super::cut::{SegmentCounts, SegmentOptions, count_segments};
use super::kind::{Kind, set_kinds};
use super::strong_set::StrongSet;
use super::words::{Discovery, Summary, Word};
use crate::support::{Context, Error, Result, Stage};
use records::{BiasedCounts, Key};

/// What the published script is given.
#[derive(Debug, Clone, PartialEq)]
pub struct KenlmOptions {
    /// The length of a record, 2 to 8 characters; 4 as published.
    pub order: usize,
    /// The smallest count, of records and of words; at least 1; 32 as published.
    pub min_count: u64,
    /// Cohesion thresholds in nats for 2 to `order` characters, inclusive; 2, 4, 6 as published.
    pub min_pmi: Vec<f64>,
    /// Whether the lexicon holds the tokens "\n", " " and "" as the published one does.
    pub whitespace: bool,
}

impl Default for KenlmOptions {
    fn default() -> Self {
        Self { order: 4, min_count: 32, min_pmi: vec![2.0, 4.0, 6.0], whitespace: false }
    }
}

/// Finds words as the published script does, count for count.
///
/// Time O(n log n) in the characters; memory 2 bytes a character plus records within half the
/// budget of `context`, in as many passes as that takes (a single record that alone exceeds it is
/// gathered all the same). Words are ordered by falling count, ties
/// by code point. Entropies are not counted and are NaN.
///
/// # Errors
/// [`Error::InvalidArgument`] for options out of range, [`Error::Corpus`] where no record reaches
/// the smallest count.
pub fn discover_kenlm(
    corpus: &KenlmCorpus,
    options: &KenlmOptions,
    context: &Context,
) -> Result<Discovery> {
    validate(options)?;
    if options.order <= 4 {
        discover::<u64>(corpus, options, context)
    } else {
        discover::<u128>(corpus, options, context)
    }
}

fn validate(options: &KenlmOptions) -> Result<()> {
    if !(2..=8).contains(&options.order) {
        return Err(Error::invalid("order", "must be between 2 and 8", options.order));
    }
    if options.min_count == 0 {
        return Err(Error::invalid("min_count", "must be at least 1", options.min_count));
    }
    if options.min_pmi.len() != options.order - 1 {
        let rule = format!("must be {} thresholds, one a length from 2", options.order - 1);
        return Err(Error::invalid("min_pmi", rule, options.min_pmi.len()));
    }
    match options.min_pmi.iter().find(|threshold| !threshold.is_finite()) {
        Some(wrong) => Err(Error::invalid("min_pmi", "must be finite", wrong)),
        None => Ok(()),
    }
}

fn discover<K: Key>(
    corpus: &KenlmCorpus,
    options: &KenlmOptions,
    context: &Context,
) -> Result<Discovery> {
    let counts = BiasedCounts::<K>::count(corpus, options.order, options.min_count, context)?;
    if counts.total() == 0 {
        return Err(Error::Corpus(format!(
            "no {}-gram of the corpus occurs {} times; lower min_count",
            options.order, options.min_count
        )));
    }
    context.progress().begin(Stage::Scoring, 0);
    let members = strong_members(&counts, options, context);
    context.check()?;
    let strong = StrongSet::new(options.order, members.len(), |rank| &members[rank])?;
    let asked = SegmentOptions {
        largest_id: text::CODES,
        min_count: options.min_count,
        false_chains: false,
    };
    let segments = count_segments(corpus, &strong, None, asked, context)?;
    let mut words = collect(&segments, &members, &strong, corpus, options);
    for word in &mut words {
        word.pmi = pmi_of(&word.text, &counts);
    }
    words.sort_unstable_by(|a, b| b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text)));
    set_kinds(&mut words);
    let summary = summary(&counts, &members, &segments, words.len(), options);
    Ok(Discovery { words, summary, rejected: Vec::new() })
}

/// The n-grams whose cohesion reaches the threshold of their length, sorted.
fn strong_members<K: Key>(
    counts: &BiasedCounts<K>,
    options: &KenlmOptions,
    context: &Context,
) -> Vec<Vec<u32>> {
    let of_length = |length: usize| {
        let threshold = options.min_pmi[length - 2];
        let strong = move |&(key, count): &(K, u64)| {
            (counts.cohesion(key, length, count) >= threshold).then(|| counts.unpack(key, length))
        };
        counts.level(length).par_iter().filter_map(strong)
    };
    context.pool().install(|| {
        let mut members: Vec<Vec<u32>> =
            (2..=options.order).into_par_iter().flat_map(of_length).collect();
        members.par_sort_unstable();
        members
    })
}

fn collect(
    segments: &SegmentCounts,
    members: &[Vec<u32>],
    strong: &StrongSet,
    corpus: &KenlmCorpus,
    options: &KenlmOptions,
) -> Vec<Word> {
    let least = if options.whitespace { 1 } else { text::FIRST_CHARACTER };
    let singles = segments.singles.iter().zip(0_u32..).filter(|(_, id)| *id >= least);
    let singles = singles.map(|(count, id)| (text::spell(&[id]), *count));
    let whole = members.iter().filter_map(|member| {
        let node = strong.trie().walk(member)?;
        Some((text::spell(member), segments.members[node as usize]))
    });
    let chains = segments.chains.iter().map(|(ids, count)| (text::spell(ids), *count));
    let empty = options.whitespace.then(|| (String::new(), corpus.empty_texts()));
    let all = singles.chain(whole).chain(chains).chain(empty);
    all.filter(|(_, count)| *count >= options.min_count)
        .map(|(text, count)| Word {
            length: text.chars().count(),
            text,
            count,
            pmi: f64::NAN,
            left_entropy: f64::NAN,
            right_entropy: f64::NAN,
            score: f64::NAN,
            known: false,
            kind: Kind::default(),
        })
        .collect()
}

/// The cohesion of a word: of its weakest window, where it is longer than the order.
fn pmi_of<K: Key>(text: &str, counts: &BiasedCounts<K>) -> f64 {
    let codes: Vec<u32> = text.chars().filter_map(text::code_of).collect();
    if codes.len() < 2 {
        return f64::NAN;
    }
    let windows = codes.windows(counts.order().min(codes.len()));
    windows.map(|window| counts.cohesion_of(window)).fold(f64::INFINITY, f64::min)
}

fn summary<K: Key>(
    counts: &BiasedCounts<K>,
    members: &[Vec<u32>],
    segments: &SegmentCounts,
    words: usize,
    options: &KenlmOptions,
) -> Summary {
    let mut strong = vec![0; options.order];
    for member in members {
        strong[member.len() - 1] += 1;
    }
    Summary {
        total: counts.total(),
        symbols: counts.level(1).len(),
        order: options.order,
        min_count: options.min_count,
        min_pmi: options.min_pmi.clone(),
        min_entropy: 0.0,
        ngrams: (1..=options.order).map(|length| counts.level(length).len() as u64).collect(),
        strong,
        segments: segments.segments,
        false_segments: segments.false_segments,
        overlong: segments.overlong,
        candidates: words as u64,
        words: words as u64,
    }
}
