//! The alphabet: which characters belong to words, and how text is split into symbols and breaks.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

use super::classes::{CLASSES, Class, Table};

/// The maximum number of characters of a symbol, including marks. A longer run of letters or digits
/// (Base64, a key, a separator of a hundred digits) is no word and breaks the text.
pub const LONGEST_UNIT: usize = 64;

/// How a run of letters or digits is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunMode {
    /// The whole run is one symbol, so that 5G网络 has four.
    Unit,
    /// Each character is a symbol.
    Characters,
    /// The run breaks the text.
    Break,
}

impl RunMode {
    /// The class of a character of `class` in this mode.
    fn apply(self, class: Class) -> Class {
        match self {
            Self::Unit => class,
            Self::Characters => Class::Single,
            Self::Break => Class::Break,
        }
    }
}

/// The choice of alphabet.
///
/// A Han character of any block is one symbol, and so is one of the other scripts written without
/// spaces (Kana, Bopomofo, Thai, Lao, Khmer, Myanmar, Tibetan, ...). Letters of all other scripts
/// and decimal digits form runs, governed by `letters` and `digits`; a run of letters and a run of
/// digits that touch are two symbols. Combining marks and variation selectors belong to the symbol
/// before them, or to the break before them. Everything else breaks the text: punctuation, spaces,
/// emoji, controls, private use, and runs of more than [`LONGEST_UNIT`] characters.
///
/// Default-ignorable characters of Unicode (zero-width spaces, soft hyphens, direction marks, byte
/// order marks, ...) are ignored. Two are kept where the orthography needs them: a
/// joiner or non-joiner between letters of Arabic, Indic and related scripts, and the zero-width
/// space behind Thai, Lao, Khmer, Myanmar or Tibetan, which breaks the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Alphabet {
    /// Runs of letters of scripts written with spaces (Latin, Greek, Cyrillic, ...).
    pub letters: RunMode,
    /// Runs of decimal digits.
    pub digits: RunMode,
    /// Normalize text with NFKC first: full-width forms, compatibility ideographs, ligatures.
    pub nfkc: bool,
    /// Ignore variation selectors, so that an ideographic variant counts as its base character.
    pub skip_variation_selectors: bool,
}

impl Default for Alphabet {
    fn default() -> Self {
        Self {
            letters: RunMode::Unit,
            digits: RunMode::Unit,
            nfkc: false,
            skip_variation_selectors: false,
        }
    }
}

impl Alphabet {
    /// `text` as this alphabet reads it: in NFKC where [`Alphabet::nfkc`] is set, untouched
    /// otherwise. Borrows where nothing changes. O(n).
    pub fn fold<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !self.nfkc || text.is_ascii() || is_nfkc_quick(text.chars()) == IsNormalized::Yes {
            return Cow::Borrowed(text);
        }
        Cow::Owned(text.nfkc().collect())
    }

    /// Whether a symbol is a run of letters or digits in the mode [`RunMode::Unit`].
    pub(crate) fn is_run(&self, symbol: &str) -> bool {
        let mode = match symbol.chars().next().map(|first| Table::get().class(first)) {
            Some(Class::Letter) => self.letters,
            Some(Class::Digit) => self.digits,
            _ => return false,
        };
        mode == RunMode::Unit
    }

    /// The units of `text`, which must already be folded where [`Alphabet::nfkc`] is set.
    pub fn units<'t>(&self, text: &'t str) -> Units<'t> {
        let mut read_as = [
            Class::Break,
            Class::Single,
            Class::Letter,
            Class::Digit,
            Class::Extend,
            Class::Extend,
            Class::Joiner,
            Class::ZeroWidthSpace,
            Class::Ignorable,
        ];
        read_as[Class::Letter as usize] = self.letters.apply(Class::Letter);
        read_as[Class::Digit as usize] = self.digits.apply(Class::Digit);
        if self.skip_variation_selectors {
            read_as[Class::Selector as usize] = Class::Ignorable;
        }
        Units { text, at: 0, ahead: 0, ignores: false, table: Table::get(), read_as }
    }

    /// The symbol that a unit of `text` stands for, and how many characters it ignores.
    #[inline]
    pub(crate) fn symbol<'t>(&self, text: &'t str, unit: Unit) -> (Cow<'t, str>, u64) {
        let text = &text[unit.start..unit.end];
        if !unit.ignores {
            return (Cow::Borrowed(text), 0);
        }
        let (symbol, ignored) = self.without_ignored(text);
        (Cow::Owned(symbol), ignored)
    }

    /// `text`, which begins with a symbol, without the characters that are ignored, and how many
    /// these are. O(n).
    pub(crate) fn without_ignored(&self, text: &str) -> (String, u64) {
        let units = self.units(text);
        let Some((base, mut at)) = units.peek(0) else { return (String::new(), 0) };
        let (mut kept, mut ignored) = (String::from(&text[..at]), 0);
        while let Some((class, end)) = units.peek(at) {
            if units.role(base, class, at, end) == Role::Ignored {
                ignored += 1;
            } else {
                kept.push_str(&text[at..end]);
            }
            at = end;
        }
        // What stood apart in the text may compose now.
        (self.fold(&kept).into_owned(), ignored)
    }
}

/// One step of a scan over text: a symbol, or a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unit {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// True for a symbol, false for a break.
    pub symbol: bool,
    /// Whether the stretch of a symbol holds characters that are ignored, which are no part of the
    /// symbol.
    pub ignores: bool,
}

/// What a character behind the first of a symbol is to the symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Part,
    Ignored,
    Foreign,
}

/// The units of a text in order: every byte of the text is in exactly one, and no two breaks
/// follow each other.
#[derive(Debug, Clone)]
pub struct Units<'t> {
    text: &'t str,
    at: usize,
    /// The end of the symbol at `at` where that was read already; 0 where not.
    ahead: usize,
    /// Whether the last symbol read holds characters that are ignored.
    ignores: bool,
    table: &'static Table,
    /// The class each class is read as under the alphabet's modes.
    read_as: [Class; CLASSES],
}

impl Units<'_> {
    /// What is left to read.
    #[inline]
    pub(super) fn rest(&self) -> &[u8] {
        &self.text.as_bytes()[self.at..]
    }

    /// Moves over whole units that were read from [`Units::rest`].
    #[inline]
    pub(super) fn skip(&mut self, bytes: usize) {
        if bytes > 0 {
            self.at += bytes;
            self.ahead = 0;
        }
    }

    /// Moves over the unified ideographs of the basic block that come next and bear no marks: most
    /// of Chinese text, each a symbol under every alphabet. `take` gets the first byte and the code
    /// point of each.
    #[inline]
    pub(crate) fn skip_han(&mut self, mut take: impl FnMut(usize, usize)) {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut at = start;
        while let Some(&[a @ HAN_FIRST..=HAN_LAST, b, c]) = bytes.get(at..at + 3) {
            let code_point = three_bytes(a, b, c);
            if code_point < FIRST_UNIFIED || self.is_marked(at + 3) {
                break;
            }
            take(at, code_point);
            at += 3;
        }
        self.skip(at - start);
    }

    /// Whether a mark or an ignored character may stand at byte `at`, behind a Han character.
    #[inline]
    fn is_marked(&self, at: usize) -> bool {
        let lead = self.text.as_bytes().get(at);
        lead.is_some_and(|&lead| may_extend(lead))
            && self.peek(at).is_some_and(|(class, _)| {
                !matches!(class, Class::Break | Class::Single | Class::Letter | Class::Digit)
            })
    }

    /// What the character of `class` at `at..end` is to a symbol whose first has the class `base`.
    fn role(&self, base: Class, class: Class, at: usize, end: usize) -> Role {
        let before = || self.text[..at].chars().next_back().unwrap_or_default();
        match class {
            Class::Extend => Role::Part,
            Class::Letter | Class::Digit if class == base => Role::Part,
            Class::Joiner => {
                let follows = self.peek(end).is_some_and(|(next, _)| next == Class::Letter);
                let spells = base == Class::Letter && follows && has_joiners(before());
                if spells { Role::Part } else { Role::Ignored }
            }
            Class::ZeroWidthSpace if base == Class::Single && has_zero_width_spaces(before()) => {
                Role::Foreign
            }
            Class::ZeroWidthSpace | Class::Ignorable => Role::Ignored,
            _ => Role::Foreign,
        }
    }

    /// The class of the character at byte `at` as the alphabet reads it, and the character's end.
    #[inline]
    fn peek(&self, at: usize) -> Option<(Class, usize)> {
        let (code_point, end) = decode(self.text.as_bytes(), at)?;
        Some((self.read_as[self.table.class_at(code_point) as usize], end))
    }

    /// Moves over the next symbol or a piece of a break; whether it is a symbol.
    #[inline]
    fn step(&mut self) -> Option<bool> {
        let (class, end) = self.peek(self.at)?;
        self.at = end;
        self.ignores = false;
        match class {
            Class::Single => {
                let lead = self.text.as_bytes().get(end);
                Some(!lead.is_some_and(|&lead| may_extend(lead)) || self.run(class))
            }
            Class::Letter | Class::Digit => Some(self.run(class)),
            _ => Some(false),
        }
    }

    /// Moves over what belongs to a symbol whose first character has the class `base`; whether the
    /// symbol is short enough.
    fn run(&mut self, base: Class) -> bool {
        let mut length = 1;
        if base != Class::Single {
            while let Some(&byte) = self.text.as_bytes().get(self.at)
                && byte.is_ascii()
                && self.read_as[self.table.ascii(byte) as usize] == base
            {
                self.at += 1;
                length += 1;
            }
        }
        while let Some((class, end)) = self.peek(self.at) {
            match self.role(base, class, self.at, end) {
                Role::Part => length += 1,
                Role::Ignored => self.ignores = true,
                Role::Foreign => break,
            }
            self.at = end;
        }
        length <= LONGEST_UNIT
    }
}

impl Iterator for Units<'_> {
    type Item = Unit;

    #[inline]
    fn next(&mut self) -> Option<Unit> {
        let start = self.at;
        if self.ahead > 0 {
            self.at = std::mem::take(&mut self.ahead);
            return Some(Unit { start, end: self.at, symbol: true, ignores: self.ignores });
        }
        let symbol = self.step()?;
        if !symbol {
            // The symbol that ends the break is kept for the next call.
            let mut end = self.at;
            while let Some(symbol) = self.step() {
                if symbol {
                    self.ahead = self.at;
                    break;
                }
                end = self.at;
            }
            self.at = end;
        }
        Some(Unit { start, end: self.at, symbol, ignores: symbol && self.ignores })
    }
}

/// The first byte in UTF-8 of U+4000, in the blocks that hold Han characters only.
pub(super) const HAN_FIRST: u8 = 0xE4;
/// The first byte in UTF-8 of U+9FFF, the last character of those blocks.
pub(super) const HAN_LAST: u8 = 0xE9;

/// The first of the unified ideographs; the blocks hold hexagrams before it.
const FIRST_UNIFIED: usize = 0x4E00;

/// The code point of three bytes of UTF-8.
#[inline]
pub(super) fn three_bytes(a: u8, b: u8, c: u8) -> usize {
    usize::from(a & 0xF) << 12 | usize::from(b & 0x3F) << 6 | usize::from(c & 0x3F)
}

/// Whether a character with this first byte in UTF-8 can be a mark or ignored: none of ASCII and
/// none of the Han blocks can, which spares most of Chinese text a look ahead.
#[inline]
pub(super) fn may_extend(lead: u8) -> bool {
    lead >= 0xC2 && !(HAN_FIRST..=HAN_LAST).contains(&lead)
}

/// Whether joiners are spelling behind `character`: blocks of Arabic, Indic and related scripts.
fn has_joiners(character: char) -> bool {
    matches!(character, '\u{600}'..='\u{1C7F}' | '\u{A800}'..='\u{ABFF}' | '\u{10A00}'..='\u{11FFF}'
        | '\u{1E900}'..='\u{1E95F}')
}

/// Whether the zero-width space parts words behind `character`: blocks of Thai, Lao, Tibetan,
/// Myanmar, Khmer, Tai scripts, Javanese and Balinese.
fn has_zero_width_spaces(character: char) -> bool {
    matches!(character, '\u{E00}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{1950}'..='\u{1B7F}'
        | '\u{A980}'..='\u{AADF}')
}

/// The code point that starts at byte `at` of valid UTF-8, and where it ends.
#[inline]
fn decode(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let low = |offset: usize| bytes.get(at + offset).map_or(0, |&byte| usize::from(byte & 0x3F));
    let lead = usize::from(*bytes.get(at)?);
    Some(match lead {
        0xE0..=0xEF => ((lead & 0xF) << 12 | low(1) << 6 | low(2), at + 3),
        0..0x80 => (lead, at + 1),
        0xF0.. => ((lead & 0x7) << 18 | low(1) << 12 | low(2) << 6 | low(3), at + 4),
        _ => ((lead & 0x1F) << 6 | low(1), at + 2),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CHARACTERS: Alphabet = plain(RunMode::Characters, RunMode::Characters);
    const BREAK: Alphabet = plain(RunMode::Break, RunMode::Break);

    const fn plain(letters: RunMode, digits: RunMode) -> Alphabet {
        Alphabet { letters, digits, nfkc: false, skip_variation_selectors: false }
    }

    /// The symbols of `text` joined by `/`, with `|` for a break.
    fn shown(alphabet: &Alphabet, text: &str) -> String {
        let parts: Vec<_> = alphabet
            .units(text)
            .map(|unit| if unit.symbol { alphabet.symbol(text, unit).0 } else { "|".into() })
            .collect();
        parts.join("/")
    }

    #[test]
    fn runs_follow_their_modes() {
        let text = "5G网络，iPhone 15";
        assert_eq!(shown(&Alphabet::default(), text), "5/G/网/络/|/iPhone/|/15");
        assert_eq!(shown(&CHARACTERS, text), "5/G/网/络/|/i/P/h/o/n/e/|/1/5");
        assert_eq!(shown(&BREAK, text), "|/网/络/|");
        assert_eq!(shown(&Alphabet::default(), ""), "");
    }

    #[test]
    fn every_script_has_its_place() {
        let alphabet = Alphabet::default();
        assert_eq!(shown(&alphabet, "𠀀〇々㐀"), "𠀀/〇/々/㐀");
        assert_eq!(shown(&alphabet, "ＡＢ１２"), "ＡＢ/１２");
        assert_eq!(shown(&alphabet, "한국어 ελληνικά кот"), "한국어/|/ελληνικά/|/кот");
        assert_eq!(shown(&alphabet, "カタ ไทย"), "カ/タ/|/ไ/ท/ย");
        assert_eq!(shown(&alphabet, "हिन्दी"), "हिन्दी");
    }

    #[test]
    fn marks_stay_with_what_they_mark() {
        let alphabet = Alphabet::default();
        assert_eq!(shown(&alphabet, "葛\u{E0100}城か\u{3099}"), "葛\u{E0100}/城/か\u{3099}");
        assert_eq!(shown(&alphabet, "e\u{301}te\u{301}1\u{301}"), "e\u{301}te\u{301}/1\u{301}");
        assert_eq!(shown(&CHARACTERS, "e\u{301}t"), "e\u{301}/t");
        assert_eq!(shown(&BREAK, "e\u{301}天"), "|/天");
        assert_eq!(shown(&alphabet, "\u{301}天，\u{301}地"), "|/天/|/地");
    }

    #[test]
    fn emoji_break_with_all_that_joins_them() {
        assert_eq!(shown(&Alphabet::default(), "好👨\u{200D}👩\u{200D}👧❤\u{FE0F}👍🏽的"), "好/|/的");
    }

    #[test]
    fn endless_runs_break() {
        let (longest, over) = ("a".repeat(LONGEST_UNIT), "a".repeat(LONGEST_UNIT + 1));
        let alphabet = Alphabet::default();
        assert_eq!(shown(&alphabet, &format!("天{longest}地")), format!("天/{longest}/地"));
        assert_eq!(shown(&alphabet, &format!("天 {over}-{over} 地")), "天/|/地");
        assert_eq!(shown(&CHARACTERS, &over).len(), 2 * LONGEST_UNIT + 1);
        assert_eq!(shown(&alphabet, &format!("天{}地", "\u{301}".repeat(64))), "|/地");
    }

    #[test]
    fn folding_borrows_unchanged_text() {
        let folding = Alphabet { nfkc: true, ..Alphabet::default() };
        assert_eq!(folding.fold("Ａ１，豈㎏"), "A1,豈kg");
        assert!(matches!(folding.fold("天气 fine"), Cow::Borrowed(_)));
        assert!(matches!(Alphabet::default().fold("Ａ"), Cow::Borrowed("Ａ")));
    }

    #[test]
    fn characters_without_a_shape_are_ignored_within_words() {
        let alphabet = Alphabet::default();
        for ignorable in
            ["\u{200B}", "\u{200C}", "\u{200D}", "\u{FEFF}", "\u{AD}", "\u{2060}", "\u{202E}"]
        {
            for text in ["超级5G网络", "iPhone手机", "\u{20000}\u{20001}か\u{3099}"] {
                let characters: Vec<String> = text.chars().map(String::from).collect();
                let dirty = characters.join(ignorable);
                assert_eq!(shown(&alphabet, &dirty), shown(&alphabet, text), "{ignorable:?}");
                assert_eq!(shown(&CHARACTERS, &dirty), shown(&CHARACTERS, text), "{ignorable:?}");
            }
            assert_eq!(shown(&alphabet, &format!("{ignorable}天，{ignorable}地")), "|/天/|/地");
        }
        let alone = alphabet.units("\u{FEFF}天").collect::<Vec<_>>();
        assert!(!alone[0].symbol && !alone[1].ignores);
        let long = "a\u{AD}".repeat(LONGEST_UNIT);
        assert_eq!(shown(&alphabet, &long), "a".repeat(LONGEST_UNIT));
        assert_eq!(alphabet.without_ignored("a\u{AD}\u{200B}b\u{301}").1, 2);
    }

    #[test]
    fn ignorable_characters_of_the_orthography_are_kept() {
        let alphabet = Alphabet::default();
        for text in ["می\u{200C}خواهم", "क\u{94D}\u{200D}ष", "ශ\u{DCA}\u{200D}රී"]
        {
            assert_eq!(shown(&alphabet, text), text);
            assert_eq!(shown(&alphabet, &format!("{text}\u{200C}")), text);
        }
        assert_eq!(shown(&alphabet, "ไทย\u{200B}ไทย"), "ไ/ท/ย/|/ไ/ท/ย");
        assert_eq!(shown(&alphabet, "超\u{200B}ไ"), "超/ไ");
    }

    #[test]
    fn variation_selectors_are_ignored_where_asked() {
        let skipping = Alphabet { skip_variation_selectors: true, ..Alphabet::default() };
        assert_eq!(shown(&skipping, "葛\u{E0100}城\u{FE00}"), "葛/城");
    }

    /// The units of `text` by the rules as written, one character at a time.
    fn naive(alphabet: &Alphabet, text: &str) -> Vec<Unit> {
        let class = |c: char| match Table::get().class(c) {
            Class::Letter => alphabet.letters.apply(Class::Letter),
            Class::Digit => alphabet.digits.apply(Class::Digit),
            Class::Selector if alphabet.skip_variation_selectors => Class::Ignorable,
            Class::Selector => Class::Extend,
            other => other,
        };
        let characters: Vec<(usize, char)> = text.char_indices().collect();
        let mut runs: Vec<(Class, usize, Unit)> = Vec::new();
        for (place, &(start, c)) in characters.iter().enumerate() {
            let end = start + c.len_utf8();
            let before = place.checked_sub(1).map(|place| characters[place].1);
            let next = characters.get(place + 1).map(|(_, next)| class(*next));
            let in_symbol = runs.last().filter(|(_, _, unit)| unit.symbol).map(|run| run.0);
            let read = match (class(c), in_symbol) {
                (other, None) if other as usize > Class::Digit as usize => Class::Break,
                (Class::Joiner, Some(Class::Letter))
                    if next == Some(Class::Letter) && before.is_some_and(has_joiners) =>
                {
                    Class::Extend
                }
                (Class::ZeroWidthSpace, Some(Class::Single))
                    if before.is_some_and(has_zero_width_spaces) =>
                {
                    Class::Break
                }
                (Class::Joiner | Class::ZeroWidthSpace, _) => Class::Ignorable,
                (other, _) => other,
            };
            match runs.last_mut() {
                Some((_, _, unit)) if read == Class::Ignorable => {
                    (unit.end, unit.ignores) = (end, true);
                }
                Some((last, length, unit))
                    if read == Class::Extend || (read == *last && read != Class::Single) =>
                {
                    (*length, unit.end) = (*length + 1, end);
                }
                _ => {
                    let symbol = read != Class::Break;
                    runs.push((read, 1, Unit { start, end, symbol, ignores: false }));
                }
            }
        }
        let mut units: Vec<Unit> = Vec::new();
        for (_, length, mut unit) in runs {
            unit.symbol &= length <= LONGEST_UNIT;
            unit.ignores &= unit.symbol;
            match units.last_mut() {
                Some(last) if !last.symbol && !unit.symbol => last.end = unit.end,
                _ => units.push(unit),
            }
        }
        units
    }

    proptest! {
        #[test]
        fn units_follow_the_rules(
            text in "([a-c]{60,70}|[天地a-c0-2，。 か\u{3099}\u{301}\u{20000}😀\u{E0100}é]|\
                [\u{200B}-\u{200E}\u{AD}\u{FEFF}ไمक]|\\PC){0,40}",
            modes in prop::array::uniform2(0..3_usize),
            skip_variation_selectors in any::<bool>(),
        ) {
            let mode = |at: usize| [RunMode::Unit, RunMode::Characters, RunMode::Break][at];
            let alphabet = Alphabet { skip_variation_selectors, ..plain(mode(modes[0]), mode(modes[1])) };
            prop_assert_eq!(alphabet.units(&text).collect::<Vec<_>>(), naive(&alphabet, &text));
        }
    }
}
