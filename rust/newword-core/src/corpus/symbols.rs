//! The table of symbols: their names and dense ids.

use super::classes::{Class, Table};
use crate::support::{Error, Result};

/// The symbols of a corpus. Ids are dense, start at 1 (0 is the break) and follow the order of the
/// symbols' code points, so that sorting by ids sorts words by code points.
///
/// The names lie end to end in one string: about 4 bytes a symbol beyond its text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Symbols {
    text: String,
    /// Where each name ends in `text`.
    ends: Vec<u32>,
}

impl Symbols {
    /// A table of `names`, which must be sorted by code point and distinct.
    ///
    /// # Errors
    /// [`Error::Corpus`] if they are not, or are more than `u32` ids can number.
    pub fn new(names: Vec<Box<str>>) -> Result<Self> {
        if !names.is_sorted_by(|a, b| a < b) {
            return Err(Error::Corpus("symbols must be sorted and distinct".into()));
        }
        let mut symbols = Self::default();
        for name in names {
            symbols.push(&name)?;
        }
        Ok(symbols)
    }

    /// Appends a name that sorts after all others.
    pub(super) fn push(&mut self, name: &str) -> Result<()> {
        self.text.push_str(name);
        let end = u32::try_from(self.text.len());
        match end {
            Ok(end) if self.ends.len() < u32::MAX as usize - 1 => self.ends.push(end),
            _ => return Err(Error::Corpus("more symbols than 4 GB of names can hold".into())),
        }
        Ok(())
    }

    /// How many symbols there are; the largest id.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The symbol of an id from 1 to [`Symbols::len`].
    ///
    /// # Panics
    /// For any other id.
    pub fn name(&self, id: u32) -> &str {
        let at = id as usize;
        let start = if at == 1 { 0 } else { self.ends[at - 2] as usize };
        &self.text[start..self.ends[at - 1] as usize]
    }

    /// The id of a symbol, if the corpus has it. O(log n).
    pub fn id(&self, name: &str) -> Option<u32> {
        let (mut low, mut high) = (1, u32::try_from(self.len()).ok()?);
        while low <= high {
            let middle = low + (high - low) / 2;
            match self.name(middle).cmp(name) {
                std::cmp::Ordering::Equal => return Some(middle),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle - 1,
            }
        }
        None
    }

    /// Whether the symbol of an id is a run of decimal digits, or a single one.
    ///
    /// # Panics
    /// As [`Symbols::name`].
    pub fn is_number(&self, id: u32) -> bool {
        let first = self.name(id).chars().next();
        first.is_some_and(|first| Table::get().class(first) == Class::Digit)
    }

    /// [`Symbols::is_number`] by id; the break is none.
    pub(crate) fn numbers(&self) -> Vec<bool> {
        let ids = (1..).take(self.len()).map(|id| self.is_number(id));
        std::iter::once(false).chain(ids).collect()
    }

    /// The ids of the symbols of another table by their ids there, 0 for those that are not in this one and
    /// for the break. O(symbols of both).
    pub(crate) fn ids_of(&self, other: &Self) -> Vec<u32> {
        let mut mine = (1..).take(self.len()).map(|id| (self.name(id), id)).peekable();
        let ids = (1..).take(other.len()).map(|id| other.name(id)).map(|name| {
            while mine.next_if(|(before, _)| *before < name).is_some() {}
            mine.next_if(|(same, _)| *same == name).map_or(0, |(_, id)| id)
        });
        std::iter::once(0).chain(ids).collect()
    }

    /// The word that a sequence of ids spells.
    pub fn spell(&self, ids: &[u32]) -> String {
        ids.iter().map(|&id| self.name(id)).collect()
    }

    /// Bytes held in memory.
    pub fn resident_bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ids_are_inverse() {
        let names = ["5", "G", "abc", "一", "网", "\u{20000}"];
        let symbols = Symbols::new(names.iter().map(|&name| name.into()).collect()).unwrap();
        assert_eq!(symbols.len(), 6);
        for (id, name) in (1..).zip(names) {
            assert_eq!(symbols.name(id), name);
            assert_eq!(symbols.id(name), Some(id));
            assert_eq!(symbols.is_number(id), name == "5");
        }
        let digits =
            Symbols::new(["1998", "７\u{301}", "\u{1d7d8}"].map(Into::into).to_vec()).unwrap();
        assert!((1..=3).all(|id| digits.is_number(id)));
        for unknown in ["", "0", "H", "络", "\u{20001}"] {
            assert_eq!(symbols.id(unknown), None);
        }
        assert_eq!(symbols.spell(&[1, 2, 5]), "5G网");
        assert_eq!(Symbols::default().id("a"), None);
    }

    #[test]
    fn unsorted_or_repeated_names_are_refused() {
        for names in [["b", "a"], ["a", "a"]] {
            assert!(Symbols::new(names.iter().map(|&name| name.into()).collect()).is_err());
        }
    }
}
