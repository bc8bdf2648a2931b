//! The labels of tokens in the trie.

use std::borrow::Cow;
use std::sync::OnceLock;

use super::entries::Entries;
use super::keys::FEWEST_WORDS;
use super::options::{Numbers, SegmenterOptions};
use super::tokens::{Kind, Token, Tokens};
use crate::corpus::Alphabet;
use crate::support::arrays::ArrayFile;
use crate::support::hash::HashMap;
use crate::support::names::Names;
use crate::support::{Result, Workers};

/// The arrays of the names of tokens in a file.
const NAMES: [&str; 3] = ["names", "name_entries", "name_table"];

/// Tokens to labels.
#[derive(Debug, Clone)]
pub struct Labels {
    /// By code point, for tokens of one character of the basic plane; folded where asked.
    characters: Vec<u32>,
    others: Names,
    len: u32,
}

impl Labels {
    /// The label of a mark that is in no word: it ends the search.
    pub const BREAK: u32 = 0;
    /// The label of a Han character that is in no word.
    pub const UNKNOWN_HAN: u32 = u32::MAX;

    /// Labels for the tokens of words: by descending frequency from 1, so that the trie's busy nodes lie
    /// close. A word counts once at least.
    ///
    /// # Errors
    /// [`crate::support::Error::Memory`] where the tokens have over 4 GB;
    /// [`crate::support::Error::Cancelled`].
    pub fn of_words(
        words: &impl Entries,
        options: &SegmenterOptions,
        workers: &Workers<'_>,
    ) -> Result<Self> {
        let ranges = workers.ranges(words.len(), FEWEST_WORDS);
        let counted = workers.map(ranges, |range| {
            let mut counts = TokenCounts::default();
            range.for_each(|at| counts.add_word(words.word(at), words.count(at).max(1), options));
            Ok(counts)
        })?;
        let by_count = TokenCounts::sum(counted).by_count();
        let mut labels = Self::number(by_count.iter().map(|(name, _)| name.as_str()))?;
        if options.alphabet.nfkc {
            for (index, folded) in folded_characters() {
                labels.characters[*index] = labels.find(folded);
            }
        }
        Ok(labels)
    }

    fn number<'n>(names: impl Iterator<Item = &'n str>) -> Result<Self> {
        let (mut characters, mut others, mut len) = (vec![Self::BREAK; PLANE], Vec::new(), 0);
        for (name, label) in names.zip(1..) {
            len = label;
            match plane_index(name) {
                Some(index) => characters[index] = label,
                None => others.push((name, label)),
            }
        }
        Ok(Self { characters, others: Names::new(others.into_iter())?, len })
    }

    /// The arrays of a file, and the largest label.
    pub fn arrays(&self) -> (Vec<(&'static str, &[u8])>, u32) {
        let characters = ("characters", bytemuck::cast_slice(&self.characters));
        (std::iter::once(characters).chain(self.others.arrays(NAMES)).collect(), self.len)
    }

    /// The labels that a file holds; `len` is the largest.
    ///
    /// # Errors
    /// [`crate::support::Error::Format`] where an array is missing, damaged or too short.
    pub fn open(file: &ArrayFile, len: u32) -> Result<Self> {
        let characters = file.read("characters", Some(PLANE))?;
        Ok(Self { characters, others: Names::open(file, NAMES)?, len })
    }

    /// The label of a token that is in no word, no mark and may not pair.
    fn unknown(&self) -> u32 {
        self.len.wrapping_add(1)
    }

    /// By label, whether it is a Han character and may pair with another. What a character folds to
    /// is as much a Han character as itself.
    pub fn pairs(&self) -> Vec<bool> {
        let mut pairs = vec![false; self.len as usize + 2];
        for (label, code_point) in self.characters.iter().zip(0..) {
            pairs[*label as usize] |=
                *label != Self::BREAK && char::from_u32(code_point).is_some_and(is_han);
        }
        for (name, label) in self.others.iter() {
            pairs[label as usize] |= is_one_han(name);
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

    /// Appends the labels of a word's tokens.
    pub fn extend_of_word(&self, labels: &mut Vec<u32>, word: &str, options: &SegmenterOptions) {
        let mut tokens = Tokens::new(word, &options.alphabet, options.numbers);
        loop {
            tokens.skip_han(|_, code_point| labels.push(self.of_han(code_point)));
            let Some(token) = tokens.next() else { break };
            labels.push(self.of_token(&word[token.start..token.end], token, options));
        }
    }

    /// The label of a name, [`Labels::BREAK`] where it has none.
    fn find(&self, name: &str) -> u32 {
        match plane_index(name) {
            Some(index) => self.characters[index],
            None => self.others.find(name).unwrap_or(Self::BREAK),
        }
    }
}

/// The tokens of words by the names they are looked up by, with the sums of the words' counts.
struct TokenCounts {
    /// By code point: nearly all tokens are single Han characters, whose names need no look-up.
    han: Vec<u64>,
    others: HashMap<String, u64>,
}

impl Default for TokenCounts {
    fn default() -> Self {
        Self { han: vec![0; PLANE], others: HashMap::default() }
    }
}

impl TokenCounts {
    fn add_word(&mut self, word: &str, count: u64, options: &SegmenterOptions) {
        let mut tokens = Tokens::new(word, &options.alphabet, options.numbers);
        loop {
            tokens.skip_han(|_, code_point| {
                self.han[code_point] = self.han[code_point].saturating_add(count);
            });
            let Some(token) = tokens.next() else { break };
            self.add(name_of(&word[token.start..token.end], token, options), count);
        }
    }

    fn add(&mut self, name: Cow<'_, str>, count: u64) {
        match self.others.get_mut(&*name) {
            Some(sum) => *sum = sum.saturating_add(count),
            None => drop(self.others.insert(name.into_owned(), count)),
        }
    }

    fn sum(pieces: Vec<Self>) -> Self {
        let mut pieces = pieces.into_iter();
        let mut all = pieces.next().unwrap_or_default();
        for Self { han, others } in pieces {
            for (sum, count) in all.han.iter_mut().zip(han) {
                *sum = sum.saturating_add(count);
            }
            for (name, count) in others {
                all.add(name.into(), count);
            }
        }
        all
    }

    /// The names by falling sum, then by name.
    fn by_count(mut self) -> Vec<(String, u64)> {
        let han = std::mem::take(&mut self.han);
        for (count, code_point) in han.into_iter().zip(0..).filter(|(count, _)| *count > 0) {
            let name = char::from_u32(code_point).map(String::from).unwrap_or_default();
            self.add(name.into(), count);
        }
        let mut by_count: Vec<(String, u64)> = self.others.into_iter().collect();
        by_count.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        by_count
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
