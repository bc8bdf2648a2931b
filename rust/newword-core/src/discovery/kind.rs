//! Kinds of words: numbers, quantities, phrases.
//!
//! 2023年 and 31个省 are found because they are frequent and stand free, as words are. What tells them
//! apart is that the number varies: behind many different numbers comes the same symbol. That holds for 年, not
//! for the 带 of 一带一路 or the 晚 of 315晚会.

use super::words::Word;
use crate::support::hash::{HashMap, HashSet};

/// What a word consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Kind {
    /// Anything else.
    #[default]
    Word,
    /// Digits or Chinese numerals alone.
    Number,
    /// A number and what it counts: a date, a measure, a rank.
    Quantity,
    /// Shorter words that often stand side by side. Only the combined method tells them apart.
    Phrase,
}

impl Kind {
    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Word => "word",
            Self::Number => "number",
            Self::Quantity => "quantity",
            Self::Phrase => "phrase",
        }
    }
}

/// Different numbers before the same character that make it a unit.
const LEAST_NUMBERS: usize = 10;

/// The kind of each word of a lexicon. A number is a run of digits or Chinese numerals, with or without 第 in
/// front; a word that begins with one is a quantity if at least 10 words of the lexicon have different numbers before
/// the character that follows. O(bytes).
fn kinds<'w>(words: impl Iterator<Item = &'w str>) -> Vec<Kind> {
    let mut numbers: HashMap<char, HashSet<&str>> = HashMap::default();
    let mut units: Vec<Result<Kind, char>> = Vec::with_capacity(words.size_hint().0);
    for word in words {
        let (number, rest) = split(word);
        units.push(match rest.chars().next() {
            _ if number.is_empty() => Ok(Kind::Word),
            None => Ok(Kind::Number),
            Some(unit) => {
                numbers.entry(unit).or_default().insert(number);
                Err(unit)
            }
        });
    }
    let is_unit = |unit: char| numbers[&unit].len() >= LEAST_NUMBERS;
    let counted = |unit: char| if is_unit(unit) { Kind::Quantity } else { Kind::Word };
    units.into_iter().map(|unit| unit.unwrap_or_else(counted)).collect()
}

/// Sets the kinds of numbers and quantities.
pub fn set_kinds(words: &mut [Word]) {
    let kinds = kinds(words.iter().map(|word| word.text.as_str()));
    let numbers = words.iter_mut().zip(kinds).filter(|(_, kind)| *kind != Kind::Word);
    numbers.for_each(|(word, kind)| word.kind = kind);
}

/// The number that a word begins with, and the rest.
fn split(word: &str) -> (&str, &str) {
    let start = word.strip_prefix('第').filter(|rest| rest.starts_with(is_numeral)).unwrap_or(word);
    let rest = start.trim_start_matches(is_numeral);
    (&start[..start.len() - rest.len()], rest)
}

fn is_numeral(character: char) -> bool {
    character.is_numeric() || "零一二三四五六七八九十百千万亿两".contains(character)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(words: &[&str]) -> Vec<&'static str> {
        kinds(words.iter().copied()).into_iter().map(Kind::name).collect()
    }

    #[test]
    fn a_unit_follows_many_numbers() {
        let years: Vec<String> = (2014..2023).map(|year| format!("{year}年")).collect();
        let mut words: Vec<&str> = years.iter().map(String::as_str).collect();
        let others = ["年", "网络", "315晚会", "一带一路", "第三届", "\u{20000}年", "5G"];
        words.extend(others);
        // Nine numbers are not enough, and one of them again adds nothing.
        words.push("第2022年度");
        assert_eq!(named(&words), vec!["word"; words.len()]);
        words.push("２０２３年底");
        let kinds = named(&words);
        assert_eq!(kinds[..9], ["quantity"; 9]);
        assert_eq!(kinds[9..][..others.len()], ["word"; 7]);
        assert_eq!(kinds[words.len() - 2..], ["quantity"; 2]);
    }

    #[test]
    fn numbers() {
        let words = ["三十五", "第二十", "2023", "１２", "Ⅲ", "第", "第一", "十五五", "", "万里"];
        let number = "number";
        let expected =
            [number, number, number, number, number, "word", number, number, "word", "word"];
        assert_eq!(named(&words), expected);
    }
}
