//! The labels of tokens in the trie.

use std::borrow::Cow;
use std::sync::OnceLock;

use super::options::{Numbers, SegmenterOptions};
use super::tokens::{Kind, Token, Tokens};
use crate::corpus::Alphabet;
use crate::support::hash::HashMap;

/// Tokens to labels.
#[derive(Debug, Clone)]
pub struct Labels {
    /// By code point, for tokens of one character of the basic plane; folded where asked.
    characters: Vec<u32>,
    others: HashMap<Box<str>, u32>,
    len: u32,
}

impl Labels {
    /// The label of a mark that is in no word: it ends the search.
    pub const BREAK: u32 = 0;
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
        let mut labels = Self::number(by_count.iter().map(|(name, _)| name.as_str()));
        if options.alphabet.nfkc {
            for (index, folded) in folded_characters() {
                labels.characters[*index] = labels.find(folded);
            }
        }
        labels
    }

    fn number<'n>(names: impl Iterator<Item = &'n str>) -> Self {
        let (characters, others) = (vec![Self::BREAK; PLANE], HashMap::default());
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

    /// The label of a token that is in no word, no mark and may not pair.
    fn unknown(&self) -> u32 {
        self.len + 1
    }

    /// By label, whether it is a Han character and may pair with another. What a character folds to
    /// is as much a Han character as itself.
    pub fn pairs(&self) -> Vec<bool> {
        let mut pairs = vec![false; self.len as usize + 2];
        for (label, code_point) in self.characters.iter().zip(0..) {
            pairs[*label as usize] |=
                *label != Self::BREAK && char::from_u32(code_point).is_some_and(is_han);
        }
        for (name, label) in &self.others {
            pairs[*label as usize] |= is_one_han(name);
        }
        pairs
    }

    /// The label of a unified ideograph of the basic block: NFKC leaves every one of them alone.
    #[inline]
    pub fn of_han(&self, code_point: usize) -> u32 {
        let label = self.characters[code_point];
        std::hint::select_unpredictable(label == Self::BREAK, Self::UNKNOWN_HAN, label)
    }

    /// The label of a token of `text`.
    pub fn of_token(&self, text: &str, token: Token, options: &SegmenterOptions) -> u32 {
        let is_classed = token.kind == Kind::Number && options.numbers == Numbers::Classed;
        let label = match plane_index(text).filter(|_| !is_classed) {
            Some(index) => self.characters[index],
            None => self.find(&name_of(text, token, options)),
        };
        match token.kind {
            _ if label != Self::BREAK => label,
            Kind::Mark => Self::BREAK,
            Kind::Symbol if is_one_han(text) => Self::UNKNOWN_HAN,
            Kind::Symbol | Kind::Number | Kind::Address => self.unknown(),
        }
    }

    /// The labels of a word's tokens.
    pub fn of_word(&self, word: &str, options: &SegmenterOptions) -> Vec<u32> {
        let tokens = Tokens::new(word, &options.alphabet, options.numbers);
        tokens.map(|token| self.of_token(&word[token.start..token.end], token, options)).collect()
    }

    /// The label of a name, [`Labels::BREAK`] where it has none.
    fn find(&self, name: &str) -> u32 {
        match plane_index(name) {
            Some(index) => self.characters[index],
            None => self.others.get(name).copied().unwrap_or(Self::BREAK),
        }
    }
}

/// The characters of the basic plane that NFKC changes, and what it makes of them.
fn folded_characters() -> &'static [(usize, Box<str>)] {
    static FOLDED: OnceLock<Vec<(usize, Box<str>)>> = OnceLock::new();
    FOLDED.get_or_init(|| {
        let alphabet = Alphabet { nfkc: true, ..Alphabet::default() };
        let mut buffer = [0; 4];
        let folded = |character: char| {
            let text = &*character.encode_utf8(&mut buffer);
            let folded = alphabet.fold(text);
            (folded != text).then(|| (character as usize, folded.into()))
        };
        ('\0'..='\u{ffff}').filter_map(folded).collect()
    })
}

/// The name a token is looked up by.
fn name_of<'t>(text: &'t str, token: Token, options: &SegmenterOptions) -> Cow<'t, str> {
    if token.kind == Kind::Number && options.numbers == Numbers::Classed {
        return "0".into();
    }
    if token.ignores {
        return options.alphabet.without_ignored(text).0.into();
    }
    options.alphabet.fold(text)
}

/// Characters of the basic plane, surrogates included.
pub const PLANE: usize = 1 << 16;

/// The code point of a token that is one character of the basic plane.
#[inline]
pub fn plane_index(name: &str) -> Option<usize> {
    let first = name.chars().next()?;
    let index = first as usize;
    (index < PLANE && first.len_utf8() == name.len()).then_some(index)
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
