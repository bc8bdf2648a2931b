//! How names and texts are written alike: case, width, brackets.

use serde_json::{Value, json};

use crate::lexicon::is_space;

/// What is done with names and texts before they are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Normalization {
    /// Whether brackets and quotation marks around a whole name are left out: 《三体》 is found as 三体.
    pub strip_brackets: bool,
    /// Whether upper and lower case are alike.
    pub fold_case: bool,
    /// Whether full-width forms are those they stand for.
    pub fold_width: bool,
}

impl Default for Normalization {
    fn default() -> Self {
        Self { strip_brackets: true, fold_case: true, fold_width: true }
    }
}

/// Brackets and quotation marks, opening and closing.
const BRACKETS: [(char, char); 12] = [
    ('《', '》'),
    ('〈', '〉'),
    ('「', '」'),
    ('『', '』'),
    ('【', '】'),
    ('〔', '〕'),
    ('〖', '〗'),
    ('〘', '〙'),
    ('“', '”'),
    ('‘', '’'),
    ('﹁', '﹂'),
    ('﹃', '﹄'),
];

impl Normalization {
    /// The key of a name. White space at both ends is always left out. It is empty only for a name of
    /// white space. O(n).
    pub fn key(self, name: &str) -> String {
        self.strip(name).chars().flat_map(|character| self.fold(character)).collect()
    }

    /// What a character stands for: itself, or up to three others. What these stand for is themselves.
    pub fn fold(self, character: char) -> impl Iterator<Item = char> {
        let character = if self.fold_width { to_half_width(character) } else { character };
        // By way of upper case, which is all that ß and SS, or σ and ς, have in common; and that of the
        // lower case, since ẞ has no other.
        let folded = self.fold_case.then(|| {
            let upper = character.to_lowercase().flat_map(char::to_uppercase);
            upper.flat_map(char::to_lowercase)
        });
        let itself = if self.fold_case { None } else { Some(character) };
        folded.into_iter().flatten().chain(itself)
    }

    fn strip(self, name: &str) -> &str {
        let mut name = name.trim_matches(is_space);
        while self.strip_brackets
            && let Some(inner) = unwrap(name)
        {
            name = inner;
        }
        name
    }

    /// As the header of a file has it.
    pub(super) fn to_json(self) -> Value {
        let Self { strip_brackets, fold_case, fold_width } = self;
        json!({
            "strip_brackets": strip_brackets, "fold_case": fold_case, "fold_width": fold_width,
        })
    }

    pub(super) fn of_json(json: &Value) -> Option<Self> {
        Some(Self {
            strip_brackets: json["strip_brackets"].as_bool()?,
            fold_case: json["fold_case"].as_bool()?,
            fold_width: json["fold_width"].as_bool()?,
        })
    }
}

/// What is in the brackets around all of a name, unless there is nothing: 《A》与《B》 has none.
fn unwrap(name: &str) -> Option<&str> {
    let first = name.chars().next()?;
    let &(open, close) = BRACKETS.iter().find(|(open, _)| *open == first)?;
    let inner = name.strip_prefix(open)?.strip_suffix(close)?;
    let mut depth = 1_usize;
    for character in inner.chars() {
        depth += usize::from(character == open);
        depth -= usize::from(character == close);
        if depth == 0 {
            return None;
        }
    }
    let inner = inner.trim_matches(is_space);
    (depth == 1 && !inner.is_empty()).then_some(inner)
}

/// The character that a full-width form stands for.
fn to_half_width(character: char) -> char {
    match character {
        '\u{3000}' => ' ',
        '！'..='～' => char::from_u32(character as u32 - 0xFEE0).unwrap_or(character),
        '￠' => '¢',
        '￡' => '£',
        '￢' => '¬',
        '￣' => '¯',
        '￤' => '¦',
        '￥' => '¥',
        '￦' => '₩',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_alike() {
        let all = Normalization::default();
        for (name, key) in [
            ("《三体》", "三体"),
            (" 「『ＡＢＣ』」\u{3000}", "abc"),
            ("《A》与《B》", "《a》与《b》"),
            ("《大宅门》剧组", "《大宅门》剧组"),
            ("京剧《大宅门》", "京剧《大宅门》"),
            ("《三体", "《三体"),
            ("《》", "《》"),
            ("《 》", "《 》"),
            ("【《A《B》》】", "a《b》"),
            ("‘don’t’", "‘don’t’"),
            ("İstanbul", "i\u{307}stanbul"),
            ("Straße ﬁ", "strasse fi"),
            ("ẞ", "ss"),
            ("ΟΔΟΣ οδος", "οδοσ οδοσ"),
            ("￥５", "¥5"),
            (" \u{3000}\u{1f}", ""),
            ("", ""),
            ("𠮷野家", "𠮷野家"),
            ("𐐀", "𐐨"),
        ] {
            assert_eq!(all.key(name), key, "{name}");
        }
        let none = Normalization { strip_brackets: false, fold_case: false, fold_width: false };
        assert_eq!(none.key(" 《ＡbC》"), "《ＡbC》");
        assert_eq!(Normalization { fold_case: true, ..none }.key("《Ａb》"), "《ａb》");
        assert_eq!(Normalization { fold_width: true, ..none }.key("Ａb"), "Ab");
        assert_eq!(Normalization { strip_brackets: true, ..none }.key("《Ａb》"), "Ａb");
    }

    #[test]
    fn a_fold_is_its_own_fold() {
        for bits in 0..8 {
            let normalization = Normalization {
                strip_brackets: bits & 1 != 0,
                fold_case: bits & 2 != 0,
                fold_width: bits & 4 != 0,
            };
            for character in '\0'..=char::MAX {
                let folded: String = normalization.fold(character).collect();
                let again: String = folded.chars().flat_map(|c| normalization.fold(c)).collect();
                assert_eq!(folded, again, "{character:?}");
                assert!((1..=3).contains(&folded.chars().count()));
                // What is beyond the basic plane stays one character there: labels are found so.
                let is_beyond = |c: char| c > '\u{ffff}';
                assert!(!is_beyond(character) || folded.chars().map(is_beyond).eq([true]));
            }
            let json = normalization.to_json();
            assert_eq!(Normalization::of_json(&json), Some(normalization));
        }
    }
}
