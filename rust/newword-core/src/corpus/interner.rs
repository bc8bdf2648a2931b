//! The symbol table of the whole corpus during encoding.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;

use super::Symbols;
use crate::support::hash::FixedState;
use crate::support::{Error, Result};

/// Symbols in the order they were met, which depends on the threads; [`Interner::finish`] puts
/// them in order. About 20 bytes a symbol beyond its text.
#[derive(Debug, Default)]
pub(super) struct Interner {
    /// All names, end to end.
    text: String,
    /// Where each name ends in `text`.
    ends: Vec<u32>,
    counts: Vec<u64>,
    /// Numbers by name; the names themselves lie in `text`.
    numbers: HashTable<u32>,
    state: FixedState,
}

impl Interner {
    /// Counts `count` more occurrences of `name`; its number, from 0 in order of arrival.
    ///
    /// # Errors
    /// [`Error::Memory`] if all names together pass 4 GB.
    pub(super) fn add(&mut self, name: &str, count: u64) -> Result<u32> {
        let Self { text, ends, counts, numbers, state } = self;
        let hash = state.hash_one(name);
        let entry = numbers.entry(
            hash,
            |&number| name_of(text, ends, number) == name,
            |&number| state.hash_one(name_of(text, ends, number)),
        );
        match entry {
            Entry::Occupied(known) => {
                let number = *known.get();
                counts[number as usize] += count;
                Ok(number)
            }
            Entry::Vacant(free) => {
                let (Ok(number), Ok(end)) =
                    (u32::try_from(ends.len()), u32::try_from(text.len() + name.len()))
                else {
                    return Err(Error::Memory("the symbols' names pass 4 GB".into()));
                };
                free.insert(number);
                text.push_str(name);
                ends.push(end);
                counts.push(count);
                Ok(number)
            }
        }
    }

    /// How many symbols there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes held in memory.
    pub(super) fn resident_bytes(&self) -> usize {
        self.text.capacity()
            + self.ends.capacity() * size_of::<u32>()
            + self.counts.capacity() * size_of::<u64>()
            + self.numbers.allocation_size()
    }

    /// The table of symbols by code point, their occurrences by id (that of the break, 0, left at
    /// 0), and the id of each number. O(n log n).
    ///
    /// # Errors
    /// See [`Symbols::new`].
    pub(super) fn finish(self) -> Result<(Symbols, Vec<u64>, Vec<u32>)> {
        let name = |number: u32| name_of(&self.text, &self.ends, number);
        let mut sorted: Vec<u32> = (0..).take(self.ends.len()).collect();
        sorted.sort_unstable_by(|&a, &b| name(a).cmp(name(b)));
        let mut symbols = Symbols::default();
        let mut counts = vec![0];
        let mut ids = vec![0; sorted.len()];
        for (id, &number) in (1..).zip(&sorted) {
            symbols.push(name(number))?;
            counts.push(self.counts[number as usize]);
            ids[number as usize] = id;
        }
        Ok((symbols, counts, ids))
    }
}

fn name_of<'t>(text: &'t str, ends: &[u32], number: u32) -> &'t str {
    let at = number as usize;
    let start = if at == 0 { 0 } else { ends[at - 1] as usize };
    &text[start..ends[at] as usize]
}
