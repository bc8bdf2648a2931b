//! Results of a discovery: words, a summary of how they were chosen, rejected candidates.

use std::fmt;

use super::kind::Kind;

/// A word of a lexicon, with what the corpus says of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Word {
    /// The word.
    pub text: String,
    /// Occurrences: as a segment for the chain method, as an n-gram for the others.
    pub count: u64,
    /// Its length in characters (code points).
    pub length: usize,
    /// Cohesion in nats: the smallest ln(N c(w) / (c(l) c(r))) over its cuts into l and r. For
    /// words longer than the order, the smallest cohesion of its windows of `order` symbols, which
    /// is an upper bound only. NaN for single symbols.
    pub pmi: f64,
    /// Entropy of the symbols before it, in nats. For words longer than the order, that of its
    /// first window of `order` symbols. NaN where it was not counted.
    pub left_entropy: f64,
    /// Entropy of the symbols after it, in nats; for longer words that of the last window.
    pub right_entropy: f64,
    /// What the words can be ranked by; see the method.
    pub score: f64,
    /// Whether it was in the set of known words.
    pub known: bool,
    /// Whether it is a number, a quantity or a phrase.
    pub kind: Kind,
}

/// Why a candidate was rejected.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// It occurs too rarely.
    Count {
        /// Its count.
        count: u64,
        /// The smallest count kept.
        min: u64,
    },
    /// Its cohesion is below the threshold of its length.
    Pmi {
        /// Its cohesion in nats.
        pmi: f64,
        /// The threshold.
        min: f64,
        /// Its length in symbols.
        length: usize,
    },
    /// Too few different symbols stand before it.
    LeftEntropy {
        /// Its left entropy in nats.
        entropy: f64,
        /// The threshold.
        min: f64,
    },
    /// Too few different symbols stand after it.
    RightEntropy {
        /// Its right entropy in nats.
        entropy: f64,
        /// The threshold.
        min: f64,
    },
    /// It fails backtracking: a part of it (or all of it) is not in the strong set.
    NotSolid {
        /// The first window of it that is not.
        window: String,
        /// The window's length in symbols.
        length: usize,
    },
    /// A cut into shorter words explains it.
    Explained {
        /// Those words.
        parts: Vec<String>,
        /// The logarithm of how much more frequent it is than they would stand together by chance, in nats.
        pmi: f64,
        /// The threshold.
        min: f64,
    },
    /// It is in the set of known words.
    Known,
    /// It begins or ends with a stop character.
    Edge {
        /// That character.
        character: char,
    },
    /// It has too few characters.
    TooShort {
        /// Its length in characters.
        length: usize,
        /// The smallest length kept.
        min: usize,
    },
    /// It has too many characters.
    TooLong {
        /// Its length in characters.
        length: usize,
        /// The largest length kept.
        max: usize,
    },
    /// Its score is below the method's threshold.
    Score {
        /// Its score.
        score: f64,
        /// The threshold.
        min: f64,
    },
}

impl Reason {
    /// One lower-case word for tables.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Count { .. } => "count",
            Self::Pmi { .. } => "pmi",
            Self::LeftEntropy { .. } => "left_entropy",
            Self::RightEntropy { .. } => "right_entropy",
            Self::NotSolid { .. } => "not_solid",
            Self::Explained { .. } => "explained",
            Self::Known => "known",
            Self::Edge { .. } => "edge",
            Self::TooShort { .. } => "too_short",
            Self::TooLong { .. } => "too_long",
            Self::Score { .. } => "score",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count { count, min } => write!(out, "count {count} below {min}"),
            Self::Pmi { pmi, min, length } => {
                write!(out, "pmi {pmi:.2} below {min:.2} for length {length}")
            }
            Self::LeftEntropy { entropy, min } => {
                write!(out, "left entropy {entropy:.2} below {min:.2}")
            }
            Self::RightEntropy { entropy, min } => {
                write!(out, "right entropy {entropy:.2} below {min:.2}")
            }
            Self::NotSolid { window, length } => {
                write!(out, "not solid: {length}-gram {window} is not in the strong set")
            }
            Self::Explained { parts, pmi, min } => {
                write!(out, "explained by {}: pmi {pmi:.2} below {min:.2}", parts.join(" "))
            }
            Self::Known => write!(out, "known"),
            Self::Edge { character } => write!(out, "edge stop character {character}"),
            Self::TooShort { length, min } => {
                write!(out, "length {length} below {min}")
            }
            Self::TooLong { length, max } => write!(out, "length {length} above {max}"),
            Self::Score { score, min } => write!(out, "score {score:.2} below {min:.2}"),
        }
    }
}

/// A rejected candidate.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejected {
    /// The candidate.
    pub text: String,
    /// Its occurrences, as in [`Word::count`].
    pub count: u64,
    /// As in [`Word::pmi`].
    pub pmi: f64,
    /// As in [`Word::left_entropy`].
    pub left_entropy: f64,
    /// As in [`Word::right_entropy`].
    pub right_entropy: f64,
    /// The first rule it broke.
    pub reason: Reason,
}

/// How the words were chosen and how many passed each stage.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    /// Symbols in the corpus; for `counts="kenlm"`, the records that the published script sums.
    pub total: u64,
    /// Distinct symbols.
    pub symbols: usize,
    /// The longest n-gram.
    pub order: usize,
    /// The smallest count kept, given or chosen.
    pub min_count: u64,
    /// The cohesion thresholds in nats for 2 to `order` symbols, given or chosen.
    pub min_pmi: Vec<f64>,
    /// The smallest branching entropy in nats, on both sides, given or chosen.
    pub min_entropy: f64,
    /// Distinct n-grams that were counted often enough, by length from 1.
    pub ngrams: Vec<u64>,
    /// Members of the strong set by length from 1 (of which there are none).
    pub strong: Vec<u64>,
    /// Segments the corpus was cut into; 0 for methods that do not cut.
    pub segments: u64,
    /// Segments that fail backtracking.
    pub false_segments: u64,
    /// Segments too long to be looked at as words.
    pub overlong: u64,
    /// Distinct candidates that reached the smallest count.
    pub candidates: u64,
    /// Words that are left.
    pub words: u64,
}

/// The result of a discovery.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Discovery {
    /// The words, in the order asked for.
    pub words: Vec<Word>,
    /// How they were chosen.
    pub summary: Summary,
    /// The rejected candidates, in the same order; empty unless asked for.
    pub rejected: Vec<Rejected>,
}
