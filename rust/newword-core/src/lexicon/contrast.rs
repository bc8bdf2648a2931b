//! The terms of a domain: words that one corpus uses more than another.
//!
//! Source: <https://kexue.fm/archives/6540>: the share of a word's occurrences that fall into the
//! corpus of the domain, drawn towards a prior where there are few of them.

use crate::support::hash::HashMap;
use crate::support::{Error, Result};

/// A word in two corpora.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// The word.
    pub text: String,
    /// Its count in the corpus of the domain.
    pub count: u64,
    /// Its count in the other.
    pub other_count: u64,
    /// Between 0 and 1: `alpha` for a word that neither corpus says much of, near 1 for one that
    /// is frequent in the domain and rare elsewhere.
    pub score: f64,
}

/// Scores the words of a domain against another corpus by (f1 + m alpha) / (f1 + f2 + m), where f1
/// and f2 are the word's shares of all counts of either side, and m is the mean of f1 + f2 over all
/// words of both. Words of the domain come back by falling score, then count, then code point.
/// O(n log n).
///
/// # Errors
/// [`Error::InvalidArgument`] where a side has no count, or `alpha` is not between 0 and 1.
pub fn contrast(
    domain: &[(String, u64)],
    other: &[(String, u64)],
    alpha: f64,
) -> Result<Vec<Term>> {
    if !(0.0..=1.0).contains(&alpha) {
        return Err(Error::invalid("alpha", "must be between 0 and 1", alpha));
    }
    let total = |side: &str, words: &[(String, u64)]| {
        let sum: u64 = words.iter().map(|(_, count)| count).sum();
        if sum == 0 { Err(Error::invalid(side, "must hold a word", 0)) } else { Ok(sum as f64) }
    };
    let (domain_total, other_total) = (total("domain", domain)?, total("other", other)?);
    let mut counts: HashMap<&str, [u64; 2]> = HashMap::default();
    for (side, words) in [domain, other].into_iter().enumerate() {
        for (word, count) in words {
            counts.entry(word).or_default()[side] += count;
        }
    }
    // The shares of each side sum to 1, whatever the words.
    let mean = 2.0 / counts.len() as f64;
    let scored = |(text, [count, other_count]): (&str, [u64; 2])| {
        let here = count as f64 / domain_total;
        let there = other_count as f64 / other_total;
        let score = (here + mean * alpha) / (here + there + mean);
        Term { text: text.to_owned(), count, other_count, score }
    };
    let mut terms: Vec<Term> =
        counts.into_iter().filter(|(_, [count, _])| *count > 0).map(scored).collect();
    terms.sort_unstable_by(|a, b| {
        let by_count = || b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text));
        b.score.total_cmp(&a.score).then_with(by_count)
    });
    Ok(terms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[(&str, u64)]) -> Vec<(String, u64)> {
        words.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
    }

    #[test]
    fn terms_of_the_domain_come_first() {
        let law = words(&[("被告", 30), ("的", 60), ("法官", 9), ("新", 1)]);
        let news = words(&[("的", 600), ("新", 300), ("法官", 100)]);
        let terms = contrast(&law, &news, 0.5).unwrap();
        let order: Vec<&str> = terms.iter().map(|term| term.text.as_str()).collect();
        assert_eq!(order, ["被告", "的", "法官", "新"]);
        // f1 = 0.3, f2 = 0, m = 2 / 4.
        assert!((terms[0].score - (0.3 + 0.25) / (0.3 + 0.5)).abs() < 1e-12);
        assert_eq!((terms[2].count, terms[2].other_count), (9, 100));
    }

    #[test]
    fn sides_without_words_and_alphas_out_of_range_are_errors() {
        let one = words(&[("一", 1)]);
        assert!(contrast(&one, &words(&[("二", 0)]), 0.5).is_err());
        assert!(contrast(&[], &one, 0.5).is_err());
        assert!(contrast(&one, &one, f64::NAN).is_err());
    }
}
