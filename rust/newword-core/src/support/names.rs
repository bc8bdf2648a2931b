//! A table from names to numbers that can lie in a file.

use bytemuck::cast_slice;
use xxhash_rust::xxh3::xxh3_64;

use super::arrays::{Array, ArrayFile};
use super::{Error, Result};

/// Names and a number for each: a hash table with open addressing.
///
/// Whatever the arrays hold, a look-up ends and stays within them.
#[derive(Debug, Clone)]
pub struct Names {
    /// The names end to end, UTF-8.
    text: Array<u8>,
    /// By name from 1: where it ends in the text, and its number. The first entry is no name.
    entries: Array<[u32; 2]>,
    /// Entries by the hash of their names, or the next place that was free; 0 for none. The length is
    /// a power of two of which at most half is used.
    table: Array<u32>,
}

impl Names {
    /// A table of distinct `names` with their numbers. O(total length).
    ///
    /// # Errors
    /// [`Error::Memory`] where the names have over 4 GB.
    pub fn new<'n>(names: impl Iterator<Item = (&'n str, u32)>) -> Result<Self> {
        let (mut text, mut entries) = (Vec::new(), vec![[0, 0]]);
        for (name, number) in names {
            text.extend_from_slice(name.as_bytes());
            let end = u32::try_from(text.len());
            let end = end.map_err(|_| Error::Memory("names of over 4 GB in one table".into()))?;
            entries.push([end, number]);
        }
        let mut table = vec![0_u32; (2 * entries.len()).next_power_of_two()];
        let names = Self { text: text.into(), entries: entries.into(), table: vec![].into() };
        let count = u32::try_from(names.entries.len()).unwrap_or(u32::MAX);
        for entry in 1..count {
            let name = name(&names.text, &names.entries, entry).unwrap_or_default();
            let free = places(name, table.len()).find(|place| table[*place] == 0);
            if let Some(place) = free {
                table[place] = entry;
            }
        }
        Ok(Self { table: table.into(), ..names })
    }

    /// The number of a name. O(length).
    pub fn find(&self, name: &str) -> Option<u32> {
        let (text, entries, table) = (&*self.text, &*self.entries, &*self.table);
        for place in places(name.as_bytes(), table.len()) {
            let entry = table[place];
            if entry == 0 {
                return None;
            }
            if self::name(text, entries, entry) == Some(name.as_bytes()) {
                return Some(entries[entry as usize][1]);
            }
        }
        None
    }

    /// The names and their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        let (text, entries) = (&*self.text, &*self.entries);
        entries.windows(2).filter_map(|pair| {
            let [[start, _], [end, number]] = [pair[0], pair[1]];
            let name = text.get(start as usize..end as usize)?;
            Some((std::str::from_utf8(name).ok()?, number))
        })
    }

    /// The name of an entry, numbered from 0 in the order of [`Names::new`].
    pub fn get(&self, at: usize) -> Option<&str> {
        let name = name(&self.text, &self.entries, u32::try_from(at + 1).ok()?)?;
        std::str::from_utf8(name).ok()
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.entries.len() - 1
    }

    /// The arrays of a file: the text, the entries and the table, under these names.
    pub fn arrays(&self, names: [&'static str; 3]) -> [(&'static str, &[u8]); 3] {
        let [text, entries, table] = names;
        [(text, &self.text), (entries, cast_slice(&self.entries)), (table, cast_slice(&self.table))]
    }

    /// The table that a file holds under these names.
    ///
    /// # Errors
    /// [`Error::Format`] where an array is missing or of a length that cannot be.
    pub fn open(file: &ArrayFile, names: [&str; 3]) -> Result<Self> {
        let (text, entries) = (file.array(names[0], None)?, file.array(names[1], None)?);
        let table: Array<u32> = file.array(names[2], None)?;
        if entries.is_empty() || !table.len().is_power_of_two() {
            return Err(file.damaged());
        }
        Ok(Self { text, entries, table })
    }
}

/// The places of a table of a power of two of `length` places where a name is looked for, in order.
fn places(name: &[u8], length: usize) -> impl Iterator<Item = usize> + use<> {
    // The lower half decides in any table that a u32 can number, whatever the machine.
    #[allow(clippy::cast_possible_truncation)]
    let hash = xxh3_64(name) as u32 as usize;
    (0..length).map(move |step| hash.wrapping_add(step) & (length - 1))
}

/// The name of an entry from 1.
fn name<'t>(text: &'t [u8], entries: &[[u32; 2]], entry: u32) -> Option<&'t [u8]> {
    let entry = entry as usize;
    let (start, end) = (entries.get(entry.checked_sub(1)?)?[0], entries.get(entry)?[0]);
    text.get(start as usize..end as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_holds_exactly_its_names(
            names in prop::collection::btree_map("[ab𠀀😀]{0,3}|\\PC{0,3}", any::<u32>(), 0..60),
            others in prop::collection::vec("[ab𠀀😀]{0,4}", 0..60),
        ) {
            let table = Names::new(names.iter().map(|(name, number)| (&**name, *number))).unwrap();
            for name in names.keys().chain(&others) {
                prop_assert_eq!(table.find(name), names.get(name).copied());
            }
            let listed: BTreeMap<String, u32> =
                table.iter().map(|(name, number)| (name.to_owned(), number)).collect();
            prop_assert_eq!(listed, names);
        }

        #[test]
        fn any_arrays_are_searched_to_an_end(
            text in prop::collection::vec(any::<u8>(), 0..9),
            entries in prop::collection::vec((prop_oneof![0_u32..12, any::<u32>()], any::<u32>()), 1..9),
            table in prop::collection::vec(prop_oneof![0_u32..12, Just(u32::MAX)], 8),
            name in "[ab]{0,2}",
        ) {
            let entries: Vec<[u32; 2]> = entries.into_iter().map(Into::into).collect();
            let table = Names { text: text.into(), entries: entries.into(), table: table.into() };
            let _ = table.find(&name);
            let _ = table.iter().count();
        }
    }
}
