//! Words end to end.

use crate::support::{Error, Result};

/// Words in one buffer: a list of strings of their own would take several times as much.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    text: String,
    /// Where each word ends in the text.
    ends: Vec<u32>,
}

impl Words {
    /// The words of `text`, which follow each other; `lengths` has the characters of each.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where the lengths do not add up to the text, [`Error::Memory`] where
    /// the text has over 4 GB.
    pub fn of_joined(text: String, lengths: impl ExactSizeIterator<Item = usize>) -> Result<Self> {
        let mut ends = Vec::with_capacity(lengths.len());
        let mut end = 0;
        let wrong = || Error::invalid("lengths", "must add up to the text", "another sum");
        for length in lengths {
            for _ in 0..length {
                end += text[end..].chars().next().ok_or_else(wrong)?.len_utf8();
            }
            ends.push(number(end)?);
        }
        if end != text.len() {
            return Err(wrong());
        }
        Ok(Self { text, ends })
    }

    /// No words yet, with room for so many bytes.
    pub(super) fn with_room(bytes: usize) -> Self {
        Self { text: String::with_capacity(bytes), ends: Vec::new() }
    }

    /// Appends a word.
    ///
    /// # Errors
    /// [`Error::Memory`] beyond 4 GB of text.
    pub fn push(&mut self, word: &str) -> Result<()> {
        self.text.push_str(word);
        self.ends.push(number(self.text.len())?);
        Ok(())
    }

    /// Appends the words of another list.
    ///
    /// # Errors
    /// [`Error::Memory`] beyond 4 GB of text.
    pub(super) fn append(&mut self, other: &Self) -> Result<()> {
        number(self.text.len() + other.text.len())?;
        let before = number(self.text.len())?;
        self.text.push_str(&other.text);
        self.ends.extend(other.ends.iter().map(|end| before + end));
        Ok(())
    }

    /// Gives back what was reserved and not used.
    pub(super) fn shrink(&mut self) {
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    /// How many words there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// A word by its place.
    ///
    /// # Panics
    /// For a place from [`Words::len`] on.
    pub fn get(&self, at: usize) -> &str {
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        &self.text[start as usize..self.ends[at] as usize]
    }

    /// The words in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        (0..self.len()).map(|at| self.get(at))
    }
}

/// A place in the text.
fn number(end: usize) -> Result<u32> {
    u32::try_from(end).map_err(|_| Error::Memory("words of over 4 GB in one lexicon".into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn joined_words_come_apart(words in prop::collection::vec("[a天\u{20000}😀\u{301}]{0,4}", 0..20)) {
            let lengths: Vec<usize> = words.iter().map(|word| word.chars().count()).collect();
            let packed = Words::of_joined(words.concat(), lengths.iter().copied()).unwrap();
            prop_assert!(packed.iter().eq(words.iter().map(String::as_str)));
            prop_assert_eq!(packed.is_empty(), words.is_empty());
            let mut pushed = Words::with_room(0);
            for word in &words {
                pushed.push(word).unwrap();
            }
            prop_assert_eq!(pushed, packed);
            let more = lengths.iter().copied().chain([1]).collect::<Vec<_>>();
            prop_assert!(Words::of_joined(words.concat(), more.into_iter()).is_err());
            prop_assert!(Words::of_joined(words.concat() + "a", lengths.into_iter()).is_err());
        }
    }
}
