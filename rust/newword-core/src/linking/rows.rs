//! Entities as rows of bytes, of which a look-up reads only its own.

use super::record::Entity;

/// Appends an entity without its id, which lies elsewhere.
///
/// A row has its name, and the numbers of aliases, types and attributes, each before what it counts.
/// Numbers are in groups of seven bits, the lowest first; a string has its number of bytes before it.
pub fn write(entity: &Entity, row: &mut Vec<u8>) {
    let Entity { id: _, name, aliases, types, attributes } = entity;
    write_string(name, row);
    for strings in [aliases, types] {
        write_number(strings.len(), row);
        for string in strings {
            write_string(string, row);
        }
    }
    write_number(attributes.len(), row);
    for (name, value) in attributes {
        write_string(name, row);
        write_string(value, row);
    }
}

fn write_number(mut number: usize, row: &mut Vec<u8>) {
    while number >= 0x80 {
        // Seven bits.
        #[allow(clippy::cast_possible_truncation)]
        row.push(number as u8 | 0x80);
        number >>= 7;
    }
    #[allow(clippy::cast_possible_truncation)] // Less than 128.
    row.push(number as u8);
}

fn write_string(string: &str, row: &mut Vec<u8>) {
    write_number(string.len(), row);
    row.extend(string.as_bytes());
}

/// A row that is being read. Everything is an option: a damaged file may hold anything.
pub struct Row<'r>(pub &'r [u8]);

impl<'r> Row<'r> {
    /// The entity, but for its id.
    pub fn read(mut self) -> Option<Entity> {
        let name = self.string()?.into();
        let aliases = self.strings()?;
        let types = self.strings()?;
        let mut attributes = Vec::new();
        for _ in 0..self.number()? {
            attributes.push((self.string()?.into(), self.string()?.into()));
        }
        Some(Entity { id: String::new(), name, aliases, types, attributes })
    }

    fn strings(&mut self) -> Option<Vec<String>> {
        (0..self.number()?).map(|_| self.string().map(Into::into)).collect()
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = 0_usize;
        for shift in (0..usize::BITS).step_by(7) {
            let (first, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= usize::from(first & 0x7F).checked_shl(shift)?;
            if *first < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn string(&mut self) -> Option<&'r str> {
        let length = self.number()?;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(string).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn rows_are_read_as_they_were_written(
            name in "\\PC{0,200}",
            aliases in prop::collection::vec("[天𠀀😀a]{0,9}", 0..4),
            types in prop::collection::vec("[a-c]{0,2}", 0..200),
            attributes in prop::collection::vec(("\\PC{0,4}", "\\PC{0,40}"), 0..9),
        ) {
            let entity = Entity { id: String::new(), name, aliases, types, attributes };
            let mut row = Vec::new();
            write(&entity, &mut row);
            prop_assert_eq!(Row(&row).read(), Some(entity));
        }

        #[test]
        fn any_bytes_are_read_to_an_end(row in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = Row(&row).read();
        }
    }
}
