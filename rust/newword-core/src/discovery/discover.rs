//! From a corpus to its words.

use rayon::prelude::*;

use super::autonomy::propose_words;
use super::chain::Chains;
use super::options::{DiscoverOptions, Method, Settled};
use super::score::Evidence;
use super::sift::{Candidate, Sieve};
use super::words::{Discovery, Summary};
use crate::corpus::{EncodedCorpus, Relabelled, Remote};
use crate::ngram::{CountOptions, Links, Neighbours, NgramTable, count};
use crate::support::{Context, Error, Result};

/// Finds the words of a corpus.
///
/// Counts n-grams, scores them, and goes on as [`DiscoverOptions::method`] says. The result is the
/// same whatever the threads, the parts of the corpus and the memory. Time is linear in the corpus
/// but for sorting; memory is that of the n-gram table and 8 bytes for each of its rows. With
/// [`DiscoverOptions::rejected`] the neighbours of all n-grams are counted, which takes longer.
///
/// # Errors
/// [`Error::InvalidArgument`] naming the option at fault; [`Error::Corpus`] for a corpus without
/// symbols; [`Error::Memory`], [`Error::Cancelled`], and what reading a spilled corpus meets.
pub fn discover(
    corpus: &EncodedCorpus,
    options: &DiscoverOptions,
    context: &Context,
) -> Result<Discovery> {
    let settled = options.settle(corpus.total())?;
    let Settled { order, min_count, .. } = settled;
    let cuts = matches!(options.method, Method::Chain | Method::Bigram);
    // Reasons report the neighbours of rejected n-grams, too.
    let by_entropy = options.method == Method::Entropy;
    let few = cuts && options.rejected == 0;
    let neighbours = if few {
        Neighbours::OfSingles
    } else if by_entropy {
        Neighbours::OfAll
    } else {
        Neighbours::OfAllNumbersAsOne
    };
    let table = count(corpus, CountOptions { order, min_count, neighbours }, context)?;
    discover_in(&Relabelled::new(corpus), &table, options, &settled, context)
}

/// What [`discover_elsewhere`] needs of a text of `total` symbols: the order and the smallest count of the table, and
/// from how many symbols on all numbers are one neighbour of an n-gram.
///
/// # Errors
/// As [`discover`].
pub fn needed_of(options: &DiscoverOptions, total: u64) -> Result<(usize, u64, u8)> {
    let Settled { order, min_count, .. } = options.settle(total)?;
    // As [`discover`] counts them.
    let numbers_from = if options.method == Method::Entropy { u8::MAX } else { 1 };
    Ok((order, min_count, numbers_from))
}

/// As [`discover`], for a text that lies elsewhere. `table` has its n-grams with all their neighbours, as
/// [`needed_of`] says, and `counts` how often each symbol occurs, by id after that of the break.
///
/// # Errors
/// As [`discover`]; [`Error::InvalidArgument`] for another table; what the other side meets.
pub fn discover_elsewhere(
    table: &NgramTable,
    counts: &[u64],
    remote: &dyn Remote,
    options: &DiscoverOptions,
    context: &Context,
) -> Result<Discovery> {
    let settled = options.settle(table.total)?;
    let fits = (table.order(), table.min_count) == (settled.order, settled.min_count);
    if !fits || counts.len() != table.symbols.len() + 1 || !Evidence::has_entropies(table) {
        let value = format!("order {}, min_count {}", table.order(), table.min_count);
        return Err(Error::invalid("counts", "must be those that the options need", value));
    }
    let corpus = Relabelled::elsewhere(remote, &table.symbols, counts);
    discover_in(&corpus, table, options, &settled, context)
}

fn discover_in(
    corpus: &Relabelled<'_>,
    table: &NgramTable,
    options: &DiscoverOptions,
    settled: &Settled,
    context: &Context,
) -> Result<Discovery> {
    let min_count = settled.min_count;
    let links = Links::new(table, context)?;
    let mut evidence = Evidence::new(table, &links, context)?;
    let mut summary = summarise(table, settled);
    let mut sieve = Sieve::new(&table.symbols, options, settled);
    match options.method {
        Method::Combined => {
            let chains = Chains { corpus, evidence: &evidence, options, settled, context };
            chains.propose_combined(&links, &mut sieve, &mut summary)?;
        }
        Method::Chain | Method::Bigram => {
            drop(links);
            let chains = Chains { corpus, evidence: &evidence, options, settled, context };
            let (words, looked) = chains.words(&mut sieve, &mut summary)?;
            if let Some(looked) = looked {
                evidence.note(looked.into_iter());
            } else {
                let frequent = words.iter().filter(|(_, count)| *count >= min_count);
                evidence.look_up(corpus, frequent.map(|(ids, _)| &ids[..]), context)?;
            }
            let measured = |(ids, count): (Vec<u32>, u64)| {
                let measures = evidence.of_word(&ids);
                (ids, count, measures)
            };
            let measured: Vec<_> =
                context.pool().install(|| words.into_par_iter().map(measured).collect());
            for (ids, count, measures) in measured {
                sieve.propose(&Candidate { ids: &ids, count, measures });
            }
        }
        Method::Entropy => grams(&evidence, settled, &mut sieve, context),
        Method::Autonomy => {
            propose_words(corpus, &evidence, &links, &mut sieve, &mut summary, context)?;
        }
    }
    Ok(sieve.finish(summary))
}

/// Scores the n-grams of a table (read from a count file) without cutting a corpus: those of 2
/// symbols and more that reach the smallest count, the thresholds of [`Method::Chain`] or
/// [`Method::Entropy`], and the rules for words. O(rows * order).
///
/// # Errors
/// As [`discover`]; [`Error::InvalidArgument`] for a method that needs the corpus, for an order or
/// a smallest count that the table does not cover, and for `min_entropy` where it has no
/// neighbours.
pub fn score_table(
    table: &NgramTable,
    options: &DiscoverOptions,
    context: &Context,
) -> Result<Discovery> {
    if !matches!(options.method, Method::Chain | Method::Entropy) {
        let rule = "must be \"chain\" or \"entropy\" without a corpus";
        let name = options.method.name();
        return Err(Error::invalid("method", rule, format!("{name:?}")));
    }
    if let Some(order) = options.order.filter(|order| *order != table.order()) {
        let rule = format!("must be that of the counts ({})", table.order());
        return Err(Error::invalid("order", rule, order));
    }
    let min_count = options.min_count.unwrap_or(table.min_count.max(1));
    if min_count < table.min_count {
        let rule = format!("must be at least that of the counts ({})", table.min_count);
        return Err(Error::invalid("min_count", rule, min_count));
    }
    let (order, min_count) = (Some(table.order()), Some(min_count));
    let mut options = DiscoverOptions { order, min_count, ..options.clone() };
    if options.method == Method::Chain && !Evidence::has_entropies(table) {
        options.min_entropy = options.min_entropy.or(Some(0.0));
    }
    let options = &options;
    let settled = options.settle(table.total)?;
    if settled.min_entropy > 0.0 && !Evidence::has_entropies(table) {
        let rule = "must be 0 for counts without neighbours";
        return Err(Error::invalid("min_entropy", rule, settled.min_entropy));
    }
    let evidence = Evidence::new(table, &Links::new(table, context)?, context)?;
    let mut sieve = Sieve::new(&table.symbols, options, &settled);
    grams(&evidence, &settled, &mut sieve, context);
    Ok(sieve.finish(summarise(table, &settled)))
}

fn summarise(table: &NgramTable, settled: &Settled) -> Summary {
    Summary {
        total: table.total,
        symbols: table.symbols.len(),
        order: settled.order,
        min_count: settled.min_count,
        min_pmi: settled.min_pmi.clone(),
        min_entropy: settled.min_entropy,
        ngrams: (1..=table.order()).map(|n| table.level(n).len() as u64).collect(),
        strong: vec![0; settled.order],
        ..Summary::default()
    }
}

/// Proposes all n-grams that are solid.
fn grams(evidence: &Evidence<'_>, settled: &Settled, sieve: &mut Sieve<'_>, context: &Context) {
    let explains = sieve.explains();
    let solid = |row| explains || evidence.pmi_reason(row, settled).is_none();
    for row in evidence.rows(solid, context) {
        let candidate = Candidate::of_row(evidence, row);
        match evidence.pmi_reason(row, settled) {
            Some(reason) => sieve.reject(&candidate, reason),
            None => sieve.propose(&candidate),
        }
    }
}
