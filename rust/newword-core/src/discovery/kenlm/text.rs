//! Text as the published script sees it: what it keeps of a line, as codes of 15 bits.

use std::ops::Range;

use crate::corpus::Parts;
use crate::corpus::TextSource;
use crate::support::{Context, Error, Result, Stage};

/// The end of a text: breaks everything.
pub const END: u16 = 0;
/// What a run of characters outside the class becomes: ends a record's line, a token of its own.
pub const NEWLINE: u16 = 1;
/// A space: unseen by the records, a token of its own.
pub const SPACE: u16 = 2;
/// The first code that is part of words.
pub const FIRST_CHARACTER: u32 = 3;
/// The largest code.
pub const CODES: usize = 3 + 62 + (0x9fa5 - 0x4e00);

/// The character ranges of the class, in code-point order, with the code of their first.
const CLASS: [(char, char, u32); 4] = [
    ('0', '9', FIRST_CHARACTER),
    ('A', 'Z', FIRST_CHARACTER + 10),
    ('a', 'z', FIRST_CHARACTER + 36),
    ('\u{4e00}', '\u{9fa5}', FIRST_CHARACTER + 62),
];

/// How many codes a part holds, unless a text is longer.
const PART: usize = 1 << 20;

/// The code of a character of the class.
pub fn code_of(character: char) -> Option<u32> {
    let (first, _, code) =
        CLASS.iter().rev().find(|(first, last, _)| (*first..=*last).contains(&character))?;
    Some(code + (character as u32 - *first as u32))
}

/// The text that codes stand for.
pub fn spell(codes: &[u32]) -> String {
    let spell_one = |&code: &u32| match CLASS.iter().rev().find(|(_, _, first)| *first <= code) {
        Some((first, _, base)) => char::from_u32(*first as u32 + (code - base)).unwrap_or(' '),
        None if code == u32::from(NEWLINE) => '\n',
        None => ' ',
    };
    codes.iter().map(spell_one).collect()
}

/// Texts, cleaned as the published script cleans them: two bytes a character.
#[derive(Debug, Default)]
pub struct KenlmCorpus {
    codes: Vec<u16>,
    /// One past the last code of each part but the open one; always just after an end of text.
    cuts: Vec<usize>,
    empty_texts: u64,
}

impl KenlmCorpus {
    /// Reads all lines of `source`, each as one text.
    ///
    /// # Errors
    /// What the source meets; [`Error::Memory`] where the codes exceed half the budget.
    pub fn read(mut source: Box<dyn TextSource>, context: &Context) -> Result<Self> {
        let mut corpus = Self::default();
        let mut open = String::new();
        context.progress().begin(Stage::Reading, source.total_bytes());
        while let Some(block) = source.next_block(context)? {
            context.check()?;
            context.progress().advance(block.bytes);
            let mut lines = block.text.split_inclusive('\n').peekable();
            while let Some(line) = lines.next() {
                let goes_on = lines.peek().is_none() && block.continues && !line.ends_with('\n');
                if goes_on || !open.is_empty() {
                    open.push_str(line);
                }
                if !goes_on {
                    corpus.push(if open.is_empty() { line } else { &open });
                    open.clear();
                }
            }
            if corpus.codes.len() as u64 * 2 > context.memory().bytes() / 2 {
                let message = "counts=\"kenlm\" keeps two bytes a character within half the budget";
                return Err(Error::Memory(format!("{message}; raise it or use counts=\"exact\"")));
            }
        }
        if !open.is_empty() {
            corpus.push(&open);
        }
        Ok(corpus)
    }

    /// Adds one text: ideographic spaces become spaces, white space at its ends goes, every run of
    /// characters outside [\u4e00-\u9fa5 0-9 A-Z a-z] and the space becomes one newline. O(length).
    pub fn push(&mut self, text: &str) {
        let before = self.codes.len();
        let mut outside = false;
        for character in text.trim_matches(is_space_in_python).chars() {
            let code = match character {
                ' ' | '\u{3000}' => SPACE,
                // All codes are below 2^15.
                _ => {
                    code_of(character).and_then(|code| u16::try_from(code).ok()).unwrap_or(NEWLINE)
                }
            };
            if code != NEWLINE || !outside {
                self.codes.push(code);
            }
            outside = code == NEWLINE;
        }
        self.empty_texts += u64::from(self.codes.len() == before);
        self.codes.push(END);
        if self.codes.len() - self.cuts.last().copied().unwrap_or(0) >= PART {
            self.cuts.push(self.codes.len());
        }
    }

    /// Texts of which nothing was left.
    pub fn empty_texts(&self) -> u64 {
        self.empty_texts
    }

    /// The codes of a part: whole texts, each followed by [`END`].
    pub fn part(&self, part: usize) -> &[u16] {
        let start = if part == 0 { 0 } else { self.cuts[part - 1] };
        &self.codes[start..self.cuts.get(part).copied().unwrap_or(self.codes.len())]
    }

    /// All codes.
    pub fn codes(&self) -> &[u16] {
        &self.codes
    }
}

impl Parts for KenlmCorpus {
    fn parts(&self) -> usize {
        self.cuts.len() + 1
    }

    fn total(&self) -> u64 {
        self.codes.len() as u64
    }

    fn load(&self, part: usize, _context: usize, out: &mut Vec<u32>) -> Result<Range<usize>> {
        out.clear();
        out.extend(self.part(part).iter().map(|code| u32::from(*code)));
        Ok(0..out.len())
    }
}

/// What `str.strip` removes in Python: white space and the four separators below it.
fn is_space_in_python(character: char) -> bool {
    character.is_whitespace() || ('\x1c'..='\x1f').contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{Block, ReadReport};
    use crate::support::testing::job;

    fn clean(text: &str) -> String {
        let mut corpus = KenlmCorpus::default();
        corpus.push(text);
        let codes: Vec<u32> = corpus.codes.iter().map(|code| u32::from(*code)).collect();
        spell(&codes[..codes.len() - 1])
    }

    #[test]
    fn text_is_cleaned_as_published() {
        assert_eq!(clean("  新词\u{3000}发现,(ab C9)...\n"), "新词 发现\nab C9\n");
        assert_eq!(clean("\u{3000} \t\x1f"), "");
        assert_eq!(clean("\u{4e00}\u{9fa5}\u{9fa6}\u{20000}😀e\u{301}一"), "一龥\ne\n一");
        assert_eq!(clean("Ａ１。 。x"), "\n \nx");
    }

    /// A text in blocks of some bytes, of which all but the last go on.
    struct Blocks(Vec<String>);

    impl TextSource for Blocks {
        fn next_block(&mut self, _: &Context) -> Result<Option<Block>> {
            let text = self.0.pop();
            let continues = !self.0.is_empty();
            Ok(text.map(|text| Block { bytes: text.len() as u64, text, continues }))
        }

        fn total_bytes(&self) -> u64 {
            0
        }

        fn report(&self) -> ReadReport {
            ReadReport::default()
        }
    }

    #[test]
    fn lines_are_texts_wherever_blocks_end() {
        let lines = ["新词发现，又快", "", "\u{3000}", "又 好", "abc"];
        let mut expected = KenlmCorpus::default();
        for line in lines {
            expected.push(line);
        }
        let characters: Vec<char> = lines.join("\n").chars().collect();
        for size in 1..characters.len() {
            let blocks = characters.chunks(size).rev().map(|block| block.iter().collect());
            let corpus = KenlmCorpus::read(Box::new(Blocks(blocks.collect())), &job(1)).unwrap();
            assert_eq!(corpus.codes, expected.codes, "blocks of {size}");
            assert_eq!(corpus.empty_texts(), 2);
        }
    }

    #[test]
    fn every_character_of_the_class_has_its_own_code() {
        let all: Vec<char> = CLASS.iter().flat_map(|(first, last, _)| *first..=*last).collect();
        let codes: Vec<u32> = all.iter().filter_map(|character| code_of(*character)).collect();
        assert!(codes.is_sorted_by(|a, b| a < b));
        assert_eq!(codes[0], FIRST_CHARACTER);
        assert_eq!(codes.last().copied(), u32::try_from(CODES).ok());
        assert_eq!(spell(&codes), all.into_iter().collect::<String>());
    }
}
