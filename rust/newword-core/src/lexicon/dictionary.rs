//! Reading jieba dictionaries and word lists.

use super::distinct::repetitions;
use super::words::Words;
use crate::support::{Result, Workers};

/// Distinct words with their counts and lengths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dictionary {
    /// The words, in the order in which they are first there.
    pub words: Words,
    /// By word.
    pub counts: Vec<u64>,
    /// By word, its characters.
    pub lengths: Vec<i32>,
}

/// A line that is no entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineError {
    /// From 1.
    pub line: usize,
    /// What breaks its rule, and what the rule is.
    pub rule: String,
    /// What was there.
    pub got: String,
}

/// Reads a dictionary: a word a line, then perhaps a count and a tag, separated by spaces as jieba has
/// it or by tabs. White space around a line and empty lines are left out, as is a byte-order mark. A
/// word without a count counts once; of several lines for one word the last one holds, in the place of
/// the first. O(n log n).
///
/// The inner error is that of a line.
///
/// # Errors
/// [`crate::support::Error::Memory`] where the words have over 4 GB;
/// [`crate::support::Error::Cancelled`].
pub fn read_dictionary(text: &str, workers: &Workers<'_>) -> Result<Result<Dictionary, LineError>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    // The first piece takes in the others, so it has room for all.
    let room = |start: usize, piece: &str| if start == 0 { text.len() } else { piece.len() };
    let pieces = workers.map(pieces(text, workers), |(start, piece)| {
        let read = read_lines(piece, room(start, piece))?;
        let lines_before = |at: usize| text[..at].matches('\n').count();
        Ok(read.map_err(|error| LineError { line: error.line + lines_before(start), ..error }))
    })?;
    let mut found: Option<Dictionary> = None;
    for piece in pieces {
        match (&mut found, piece) {
            (_, Err(error)) => return Ok(Err(error)),
            (Some(found), Ok(piece)) => found.append(piece)?,
            (None, Ok(piece)) => found = Some(piece),
        }
    }
    let mut found = found.unwrap_or_default();
    found.words.shrink();
    merge(found, workers).map(Ok)
}

/// A thread takes at least so many bytes.
const FEWEST_BYTES: usize = if cfg!(test) { 8 } else { 1 << 18 };

/// A text cut behind ends of lines into pieces for threads, with where each starts.
fn pieces<'t>(text: &'t str, workers: &Workers<'_>) -> Vec<(usize, &'t str)> {
    let mut start = 0;
    let mut found = Vec::new();
    for range in workers.ranges(text.len(), FEWEST_BYTES) {
        let from = range.end.max(start + 1) - 1;
        let newline = text.as_bytes().iter().skip(from).position(|byte| *byte == b'\n');
        let end = newline.map_or(text.len(), |newline| from + newline + 1);
        if start < end {
            found.push((start, &text[start..end]));
            start = end;
        }
    }
    found
}

/// The entries of all lines, for `room` bytes of words.
fn read_lines(text: &str, room: usize) -> Result<Result<Dictionary, LineError>> {
    let mut found = Dictionary { words: Words::with_room(room), ..Dictionary::default() };
    for (line, number) in text.split('\n').zip(1..) {
        let line = line.trim_matches(is_space);
        if line.is_empty() {
            continue;
        }
        let (word, count) = match entry(line) {
            Ok(entry) => entry,
            Err((rule, got)) => return Ok(Err(LineError { line: number, rule, got: got.into() })),
        };
        found.words.push(word)?;
        found.counts.push(count);
        found.lengths.push(i32::try_from(word.chars().count()).unwrap_or(i32::MAX));
    }
    Ok(Ok(found))
}

impl Dictionary {
    fn append(&mut self, other: Self) -> Result<()> {
        self.words.append(&other.words)?;
        self.counts.extend(other.counts);
        self.lengths.extend(other.lengths);
        Ok(())
    }
}

/// Keeps each word once.
fn merge(found: Dictionary, workers: &Workers<'_>) -> Result<Dictionary> {
    let repeated = repetitions(&found.words, workers)?;
    if repeated.is_empty() {
        return Ok(found);
    }
    let Dictionary { words, mut counts, lengths } = found;
    let mut kept = Dictionary::default();
    for (at, first) in &repeated {
        counts[*first] = counts[*at];
    }
    let mut repeated = repeated.into_iter().map(|(at, _)| at).peekable();
    for (at, word) in words.iter().enumerate() {
        if repeated.next_if_eq(&at).is_none() {
            kept.words.push(word)?;
            kept.counts.push(counts[at]);
            kept.lengths.push(lengths[at]);
        }
    }
    Ok(kept)
}

type Wrong<'l> = (String, &'l str);

/// The word and the count of a line without white space around it.
fn entry(line: &str) -> Result<(&str, u64), Wrong<'_>> {
    let (word, digits) = match line.split_once('\t') {
        None => of_spaces(line),
        Some((word, rest)) => {
            let count = rest.split('\t').next().unwrap_or(rest).trim_matches(is_space);
            let word = word.trim_matches(is_space);
            if word.is_empty() || !is_digits(count) {
                return Err(("must be a word and a count".into(), line));
            }
            (word, count)
        }
    };
    if digits.len() > MOST_DIGITS {
        return Err((too_large(), digits));
    }
    Ok((word, digits.parse().map_err(|_| (too_large(), digits))?))
}

/// More digits are refused, even where the first are zeros.
const MOST_DIGITS: usize = 20;

fn too_large() -> String {
    format!("a count must be at most {}", u64::MAX)
}

/// The word and the count of a line as jieba has it: single spaces before the count and the tag.
fn of_spaces(line: &str) -> (&str, &str) {
    let is_tag = |tag: &str| !tag.is_empty() && tag.bytes().all(|byte| byte.is_ascii_lowercase());
    let before_tag = match line.rsplit_once(' ') {
        Some((before, tag)) if is_tag(tag) => before,
        _ => line,
    };
    match before_tag.rsplit_once(' ') {
        Some((word, count)) if is_digits(count) && !word.is_empty() => (word, count),
        _ => (before_tag, "1"),
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// White space as Python's `str.strip` has it: that of Unicode, and four separators of ASCII.
pub(crate) fn is_space(character: char) -> bool {
    character.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&character)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Vec<(String, u64, i32)>, LineError> {
        let found = read_dictionary(text, &Workers::kept(Some(3)).unwrap()).unwrap()?;
        let alone = read_dictionary(text, &Workers::caller()).unwrap()?;
        assert_eq!(found, alone);
        let words = found.words.iter().map(str::to_owned);
        let all = words.zip(found.counts.clone()).zip(found.lengths.clone());
        Ok(all.map(|((word, count), length)| (word, count, length)).collect())
    }

    #[test]
    fn entries_of_all_kinds_are_read() {
        let text = "\u{feff}时间\r\n网络 7\r\n\r\nA股 3 nz\n清华\t12\n时间 5\n\u{3000}𠀀 人 2 n\u{1f}\na b c";
        let expected = [
            ("时间", 5, 2),
            ("网络", 7, 2),
            ("A股", 3, 2),
            ("清华", 12, 2),
            ("𠀀 人", 2, 3),
            ("a b", 1, 3),
        ];
        let expected = expected.map(|(word, count, length)| (word.to_owned(), count, length));
        assert_eq!(read(text).unwrap(), expected);
        assert!(read("").unwrap().is_empty() && read(" \n\r\n\t").unwrap().is_empty());
    }

    #[test]
    fn lines_that_are_no_entries_are_named() {
        let error = |text: &str| read(text).unwrap_err();
        let rule = "must be a word and a count".to_owned();
        assert_eq!(error("a\n\nb\tx"), LineError { line: 3, rule, got: "b\tx".into() });
        assert_eq!(error("a 99999999999999999999").got, "99999999999999999999");
        assert_eq!(error("a 000000000000000000001").line, 1);
        assert!(error("a 18446744073709551616").rule.ends_with("at most 18446744073709551615"));
        assert_eq!(read("a 18446744073709551615").unwrap()[0].1, u64::MAX);
    }

    proptest! {
        #[test]
        fn of_several_lines_the_last_one_holds(
            lines in prop::collection::vec(("[ab]{1,2}", 0_u64..99), 0..30),
        ) {
            let mut expected: Vec<(String, u64, i32)> = Vec::new();
            for (word, count) in &lines {
                if let Some(known) = expected.iter_mut().find(|(known, ..)| known == word) {
                    known.1 = *count;
                } else {
                    let length = if word.len() == 1 { 1 } else { 2 };
                    expected.push((word.clone(), *count, length));
                }
            }
            let text: Vec<String> =
                lines.iter().map(|(word, count)| format!("{word} {count} n")).collect();
            prop_assert_eq!(read(&text.join("\n")).unwrap(), expected);
        }
    }
}
