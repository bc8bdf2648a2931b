//! From a corpus to its words.

use super::autonomy::autonomous_words;
use super::chain::StrongSet;
use super::evidence::{Evidence, Measures, Row};
use super::options::{DiscoverOptions, Method, Settled};
use super::segments::{SegmentCounts, SegmentOptions, count_segments};
use super::sieve::{Candidate, Sieve};
use super::words::{Discovery, Reason, Summary};
use crate::corpus::EncodedCorpus;
use crate::ngram::{CountOptions, NgramTable, count};
use crate::support::{Context, Error, Result};

/// Finds the words of a corpus.
///
/// Counts n-grams, scores them, and goes on as [`DiscoverOptions::method`] says. The result is the
/// same whatever the threads, the parts of the corpus and the memory. Time is linear in the corpus
/// but for sorting; memory is that of the n-gram table and 8 bytes for each of its rows.
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
    let table = count(corpus, CountOptions { order, min_count, neighbours: true }, context)?;
    let evidence = Evidence::new(&table, context)?;
    let mut summary = summarise(&table, &settled);
    let mut sieve = Sieve::new(&evidence, options, &settled);
    match options.method {
        Method::Chain | Method::Bigram => {
            chains(corpus, &evidence, &settled, &mut sieve, &mut summary, context)?;
        }
        Method::Entropy => grams(&evidence, &settled, &mut sieve, context),
        Method::Autonomy => {
            autonomous_words(corpus, &evidence, &mut sieve, &mut summary, context)?;
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
    if matches!(options.method, Method::Bigram | Method::Autonomy) {
        let rule = "must be \"chain\" or \"entropy\" without a corpus";
        return Err(Error::invalid("method", rule, format!("{:?}", options.method)));
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
    let settled = DiscoverOptions { order, min_count, ..options.clone() }.settle(table.total)?;
    if settled.min_entropy > 0.0 && !Evidence::has_entropies(table) {
        let rule = "must be 0 for counts without neighbours";
        return Err(Error::invalid("min_entropy", rule, settled.min_entropy));
    }
    let evidence = Evidence::new(table, context)?;
    let mut sieve = Sieve::new(&evidence, options, &settled);
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
        let candidate = of_row(evidence, row);
        match evidence.pmi_reason(row, settled) {
            Some(reason) => sieve.reject(&candidate, reason),
            None => sieve.propose(&candidate),
        }
    }
}

fn of_row<'e>(evidence: &'e Evidence<'_>, row: Row) -> Candidate<'e> {
    let count = evidence.table.level(row.n).counts[row.row];
    Candidate { ids: evidence.gram(row), count, measures: evidence.of_row(row) }
}

/// Cuts the corpus into chains of the strong set and proposes those that pass backtracking.
fn chains(
    corpus: &EncodedCorpus,
    evidence: &Evidence<'_>,
    settled: &Settled,
    sieve: &mut Sieve<'_>,
    summary: &mut Summary,
    context: &Context,
) -> Result<()> {
    let solid = |row| evidence.pmi_reason(row, settled).is_none();
    let members = evidence.rows(solid, context);
    for member in &members {
        summary.strong[member.n - 1] += 1;
    }
    let member = |rank: usize| evidence.gram(members[rank]);
    let strong = StrongSet::new(settled.order, members.len(), member)?;
    let asked = SegmentOptions {
        largest_id: corpus.symbols().len(),
        min_count: settled.min_count,
        false_chains: sieve.explains(),
    };
    let segments = count_segments(corpus, &strong, asked, context)?;
    (summary.segments, summary.false_segments) = (segments.segments, segments.false_segments);
    summary.overlong = segments.overlong;
    propose_singles(evidence, &segments, sieve);
    for row in members {
        let ids = evidence.gram(row);
        let count = strong.trie().walk(ids).map_or(0, |node| segments.members[node as usize]);
        sieve.propose(&Candidate { ids, count, measures: evidence.of_row(row) });
    }
    for (ids, count) in &segments.chains {
        let candidate = Candidate { ids, count: *count, measures: evidence.of_word(ids) };
        match strong.first_gap(ids) {
            None => sieve.propose(&candidate),
            // Shorter ones are n-grams and turned down as such below.
            Some(window) if ids.len() > settled.order => {
                let window = evidence.table.symbols.spell(window);
                sieve.reject(&candidate, Reason::NotSolid { window, length: settled.order });
            }
            Some(_) => {}
        }
    }
    if sieve.explains() {
        for row in evidence.rows(|row| !solid(row), context) {
            if let Some(reason) = evidence.pmi_reason(row, settled) {
                sieve.reject(&of_row(evidence, row), reason);
            }
        }
    }
    Ok(())
}

fn propose_singles(evidence: &Evidence<'_>, segments: &SegmentCounts, sieve: &mut Sieve<'_>) {
    for (id, &count) in (0_u32..).zip(&segments.singles).skip(1) {
        if count > 0 {
            let measures: Measures = evidence.of_word(&[id]);
            sieve.propose(&Candidate { ids: &[id], count, measures });
        }
    }
}
