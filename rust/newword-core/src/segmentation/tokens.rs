//! Tokenization of text into the smallest units of words: symbols, and marks between them.

use std::borrow::Cow;

use unicode_normalization::char::is_combining_mark;

use super::options::Numbers;
use crate::corpus::{Addresses, Alphabet, RunMode, Unit, Units, is_ignorable};

/// A unit of text that words do not split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    pub start: usize,
    pub end: usize,
    pub kind: Kind,
    /// Whether it holds characters that the alphabet ignores.
    pub ignores: bool,
}

/// The kind of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A symbol of the alphabet: one character with its marks, or a run of letters.
    Symbol,
    /// A run of digits, with what joins several to one number where asked.
    Number,
    /// A URL or an e-mail address, where runs of letters and of digits are symbols.
    Address,
    /// A mark that is no symbol, or a run of one and the same; a run of white space.
    Mark,
}

/// The tokens of a text from left to right; together they are the text.
pub struct Tokens<'t> {
    text: &'t str,
    alphabet: &'t Alphabet,
    numbers: Numbers,
    units: Units<'t>,
    /// Where in the text the units begin.
    base: usize,
    /// What is left of a break that several marks share.
    rest: std::ops::Range<usize>,
    addresses: Addresses,
}

impl<'t> Tokens<'t> {
    pub fn new(text: &'t str, alphabet: &'t Alphabet, numbers: Numbers) -> Self {
        let (units, addresses) = (alphabet.units(text), Addresses::default());
        Self { text, alphabet, numbers, units, base: 0, rest: 0..0, addresses }
    }

    /// Moves over the unified ideographs that come next, tokens all: see [`Units::skip_han`].
    #[inline]
    pub fn skip_han(&mut self, mut take: impl FnMut(usize, usize)) {
        if self.rest.is_empty() {
            let base = self.base;
            self.units.skip_han(|at, code_point| take(base + at, code_point));
        }
    }

    /// The token that begins with the symbol at `start..end`.
    #[inline]
    fn symbol(&mut self, unit: Unit) -> Token {
        let Unit { start, end, ignores, .. } = unit;
        let (letters, digits) = (self.alphabet.letters, self.alphabet.digits);
        if letters == RunMode::Unit
            && digits == RunMode::Unit
            && let Some(whole) = self.addresses.end(self.text, start, end)
        {
            self.go_on_from(whole);
            return Token { start, end: whole, kind: Kind::Address, ignores: false };
        }
        if digits == RunMode::Unit && begins_number(&self.text[start..]) {
            let whole = self.number(start, end);
            let ignores = ignores || (whole > end && self.text[end..whole].contains(is_ignorable));
            return Token { start, end: whole, kind: Kind::Number, ignores };
        }
        Token { start, end, kind: Kind::Symbol, ignores }
    }

    /// The end of the number that starts with the digits at `start..end`.
    fn number(&mut self, start: usize, end: usize) -> usize {
        if self.numbers == Numbers::Runs {
            return end;
        }
        let whole = start + number_length(&self.text[start..]).unwrap_or(0);
        if whole <= end {
            return end;
        }
        self.go_on_from(whole);
        whole
    }

    fn go_on_from(&mut self, at: usize) {
        self.base = at;
        self.units = self.alphabet.units(&self.text[at..]);
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    #[inline]
    fn next(&mut self) -> Option<Token> {
        if self.rest.is_empty() {
            let unit = self.units.next()?;
            let (start, end) = (self.base + unit.start, self.base + unit.end);
            if unit.symbol {
                return Some(self.symbol(Unit { start, end, ..unit }));
            }
            self.rest = start..end;
        }
        let start = self.rest.start;
        self.rest.start += mark_length(&self.text[self.rest.clone()]);
        Some(Token { start, end: self.rest.start, kind: Kind::Mark, ignores: false })
    }
}

/// The bytes of the first mark: white space of any length, or repetitions of one character, with
/// the combining marks, joiners and selectors that belong to it.
fn mark_length(text: &str) -> usize {
    let mut characters = text.chars();
    let Some(first) = characters.next() else { return 0 };
    let mut previous = first;
    let same = |character: &char| {
        let joined = *character == first
            || (first.is_whitespace() && character.is_whitespace())
            || previous == '\u{200d}'
            || extends(*character);
        previous = *character;
        joined
    };
    first.len_utf8() + characters.take_while(same).map(char::len_utf8).sum::<usize>()
}

fn extends(character: char) -> bool {
    matches!(character, '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
        || is_combining_mark(character)
}

fn is_digit(character: char) -> bool {
    character.is_ascii_digit() || ('０'..='９').contains(&character)
}

#[inline]
fn begins_number(text: &str) -> bool {
    match text.as_bytes().first() {
        Some(byte) if byte.is_ascii() => byte.is_ascii_digit(),
        Some(0xEF) => text.starts_with(is_digit),
        _ => false,
    }
}

/// Whether a token is a run of letters or of digits, and whether it ends in one: no letter touches
/// the digits before a sign of hundredths.
pub fn run_of(token: Token, text: &str, alphabet: &Alphabet) -> (bool, bool) {
    match token.kind {
        Kind::Number => (true, !text.ends_with(SIGNS)),
        Kind::Symbol => {
            let is_run = alphabet.is_run(text);
            (is_run, is_run)
        }
        Kind::Address | Kind::Mark => (false, false),
    }
}

/// Signs of hundredths and thousandths.
const SIGNS: [char; 3] = ['%', '％', '‰'];

/// The bytes of the number that `text` begins with: runs of digits joined by single points, commas,
/// colons or strokes, with a sign of hundredths or thousandths behind.
fn number_length(text: &str) -> Option<usize> {
    // The characters that the alphabet ignores belong to the digits before them.
    let digits = |from: usize| {
        let behind = |&character: &char| !is_digit(character) && !is_ignorable(character);
        match text[from..].chars().next().filter(|first| is_digit(*first)) {
            Some(_) => text[from..].find(|c| behind(&c)).map_or(text.len(), |end| from + end),
            None => from,
        }
    };
    let mut end = digits(0);
    if end == 0 {
        return None;
    }
    while let Some(joint) = text[end..].chars().next().filter(|c| ".．·,:∶/／".contains(*c)) {
        let from = end + joint.len_utf8();
        let next = digits(from);
        if next == from {
            break;
        }
        end = next;
    }
    let sign = text[end..].chars().next().filter(|character| SIGNS.contains(character));
    Some(end + sign.map_or(0, char::len_utf8))
}

/// `text` with every number written `0`: for counting n-grams in which numbers are alike. Borrows
/// where there are none. O(n).
pub fn class_numbers(text: &str) -> Cow<'_, str> {
    if !text.contains(is_digit) {
        return Cow::Borrowed(text);
    }
    let mut classed = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(found) = text[at..].find(is_digit) {
        classed.push_str(&text[at..at + found]);
        classed.push('0');
        at += found + number_length(&text[at + found..]).unwrap_or(1);
    }
    classed.push_str(&text[at..]);
    Cow::Owned(classed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn split(text: &str, numbers: Numbers) -> Vec<&str> {
        let alphabet = Alphabet::default();
        Tokens::new(text, &alphabet, numbers).map(|token| &text[token.start..token.end]).collect()
    }

    #[test]
    fn marks_stand_alone_and_repetitions_together() {
        assert_eq!(
            split("天——，。 \t地……", Numbers::Runs),
            ["天", "——", "，", "。", " \t", "地", "……"]
        );
        assert_eq!(split("a👨\u{200d}👩👍🏽!", Numbers::Runs), ["a", "👨\u{200d}👩", "👍🏽", "!"]);
    }

    #[test]
    fn numbers_are_joined_where_asked() {
        let text = "增3.5%，10:30 １．２ 1.。x2,a";
        let joined =
            ["增", "3.5%", "，", "10:30", " ", "１．２", " ", "1", ".", "。", "x", "2", ",", "a"];
        assert_eq!(split(text, Numbers::Joined), joined);
        assert_eq!(split("3.5%", Numbers::Runs), ["3", ".", "5", "%"]);
        assert_eq!(class_numbers("增3.5%，10:30"), "增0，0");
        assert!(matches!(class_numbers("天地"), Cow::Borrowed("天地")));
    }

    proptest! {
        #[test]
        fn tokens_are_the_text(text in "([0-9.,%天地a，— 😀\u{301}\u{200d}]|\\PC){0,30}") {
            for numbers in [Numbers::Runs, Numbers::Joined] {
                prop_assert_eq!(split(&text, numbers).concat(), text.clone());
            }
        }
    }
}
