//! The class of each character: a table over all of Unicode.
//!
//! The classes are written as Unicode property expressions and expanded once, at the first use,
//! into blocks of 256 characters, equal blocks shared. Building takes about two milliseconds, most
//! of them in the pass over all of Unicode.

use std::sync::OnceLock;

use hashbrown::hash_map::Entry;
use regex_syntax::hir::{Class as Ranges, HirKind};

use crate::support::hash::HashMap;

/// The class of a character, which decides how it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(crate) enum Class {
    /// Punctuation, spaces, emoji, controls, unassigned: belongs to no word.
    Break,
    /// Han, Kana, Thai and the like, written without spaces: a symbol by itself.
    Single,
    /// A letter of a script written with spaces.
    Letter,
    /// A decimal digit of any script.
    Digit,
    /// A combining mark: part of the symbol before it.
    Extend,
    /// A variation selector, which the alphabet keeps as a mark or ignores.
    Selector,
    /// A joiner or non-joiner: part of the orthography of some scripts, ignored elsewhere.
    Joiner,
    /// The zero-width space: the space of some scripts written without spaces, ignored elsewhere.
    ZeroWidthSpace,
    /// A character without a shape (soft hyphen, byte order mark, direction mark), ignored.
    Ignorable,
}

/// The number of classes.
pub(crate) const CLASSES: usize = 9;

const BLOCK: usize = 256;
const BLOCKS: usize = 0x11_0000 / BLOCK;

/// The classes from the weakest to the strongest: a later line overrides an earlier one.
///
/// Planes 2 and 3 are ideographs as a whole, so that extensions yet to come are read as such.
const RULES: [(Class, &str); 8] = [
    (Class::Letter, r"\p{Alphabetic}"),
    (
        Class::Single,
        concat!(
            r"[\p{Alphabetic}&&[\p{scx:Han}\p{scx:Hiragana}\p{scx:Katakana}\p{scx:Bopomofo}",
            r"\p{scx:Yi}\p{scx:Tangut}\p{scx:Nushu}\p{scx:Khitan_Small_Script}",
            r"\p{scx:Thai}\p{scx:Lao}\p{scx:Khmer}\p{scx:Myanmar}\p{scx:Tibetan}",
            r"\p{scx:Tai_Le}\p{scx:New_Tai_Lue}\p{scx:Tai_Tham}\p{scx:Tai_Viet}",
            r"\p{scx:Javanese}\p{scx:Balinese}]]",
            r"|[\u{3400}-\u{4DBF}\u{4E00}-\u{9FFF}\u{20000}-\u{2FFFD}\u{30000}-\u{3FFFD}]",
        ),
    ),
    (Class::Digit, r"\p{Nd}"),
    (Class::Extend, r"\p{M}"),
    (Class::Ignorable, r"\p{Default_Ignorable_Code_Point}"),
    (Class::Selector, r"\p{Variation_Selector}"),
    (Class::Joiner, r"[\u{200C}\u{200D}\u{180E}]"),
    (Class::ZeroWidthSpace, r"\u{200B}"),
];

/// The class of every character, in two steps.
#[derive(Debug)]
pub(crate) struct Table {
    /// The block of each 256 characters, as its place in `blocks`.
    index: Box<[u8; BLOCKS]>,
    blocks: Vec<[Class; BLOCK]>,
    /// The first block again, to spare the most frequent characters of some texts a step.
    first: [Class; BLOCK],
}

impl Table {
    /// The table, built at the first call.
    pub(crate) fn get() -> &'static Self {
        static TABLE: OnceLock<Table> = OnceLock::new();
        TABLE.get_or_init(Self::build)
    }

    /// The class of a character.
    #[inline]
    pub(crate) fn class(&self, character: char) -> Class {
        self.class_at(character as usize)
    }

    /// The class of an ASCII character.
    #[inline]
    pub(crate) fn ascii(&self, byte: u8) -> Class {
        self.first[usize::from(byte)]
    }

    /// The class of a code point, [`Class::Break`] if it is not a character.
    #[inline]
    pub(crate) fn class_at(&self, code_point: usize) -> Class {
        match self.index.get(code_point / BLOCK) {
            Some(&block) => self.blocks[usize::from(block)][code_point % BLOCK],
            None => Class::Break,
        }
    }

    fn build() -> Self {
        let mut classes = vec![Class::Break; BLOCKS * BLOCK];
        for (class, pattern) in RULES {
            for (first, last) in ranges(pattern) {
                classes[first as usize..=last as usize].fill(class);
            }
        }
        let mut seen: HashMap<&[Class], u8> = HashMap::default();
        let mut index = Box::new([0_u8; BLOCKS]);
        let mut blocks = Vec::new();
        for (slot, chunk) in index.iter_mut().zip(classes.chunks_exact(BLOCK)) {
            *slot = match seen.entry(chunk) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(free) => {
                    let number = u8::try_from(blocks.len()).expect("Unicode has < 256 kinds");
                    let mut block = [Class::Break; BLOCK];
                    block.copy_from_slice(chunk);
                    blocks.push(block);
                    *free.insert(number)
                }
            };
        }
        let first = blocks[usize::from(index[0])];
        Self { index, blocks, first }
    }
}

/// Whether a character is ignored behind a digit.
pub(crate) fn is_ignorable(character: char) -> bool {
    let class = Table::get().class(character);
    matches!(class, Class::Ignorable | Class::Joiner | Class::ZeroWidthSpace)
}

/// The characters a property expression stands for, as ranges with both ends in.
fn ranges(pattern: &str) -> Vec<(char, char)> {
    let expression = regex_syntax::parse(pattern).expect("the rules are constants and tested");
    match expression.kind() {
        HirKind::Class(Ranges::Unicode(class)) => {
            class.iter().map(|range| (range.start(), range.end())).collect()
        }
        // A class of one character.
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).expect("rules are text");
            text.chars().map(|character| (character, character)).collect()
        }
        other => unreachable!("a rule must be one class of characters, not {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_well_known_characters() {
        let table = Table::get();
        let expect = |class: Class, text: &str| {
            for c in text.chars() {
                assert_eq!(table.class(c), class, "{c:?} U+{:04X}", c as u32);
            }
        };
        expect(
            Class::Single,
            "一鿿㐀䶿〇々〻豈\u{FAD9}\u{2F800}\u{20000}\u{2A6DF}\u{2A700}\u{2B740}",
        );
        expect(Class::Single, "\u{2B820}\u{2CEB0}\u{2EBF0}\u{30000}\u{31350}\u{323B0}\u{33479}");
        expect(Class::Single, "ひらカターｶｰㄅ");
        expect(Class::Single, "กลາວພសមြདོ".replace(['\u{103C}', '\u{F7C}'], "").as_str());
        expect(Class::Letter, "aZÀßΩжאبह한Ａｚ");
        expect(Class::Digit, "0９٣५𝟘");
        expect(Class::Extend, "\u{301}\u{3099}\u{93E}\u{20E3}");
        expect(Class::Selector, "\u{FE00}\u{FE0F}\u{E0100}\u{E01EF}\u{180B}");
        expect(Class::Joiner, "\u{200C}\u{200D}");
        expect(Class::ZeroWidthSpace, "\u{200B}");
        expect(Class::Ignorable, "\u{AD}\u{34F}\u{61C}\u{200E}\u{202E}\u{2060}\u{2069}\u{FEFF}");
        expect(Class::Ignorable, "\u{115F}\u{17B4}\u{3164}\u{FFA0}\u{E0001}\u{E007F}");
        expect(Class::Break, " \n\u{3000}，。、「」・…—,.()😀👩\u{1F3FD}🇨\u{FFFD}\u{E000}½²①㎏_");
    }

    #[test]
    fn letters_agree_with_the_standard_library() {
        let table = Table::get();
        let letters = ('\0'..=char::MAX).filter(|c| c.is_alphabetic());
        // The two may follow different versions of Unicode, some hundred letters apart.
        let missing = letters.filter(|&c| table.class(c) == Class::Break).count();
        assert!(missing < 1000, "{missing} letters are read as breaks");
        assert_eq!(table.class_at(usize::MAX), Class::Break);
    }

    #[test]
    fn the_table_stays_small() {
        assert!(Table::get().blocks.len() < 200);
    }
}
