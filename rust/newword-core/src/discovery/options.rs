//! Options of word discovery, and their defaults.

use crate::support::hash::HashSet;
use crate::support::{Error, Result};

/// How words are found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Method {
    /// The words of an unsupervised segmentation (Magistry and Sagot, ACL 2012), and those chains of
    /// more than `order` symbols that no cut into shorter words explains.
    #[default]
    Combined,
    /// Chains of overlapping solid n-grams, then backtracking
    /// (<https://kexue.fm/archives/4256>, <https://kexue.fm/archives/6920>).
    Chain,
    /// N-grams by count, cohesion and both branching entropies
    /// (<https://kexue.fm/archives/3491>). Words are at most `order` symbols long.
    Entropy,
    /// Chains of neighbours whose 2-gram is solid (<https://kexue.fm/archives/3913>).
    Bigram,
    /// The words of the segmentation that maximises autonomy (Magistry and Sagot, ACL 2012), with
    /// cohesion and a second look. Words are at most `order` symbols long.
    Autonomy,
}

impl Method {
    /// The name by which options call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Combined => "combined",
            Self::Chain => "chain",
            Self::Entropy => "entropy",
            Self::Bigram => "bigram",
            Self::Autonomy => "autonomy",
        }
    }
}

/// What the words are sorted by, falling; ties go by code point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SortBy {
    /// Their score, then their count.
    #[default]
    Score,
    /// Their count.
    Count,
}

/// What [`super::discover`] is asked for. What is `None` is chosen from the corpus and the method
/// and told in the summary.
#[derive(Debug, Clone, PartialEq)]
pub struct DiscoverOptions {
    /// How words are found.
    pub method: Method,
    /// The longest n-gram that is counted, 2 to 8 symbols; 4 where not given (2 for
    /// [`Method::Bigram`], which takes no other).
    pub order: Option<usize>,
    /// The smallest count of n-grams and words, at least 1.
    pub min_count: Option<u64>,
    /// The least cohesion in nats, inclusive: one value, or one for each length from 2 to `order`.
    pub min_pmi: Option<Vec<f64>>,
    /// The least branching entropy of a word on either side, in nats, inclusive. Single symbols
    /// are not held to it, nor are the windows of longer words, which lie inside of them.
    pub min_entropy: Option<f64>,
    /// For [`Method::Chain`]: whether the words are counted anew in the most probable segmentation
    /// of the corpus with themselves. Without, a word's count is that of the chains that consist of
    /// nothing else, which for words that stand in many longer chains is a small part.
    pub recount: bool,
    /// For [`Method::Combined`], and for [`Method::Chain`] without thresholds: whether a cut with the
    /// published thresholds adds its words of more than `order` symbols. The other cut of the latter joins
    /// weak pairs, so that few of its long chains pass backtracking.
    pub long_words: bool,
    /// The fewest characters of a word; 1 keeps the single symbols that segmentation needs.
    pub min_length: usize,
    /// The most characters of a word; words may be longer than `order` where `None`.
    pub max_length: Option<usize>,
    /// Words that are known already.
    pub known: HashSet<String>,
    /// Whether known words are left out rather than marked.
    pub drop_known: bool,
    /// Characters that no word of 2 characters or more may begin or end with.
    pub edge_stops: HashSet<char>,
    /// What the words are sorted by.
    pub sort_by: SortBy,
    /// How many of the rejected candidates are returned, most frequent first.
    pub rejected: usize,
}

impl Default for DiscoverOptions {
    fn default() -> Self {
        Self {
            method: Method::default(),
            order: None,
            min_count: None,
            min_pmi: None,
            min_entropy: None,
            recount: true,
            long_words: true,
            min_length: 1,
            max_length: None,
            known: HashSet::default(),
            drop_known: false,
            edge_stops: HashSet::default(),
            sort_by: SortBy::default(),
            rejected: 0,
        }
    }
}

/// The options with all defaults filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    pub order: usize,
    pub min_count: u64,
    /// For 2 to `order` symbols.
    pub min_pmi: Vec<f64>,
    pub min_entropy: f64,
}

impl DiscoverOptions {
    /// Checks every option and fills in the defaults for a corpus of `total` symbols.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] naming the option at fault; [`Error::Corpus`] for an empty one.
    pub fn settle(&self, total: u64) -> Result<Settled> {
        let order = self.settle_order()?;
        if total == 0 {
            return Err(Error::Corpus(
                "the corpus holds no symbol of the alphabet: nothing but breaks".into(),
            ));
        }
        let min_count = self.min_count.unwrap_or_else(|| default_min_count(total));
        if min_count == 0 {
            return Err(Error::invalid("min_count", "must be at least 1", min_count));
        }
        if min_count > total {
            let rule = format!("must not exceed the {total} symbols of the corpus");
            return Err(Error::invalid("min_count", rule, min_count));
        }
        self.check_lengths()?;
        let min_entropy = self.min_entropy.unwrap_or(match self.method {
            Method::Entropy => ENTROPY_METHOD_MIN_ENTROPY.min(0.2 * (total as f64).ln()),
            Method::Combined | Method::Chain => CHAIN_MIN_ENTROPY,
            Method::Bigram | Method::Autonomy => 0.0,
        });
        check_threshold("min_entropy", min_entropy)?;
        Ok(Settled { order, min_count, min_pmi: self.settle_pmi(order, total)?, min_entropy })
    }

    fn settle_order(&self) -> Result<usize> {
        let order = match (self.method, self.order) {
            (Method::Bigram, None | Some(2)) => 2,
            (Method::Bigram, Some(order)) => {
                return Err(Error::invalid("order", "must be 2 for method \"bigram\"", order));
            }
            (_, order) => order.unwrap_or(4),
        };
        if (2..=8).contains(&order) {
            Ok(order)
        } else {
            Err(Error::invalid("order", "must be between 2 and 8", order))
        }
    }

    fn check_lengths(&self) -> Result<()> {
        if self.min_length == 0 {
            return Err(Error::invalid("min_length", "must be at least 1", 0));
        }
        match self.max_length {
            Some(most) if most < self.min_length => {
                let rule = format!("must be at least min_length ({})", self.min_length);
                Err(Error::invalid("max_length", rule, most))
            }
            _ => Ok(()),
        }
    }

    fn settle_pmi(&self, order: usize, total: u64) -> Result<Vec<f64>> {
        let Some(given) = &self.min_pmi else {
            let default =
                |length| default_pmi(self.method, length).min(attainable_pmi(length, total));
            return Ok((2..=order).map(default).collect());
        };
        for threshold in given {
            check_threshold("min_pmi", *threshold)?;
        }
        match given.len() {
            1 => Ok(vec![given[0]; order - 1]),
            length if length == order - 1 => Ok(given.clone()),
            length => {
                let rule = format!(
                    "must be one threshold, or {} (one for each length from 2 to {order})",
                    order - 1
                );
                Err(Error::invalid("min_pmi", rule, format!("{length} thresholds")))
            }
        }
    }
}

fn check_threshold(argument: &str, threshold: f64) -> Result<()> {
    if threshold >= 0.0 && threshold.is_finite() {
        return Ok(());
    }
    Err(Error::invalid(argument, "must be a finite number of nats, 0 or more", threshold))
}

/// The article of the entropy method asks for a ratio of 30 and an entropy of 3. An n-gram that occurs
/// c times has an entropy of ln c at most, so that small corpora are asked for less.
const ENTROPY_METHOD_MIN_ENTROPY: f64 = 3.0;

/// A word that always stands between the same two symbols is a piece of something longer. More would
/// cost rare words of small corpora, whose entropy cannot exceed the logarithm of their count.
const CHAIN_MIN_ENTROPY: f64 = 0.5;

/// The published thresholds in nats: 2 for two symbols, and 2 more for each more.
pub fn published_pmi(order: usize, total: u64) -> Vec<f64> {
    let published = |length: usize| 2.0 * (length as f64 - 1.0);
    (2..=order).map(|length| published(length).min(attainable_pmi(length, total))).collect()
}

/// The most that a threshold asks for in a corpus of `total` symbols: a word that is as solid as can
/// be and occurs c times has a cohesion of ln(total / c), so that a threshold for millions of
/// symbols is out of reach in a few thousand. Binds below 600,000 symbols at length 4.
fn attainable_pmi(length: usize, total: u64) -> f64 {
    (total as f64).ln() * (0.2 * (length as f64 - 1.0)).min(0.8)
}

/// Thresholds in nats. Those for chains were tuned for exact counts on news of 7.5 million symbols
/// by the agreement of the segmentation they lead to with annotated text; longer n-grams are
/// overrated the more the longer they are, so the steps go on as they begin.
fn default_pmi(method: Method, length: usize) -> f64 {
    match (method, length) {
        (Method::Entropy, _) => 30.0_f64.ln(),
        (Method::Combined | Method::Autonomy, _) => 0.0,
        (Method::Bigram, _) | (Method::Chain, 2) => 1.0,
        (Method::Chain, _) => 4.5 + 3.5 * (length as f64 - 3.0),
    }
}

/// The smallest count for a corpus of `total` symbols: 2 up to two million, 4 for ten million, 14
/// for 300 million. Measured on news and statutes of 0.2 to 55 MB by agreement with annotated text
/// and share of known words; beyond that it goes on with the cube root.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // Between 2 and 2^22.
pub fn default_min_count(total: u64) -> u64 {
    let grown = (total as f64 / 1e5).cbrt().round().max(2.0) as u64;
    grown.min(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(options: &DiscoverOptions, total: u64) -> String {
        options.settle(total).unwrap_err().to_string()
    }

    fn chain() -> DiscoverOptions {
        DiscoverOptions { method: Method::Chain, ..DiscoverOptions::default() }
    }

    #[test]
    fn what_is_left_open_is_chosen() {
        let settled = chain().settle(7_500_000).unwrap();
        assert_eq!(settled.min_pmi, [1.0, 4.5, 8.0]);
        assert_eq!((settled.order, settled.min_count), (4, 4));
        let bigram = DiscoverOptions { method: Method::Bigram, ..DiscoverOptions::default() };
        assert_eq!(bigram.settle(7_500_000).unwrap().min_pmi, [1.0]);
        let one = DiscoverOptions { min_pmi: Some(vec![2.0]), ..chain() };
        assert_eq!(one.settle(9).unwrap().min_pmi, [2.0; 3]);
    }

    #[test]
    fn thresholds_stay_within_the_reach_of_small_corpora() {
        let settled = chain().settle(14_000).unwrap();
        // A word that occurs 12 times reaches ln(14,000 / 12) = 7.06 at most.
        assert!(settled.min_pmi[2] < 6.0 && settled.min_pmi[2] > settled.min_pmi[1]);
        assert!(published_pmi(8, 14_000).iter().all(|threshold| *threshold < 7.7));
        assert_eq!(published_pmi(4, 7_500_000), [2.0, 4.0, 6.0]);
    }

    #[test]
    fn an_error_names_the_argument_the_rule_and_the_value() {
        let with = |change: &dyn Fn(&mut DiscoverOptions)| {
            let mut options = DiscoverOptions::default();
            change(&mut options);
            message(&options, 100)
        };
        assert_eq!(
            with(&|options| options.order = Some(9)),
            "order: must be between 2 and 8, got 9"
        );
        assert!(with(&|options| options.min_count = Some(0)).starts_with("min_count: "));
        assert_eq!(
            with(&|options| options.min_count = Some(101)),
            "min_count: must not exceed the 100 symbols of the corpus, got 101"
        );
        assert!(with(&|options| options.min_pmi = Some(vec![f64::NAN])).contains("got NaN"));
        assert!(with(&|options| options.min_pmi = Some(vec![1.0, -1.0, 2.0])).contains("got -1"));
        assert!(with(&|options| options.min_pmi = Some(vec![1.0; 2])).contains("2 thresholds"));
        assert!(with(&|options| options.min_entropy = Some(f64::INFINITY)).contains("got inf"));
        assert!(with(&|options| options.min_length = 0).starts_with("min_length: "));
        assert!(with(&|options| options.max_length = Some(0)).starts_with("max_length: "));
        assert!(message(&DiscoverOptions::default(), 0).contains("no symbol"));
        let bigram = DiscoverOptions {
            method: Method::Bigram,
            order: Some(3),
            ..DiscoverOptions::default()
        };
        assert!(message(&bigram, 9).starts_with("order: must be 2"));
    }
}
