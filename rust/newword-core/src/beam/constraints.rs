//! The constraints that all searches share: ends, lengths, and the tokens that may follow.

use std::sync::Arc;

use super::candidates::index;
use super::history::History;
use super::token_trie::TokenTrie;
use crate::support::{Error, Result};

/// The constraints on generated sequences. `max_length`, `min_length`, `prefixes` and `allowed` have one item
/// for all sources or one for each; the last two may be empty.
///
/// Lengths count generated tokens, the end token included. They do not count the prompt of a decoder, so its
/// padding makes no difference.
#[derive(Debug, Clone)]
pub struct Constraints {
    /// Tokens that end a hypothesis.
    pub end_tokens: Vec<i32>,
    /// The token of rows without a hypothesis.
    pub pad_token: i32,
    /// The largest length.
    pub max_length: Vec<usize>,
    /// The smallest length of a finished hypothesis.
    pub min_length: Vec<usize>,
    /// Whether only an end token may be the last token of a hypothesis of the largest length. Otherwise such a
    /// hypothesis may stay unfinished.
    pub force_end: bool,
    /// No n-gram of this order occurs twice in a hypothesis, unless no other token may follow; 0 for no such
    /// rule.
    pub no_repeat: usize,
    /// Tokens that are never generated.
    pub forbidden: Vec<i32>,
    /// First tokens, even if they are forbidden elsewhere.
    pub prefixes: Vec<Vec<i32>>,
    /// The sequences that may be generated.
    pub allowed: Vec<Option<Arc<TokenTrie>>>,
}

/// The item of a source.
fn of_source<T>(items: &[T], source: usize) -> Option<&T> {
    if items.len() == 1 { items.first() } else { items.get(source) }
}

impl Constraints {
    pub(super) fn check(&self, batch: usize) -> Result<()> {
        let counts = [
            ("max_length", self.max_length.len()),
            ("min_length", self.min_length.len()),
            ("prefix", self.prefixes.len()),
            ("allowed", self.allowed.len()),
        ];
        for (place, (argument, count)) in counts.into_iter().enumerate() {
            if !(count == batch || count == 1 || (count == 0 && place >= 2)) {
                let rule = format!("must be one for all sources or one for each of {batch}");
                return Err(Error::invalid(argument, rule, format!("{count} values")));
            }
        }
        for (argument, token) in self.named_tokens() {
            if token < 0 {
                return Err(Error::invalid(argument, "must be at least 0", token));
            }
        }
        (0..batch).try_for_each(|source| self.check_source(source))
    }

    fn check_source(&self, source: usize) -> Result<()> {
        let (least, most) = (self.min_length(source), self.max_length(source));
        if most == 0 || most > i32::MAX as usize {
            let value = format!("{most} for source {source}");
            return Err(Error::invalid("max_length", "must be between 1 and 2^31 - 1", value));
        }
        if least > most {
            let rule = format!("must be at most max_length, {most}");
            return Err(Error::invalid("min_length", rule, format!("{least} for source {source}")));
        }
        let prefix = self.prefix(source);
        let value = |what: String| format!("{what} for source {source}");
        if prefix.len() > most {
            let rule = format!("must have at most max_length tokens, {most}");
            return Err(Error::invalid("prefix", rule, value(prefix.len().to_string())));
        }
        if let Some(token) = prefix.iter().find(|token| self.end_tokens.contains(token)) {
            let rule = "must not contain an end token";
            return Err(Error::invalid("prefix", rule, value(token.to_string())));
        }
        if let Some(trie) = self.trie(source) {
            let walk = |state: u32, &token: &i32| trie.next(state, token);
            if prefix.iter().try_fold(TokenTrie::ROOT, walk).is_none() {
                let rule = "must be the beginning of an allowed sequence";
                return Err(Error::invalid("prefix", rule, value(format!("{prefix:?}"))));
            }
        }
        Ok(())
    }

    /// The tokens that arguments name, with the names of the arguments.
    fn named_tokens(&self) -> impl Iterator<Item = (&'static str, i32)> {
        let ends = self.end_tokens.iter().map(|&token| ("end_token", token));
        let forbidden = self.forbidden.iter().map(|&token| ("forbidden", token));
        let prefixes = self.prefixes.iter().flatten().map(|&token| ("prefix", token));
        ends.chain(forbidden).chain(prefixes)
    }

    /// Checks that every named token is one of the vocabulary.
    fn check_vocabulary(&self, size: usize) -> Result<()> {
        let tries = self.allowed.iter().flatten();
        let largest = tries.filter_map(|trie| trie.largest()).map(|token| ("allowed", token));
        for (argument, token) in self.named_tokens().chain(largest) {
            if index(token) >= size {
                let rule = format!("must be below the size of the vocabulary, {size}");
                return Err(Error::invalid(argument, rule, token));
            }
        }
        Ok(())
    }

    pub(super) fn max_length(&self, source: usize) -> usize {
        of_source(&self.max_length, source).copied().unwrap_or_default()
    }

    pub(super) fn min_length(&self, source: usize) -> usize {
        of_source(&self.min_length, source).copied().unwrap_or_default()
    }

    pub(super) fn prefix(&self, source: usize) -> &[i32] {
        of_source(&self.prefixes, source).map_or(&[], Vec::as_slice)
    }

    pub(super) fn trie(&self, source: usize) -> Option<&TokenTrie> {
        of_source(&self.allowed, source)?.as_deref()
    }
}

/// The tokens that may follow a hypothesis, apart from end tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tokens<'a> {
    All,
    /// These tokens, ascending.
    Listed(&'a [i32]),
}

/// The ways in which a hypothesis may continue.
#[derive(Debug, Clone)]
pub(super) struct Choices<'a> {
    pub(super) tokens: Tokens<'a>,
    /// The end tokens that may follow, ascending.
    pub(super) ends: Vec<i32>,
    /// Tokens that would repeat an n-gram, ascending.
    repeats: Vec<i32>,
    /// Whether the next token is one of the prefix, which may be a forbidden token.
    forced: bool,
}

impl Choices<'_> {
    /// Whether a token may follow, given that it is one of `tokens`.
    #[inline]
    pub(super) fn admit(&self, token: i32, vocabulary: &Vocabulary) -> bool {
        self.forced
            || (vocabulary.is_ordinary(index(token)) && self.repeats.binary_search(&token).is_err())
    }

    /// The tokens that [`admit`](Self::admit) excludes, given that nothing is forced.
    pub(super) fn excluded<'a>(
        &'a self,
        vocabulary: &'a Vocabulary,
    ) -> impl Iterator<Item = i32> + 'a {
        vocabulary.listed.iter().chain(&self.repeats).copied()
    }
}

/// A live hypothesis: its tokens and its place in the trie.
pub(super) struct Place<'a> {
    pub(super) source: usize,
    /// The number of this step, from 1: the length of the hypothesis after it.
    pub(super) step: usize,
    pub(super) history: &'a History,
    pub(super) node: u32,
    pub(super) state: u32,
    /// The tokens that the caller allows, ascending.
    pub(super) listed: Option<&'a [i32]>,
}

impl Constraints {
    /// The ways in which a hypothesis may continue; n-grams may be repeated if `repeat`.
    pub(super) fn choices<'a>(&'a self, place: &Place<'a>, repeat: bool) -> Choices<'a> {
        let prefix = self.prefix(place.source);
        if let Some(token) = prefix.get(place.step - 1) {
            let tokens = Tokens::Listed(std::slice::from_ref(token));
            return Choices { tokens, ends: vec![], repeats: vec![], forced: true };
        }
        let mut ends = self.end_tokens.clone();
        ends.sort_unstable();
        ends.dedup();
        ends.retain(|end| !self.forbidden.contains(end));
        let mut tokens = Tokens::All;
        if let Some(trie) = self.trie(place.source) {
            tokens = Tokens::Listed(trie.tokens(place.state));
            ends.retain(|_| trie.is_complete(place.state));
        }
        if let Some(listed) = place.listed {
            tokens = Tokens::Listed(listed);
            ends.retain(|end| listed.binary_search(end).is_ok());
        }
        if place.step < self.min_length(place.source) {
            ends.clear();
        }
        let last = place.step >= self.max_length(place.source);
        if self.force_end && last && !ends.is_empty() {
            tokens = Tokens::Listed(&[]);
        }
        let repeats = if repeat { vec![] } else { self.repeats(place) };
        Choices { tokens, ends, repeats, forced: false }
    }

    /// The tokens that would repeat an n-gram of the hypothesis, ascending. O(length).
    fn repeats(&self, place: &Place<'_>) -> Vec<i32> {
        if self.no_repeat == 0 || place.step <= self.no_repeat {
            return vec![];
        }
        let (tokens, _) = place.history.path(place.node);
        let context = &tokens[tokens.len() + 1 - self.no_repeat..];
        let windows = tokens.windows(self.no_repeat);
        let repeated = windows.filter(|window| window.starts_with(context));
        let mut found: Vec<_> = repeated.map(|window| window[window.len() - 1]).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The vocabulary, known from the first step on.
#[derive(Debug, Clone)]
pub(super) struct Vocabulary {
    pub(super) size: usize,
    /// A bit for each forbidden token and each end token.
    special: Vec<u64>,
    /// The same tokens.
    listed: Vec<i32>,
}

impl Vocabulary {
    /// The vocabulary of a step whose scores have `size` columns: that of the first step.
    pub(super) fn of_step(
        argument: &str,
        known: Option<&Self>,
        constraints: &Constraints,
        size: usize,
    ) -> Result<Self> {
        match known {
            Some(known) if known.size == size => Ok(known.clone()),
            Some(known) => {
                let rule = format!("must have the vocabulary of the first step, {}", known.size);
                Err(Error::invalid(argument, rule, size))
            }
            None if size == 0 || size > i32::MAX as usize => {
                let rule = "must have a vocabulary between 1 and 2^31 - 1";
                Err(Error::invalid(argument, rule, size))
            }
            None => {
                constraints.check_vocabulary(size)?;
                Ok(Self::new(size, constraints))
            }
        }
    }

    fn new(size: usize, constraints: &Constraints) -> Self {
        let listed = [&constraints.forbidden[..], &constraints.end_tokens].concat();
        let mut special = vec![0_u64; size.div_ceil(64)];
        for &token in &listed {
            special[index(token) / 64] |= 1 << (index(token) % 64);
        }
        Self { size, special, listed }
    }

    /// Whether a token is neither forbidden nor an end token.
    #[inline]
    fn is_ordinary(&self, token: usize) -> bool {
        self.special[token / 64] >> (token % 64) & 1 == 0
    }
}
