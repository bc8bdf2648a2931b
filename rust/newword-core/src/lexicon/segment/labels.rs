//! The numbers by which the trie knows the pieces of a text.

use std::borrow::Cow;

use super::tokens::{Kind, Token, Tokens};
use super::{Numbers, SegmenterOptions};
use crate::support::hash::HashMap;

/// Tokens to labels.
#[derive(Debug, Clone)]
pub struct Labels {
    /// By code point, for tokens of one character of the basic plane.
    characters: Vec<u32>,
    others: HashMap<Box<str>, u32>,
    len: u32,
}

impl Labels {
    /// The label of a token that is in no word and may not pair.
    pub const UNKNOWN: u32 = 0;
    /// The label of a Han character that is in no word.
    pub const UNKNOWN_HAN: u32 = u32::MAX;

    /// Labels for the tokens of words with counts: by falling frequency from 1, so that the trie's
    /// busy nodes lie close.
    pub fn of_words<'w>(
        words: impl Iterator<Item = (&'w str, u64)>,
        options: &SegmenterOptions,
    ) -> Self {
        let mut counts: HashMap<String, u64> = HashMap::default();
        for (word, count) in words {
            for token in Tokens::new(word, &options.alphabet, options.numbers) {
                let name = name_of(&word[token.start..token.end], token, options);
                match counts.get_mut(&*name) {
                    Some(sum) => *sum = sum.saturating_add(count),
                    None => {
                        counts.insert(name.into_owned(), count);
                    }
                }
            }
        }
        let mut by_count: Vec<(String, u64)> = counts.into_iter().collect();
        by_count.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        Self::number(by_count.iter().map(|(name, _)| name.as_str()))
    }

    fn number<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let (characters, others) = (vec![Self::UNKNOWN; 1 << 16], HashMap::default());
        let mut labels = Self { characters, others, len: 0 };
        for (name, label) in names.zip(1..) {
            labels.len = label;
            match plane_index(name) {
                Some(index) => labels.characters[index] = label,
                None => {
                    labels.others.insert(name.into(), label);
                }
            }
        }
        labels
    }

    /// By label, whether it is a Han character and may pair with another.
    pub fn pairs(&self) -> Vec<bool> {
        let mut pairs = vec![false; self.len as usize + 1];
        for (label, code_point) in self.characters.iter().zip(0..) {
            pairs[*label as usize] |=
                *label != Self::UNKNOWN && char::from_u32(code_point).is_some_and(is_han);
        }
        for (name, label) in &self.others {
            pairs[*label as usize] |= is_one_han(name);
        }
        pairs
    }

    /// The label of a token of `text`.
    #[inline]
    pub fn of_token(&self, text: &str, token: Token, options: &SegmenterOptions) -> u32 {
        // Nearly all tokens of Chinese text, and NFKC leaves every one of them alone.
        if let Some(index @ 0x4e00..=0x9fff) = plane_index(text) {
            let label = self.characters[index];
            return if label == Self::UNKNOWN { Self::UNKNOWN_HAN } else { label };
        }
        let label = if options.alphabet.nfkc || token.kind == Kind::Number {
            self.get(&name_of(text, token, options))
        } else {
            self.get(text)
        };
        if label == Self::UNKNOWN && token.kind == Kind::Symbol && is_one_han(text) {
            return Self::UNKNOWN_HAN;
        }
        label
    }

    /// The labels of a word's tokens.
    pub fn of_word(&self, word: &str, options: &SegmenterOptions) -> Vec<u32> {
        let tokens = Tokens::new(word, &options.alphabet, options.numbers);
        tokens.map(|token| self.of_token(&word[token.start..token.end], token, options)).collect()
    }

    #[inline]
    fn get(&self, name: &str) -> u32 {
        match plane_index(name) {
            Some(index) => self.characters[index],
            None => self.others.get(name).copied().unwrap_or(Self::UNKNOWN),
        }
    }
}

/// The name a token is looked up by.
fn name_of<'t>(text: &'t str, token: Token, options: &SegmenterOptions) -> Cow<'t, str> {
    if token.kind == Kind::Number && options.numbers == Numbers::Classed {
        return "0".into();
    }
    options.alphabet.fold(text)
}

/// The code point of a token that is one character of the basic plane.
#[inline]
fn plane_index(name: &str) -> Option<usize> {
    let first = name.chars().next()?;
    let index = first as usize;
    (index < 1 << 16 && first.len_utf8() == name.len()).then_some(index)
}

/// Whether a token is one Han character, marks aside.
pub fn is_one_han(name: &str) -> bool {
    name.chars().next().is_some_and(is_han)
}

/// Whether a character is a Han character: unified and compatibility ideographs of all blocks, the
/// zero and the repetition mark.
fn is_han(character: char) -> bool {
    matches!(character, '\u{3005}' | '\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}
