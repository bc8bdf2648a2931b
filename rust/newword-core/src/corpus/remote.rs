//! A text that lies elsewhere, such as on a cluster: passes over it are asked for and answered in sums.

use crate::support::{Error, Result};

/// What goes through a text that is not here.
pub trait Remote: Sync {
    /// Goes through the whole text once and returns counts, added up over all parts, by the bytes of a
    /// [`Key`]. Words that occur fewer than `min_count` times may be left out.
    ///
    /// # Errors
    /// What the other side meets; [`Error::Cancelled`].
    fn pass(&self, request: &[u8], min_count: u64) -> Result<Vec<(Vec<u8>, u64)>>;
}

/// What a count in the answer to a pass is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// A node of the trie that was sent.
    Node(u32),
    /// A symbol, by its label.
    Label(u32),
    /// A total, by its place.
    Total(u32),
    /// A word, by its labels.
    Word(Vec<u32>),
    /// A word of the second set, by its labels.
    Long(Vec<u32>),
}

impl Key {
    /// Keys of words begin with this byte or a larger one, others with a smaller one.
    pub const WORDS: u8 = 3;

    /// The key as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let (kind, numbers) = match self {
            Self::Node(number) => (0, std::slice::from_ref(number)),
            Self::Label(number) => (1, std::slice::from_ref(number)),
            Self::Total(number) => (2, std::slice::from_ref(number)),
            Self::Word(labels) => (3, &labels[..]),
            Self::Long(labels) => (4, &labels[..]),
        };
        let numbers = numbers.iter().flat_map(|number| number.to_le_bytes());
        std::iter::once(kind).chain(numbers).collect()
    }

    /// Reads what [`Key::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Error::Corpus`] for anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let wrong = || Error::Corpus("the answer to a pass is damaged".into());
        let (kind, rest) = bytes.split_first().ok_or_else(wrong)?;
        let (numbers, []) = rest.as_chunks::<4>() else { return Err(wrong()) };
        let numbers: Vec<u32> = numbers.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        Ok(match (kind, &numbers[..]) {
            (0, [number]) => Self::Node(*number),
            (1, [number]) => Self::Label(*number),
            (2, [number]) => Self::Total(*number),
            (3, [_, ..]) => Self::Word(numbers),
            (4, [_, ..]) => Self::Long(numbers),
            _ => return Err(wrong()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_lead_back() {
        let words = [vec![1, 2, 70_000], vec![9]];
        let keys = [Key::Node(7), Key::Label(0), Key::Total(u32::MAX)];
        let words = words.into_iter().flat_map(|word| [Key::Word(word.clone()), Key::Long(word)]);
        for key in keys.into_iter().chain(words) {
            assert_eq!(Key::from_bytes(&key.to_bytes()).unwrap(), key);
            let is_word = matches!(key, Key::Word(_) | Key::Long(_));
            assert_eq!(key.to_bytes()[0] >= Key::WORDS, is_word);
        }
        for wrong in [&[][..], &[0], &[3], &[9, 0, 0, 0, 0], &[0, 1, 2, 3], &[1, 0, 0, 0, 0, 0]] {
            assert!(Key::from_bytes(wrong).is_err());
        }
    }
}
