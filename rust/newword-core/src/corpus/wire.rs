//! An encoded corpus as bytes, for a process that goes through the text later.

use super::Symbols;
use super::encoded::{Content, EDGE, EncodedCorpus, Part, Place, ReadReport};
use crate::support::wire::{Arrays, put, put_names};
use crate::support::{Error, Result};

impl EncodedCorpus {
    /// The text as bytes, for a process of the same version; the report is left out. O(n), two bytes a symbol.
    ///
    /// # Errors
    /// Reading the spill file failed.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        put_names(&mut out, (1..).take(self.symbols.len()).map(|id| self.symbols.name(id)));
        for part in &self.parts {
            let read;
            let content = match &part.place {
                Place::Memory(content) => content,
                Place::File(start) => {
                    read = Content::read(self.file()?, *start, part)?;
                    &read
                }
            };
            let ids: Vec<u32> = self.final_ids(&content.numbers).collect();
            put(&mut out, &[u8::from(part.closed)]);
            put(&mut out, &ids);
            put(&mut out, &content.counts);
            put(&mut out, &content.ids);
        }
        Ok(out)
    }

    /// The text of [`EncodedCorpus::to_bytes`], in memory.
    ///
    /// # Errors
    /// [`Error::Corpus`] for other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut arrays = Arrays(bytes);
        let symbols = Symbols::new(arrays.names()?)?;
        let mut counts = vec![0; symbols.len() + 1];
        let mut parts: Vec<Part> = Vec::new();
        while !arrays.0.is_empty() {
            let sequence = (parts.len() as u64, 0);
            parts.push(part_of(&mut arrays, sequence, &mut counts)?);
        }
        let held = parts.iter().map(|part| match &part.place {
            Place::Memory(content) => content.bytes(),
            Place::File(_) => 0,
        });
        let held = held.sum();
        // Numbers are ids here.
        let ids = (0..).take(symbols.len() + 1).collect();
        let report = ReadReport::default();
        Ok(Self { symbols, counts, ids, parts, spill: None, held, report })
    }
}

/// The next part, whose occurrences are added to `counts`.
fn part_of(arrays: &mut Arrays<'_>, sequence: (u64, u32), counts: &mut [u64]) -> Result<Part> {
    let damaged = || Error::Corpus("the encoded text is damaged".into());
    let closed = arrays.one::<u8>()? == 1;
    let content = Content {
        numbers: arrays.take()?.into(),
        counts: arrays.take()?.into(),
        ids: arrays.take()?.into(),
    };
    let Content { numbers, counts: own, ids } = &content;
    if numbers.len() != own.len() || ids.iter().any(|id| usize::from(*id) > numbers.len()) {
        return Err(damaged());
    }
    for (number, count) in numbers.iter().zip(own) {
        let known = counts.get_mut(*number as usize).filter(|_| *number > 0);
        *known.ok_or_else(damaged)? += u64::from(*count);
    }
    let symbols: u64 = own.iter().map(|count| u64::from(*count)).sum();
    let breaks = (ids.len() as u64).checked_sub(symbols).ok_or_else(damaged)?;
    counts[0] += breaks + u64::from(closed);
    let edge = |ids: &[u16]| {
        let number = |id: &u16| if *id == 0 { 0 } else { numbers[usize::from(*id) - 1] + 1 };
        ids.iter().map(number).collect()
    };
    let length = ids.len();
    Ok(Part {
        sequence,
        opens_with_break: false,
        closed,
        length,
        distinct: numbers.len(),
        head: edge(&ids[..length.min(EDGE)]),
        tail: edge(&ids[length - length.min(EDGE)..]),
        place: Place::Memory(content),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::corpus::Alphabet;

    proptest! {
        #[test]
        fn damaged_bytes_are_errors_or_another_text(at in any::<prop::sample::Index>(), to: u8) {
            let corpus = EncodedCorpus::from_texts(["天气，A股 10 点", "天"], &Alphabet::default()).unwrap();
            let mut bytes = corpus.to_bytes().unwrap();
            let at = at.index(bytes.len());
            bytes[at] = to;
            if let Ok(read) = EncodedCorpus::from_bytes(&bytes) {
                let mut out = Vec::new();
                for part in 0..read.parts() {
                    read.load(part, EDGE, &mut out).unwrap();
                    read.part_counts(part).unwrap();
                }
            }
        }
    }
}
