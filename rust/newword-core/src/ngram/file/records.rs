//! The records of a count file: n-grams in order, each as what it adds to the one before.

use std::io::Write;

use super::format::{
    BLOCK_BYTES, Fault, Kind, MALFORMED, MAX_GRAM, put_block, put_varint, take_varint,
};

/// An n-gram as ids, 0 behind its end, so that the order of the arrays is the order of the file: by
/// code points, a prefix before what it begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Gram(pub(crate) [u32; MAX_GRAM]);

impl Gram {
    /// How many symbols it has.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().position(|&id| id == 0).unwrap_or(MAX_GRAM)
    }
}

/// Whether the first `symbols` symbols of both are the same. A comparison of slices would call the C
/// library, which takes longer than the comparison.
#[inline]
fn agree(one: &[u32], other: &[u32], symbols: usize) -> bool {
    one.iter().zip(other).take(symbols).all(|(one, other)| one == other)
}

/// An n-gram and its count; all but its last symbol are those of the n-gram before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// How many symbols the n-gram has, 1 to [`MAX_GRAM`].
    pub length: usize,
    /// Its last symbol.
    pub last: u32,
    /// How often it occurs.
    pub count: u64,
}

/// Writes n-grams in the order of the file into blocks.
///
/// A record is `(step << 5 | length << 1 | once)`, then the count unless it is 1. The n-gram shares
/// all but its last symbol with the one before, cut or not; `step` is what to add to the symbol there
/// (0 where there was none). A block begins anew: its first record names all symbols.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    payload: Vec<u8>,
    /// The n-gram before; behind its length is nothing of meaning.
    before: [u32; MAX_GRAM],
    length: usize,
    /// n-grams written, by length.
    pub rows: [u64; MAX_GRAM],
}

impl Encoder {
    /// Appends an n-gram; finished blocks go to `out`.
    pub(super) fn push(
        &mut self,
        gram: &[u32],
        count: u64,
        out: &mut impl Write,
    ) -> std::io::Result<()> {
        let length = gram.len();
        // A record says its last symbol alone. Where what it extends is in another file, a block begins.
        if length > self.length + 1 || !agree(&self.before, gram, length - 1) {
            self.flush(out)?;
        }
        if self.payload.is_empty() {
            self.before[..length].copy_from_slice(gram);
        }
        self.append(Record { length, last: gram[length - 1], count }, out)
    }

    /// [`Encoder::push`] of an n-gram all but the last symbol of which are those of the one before; finished blocks go to `out`.
    #[inline]
    pub(super) fn append(&mut self, record: Record, out: &mut impl Write) -> std::io::Result<()> {
        let Record { length, last, count } = record;
        if self.payload.is_empty() {
            self.begin(length);
        }
        let before = if length > self.length { 0 } else { self.before[length - 1] };
        debug_assert!(last > before && length <= self.length + 1);
        let step = u64::from(last - before);
        let once = u64::from(count == 1);
        put_varint(&mut self.payload, step << 5 | (length as u64) << 1 | once);
        if count != 1 {
            put_varint(&mut self.payload, count);
        }
        self.before[length - 1] = last;
        self.length = length;
        self.rows[length - 1] += 1;
        if self.payload.len() >= BLOCK_BYTES { self.flush(out) } else { Ok(()) }
    }

    /// Begins a block whose first n-gram has so many symbols.
    fn begin(&mut self, length: usize) {
        put_varint(&mut self.payload, length as u64);
        for &id in &self.before[..length - 1] {
            put_varint(&mut self.payload, u64::from(id));
        }
        self.length = length - 1;
    }

    /// Closes the block that is open.
    pub(super) fn flush(&mut self, out: &mut impl Write) -> std::io::Result<()> {
        if !self.payload.is_empty() {
            put_block(out, Kind::Grams, &self.payload)?;
            self.payload.clear();
        }
        Ok(())
    }
}

/// Reads the records of blocks that [`Encoder`] wrote, checking all it relies on.
#[derive(Debug)]
pub(super) struct Decoder {
    /// The n-gram read last; behind its length is nothing of meaning.
    ids: [u32; MAX_GRAM],
    length: usize,
    /// The largest id there may be.
    largest: u32,
    longest: usize,
    /// n-grams read, by length.
    pub rows: [u64; MAX_GRAM],
}

impl Decoder {
    pub(super) fn new(largest: u32, longest: usize) -> Self {
        Self { ids: [0; MAX_GRAM], length: 0, largest, longest, rows: [0; MAX_GRAM] }
    }

    /// The n-gram read last, empty at first.
    pub(super) fn gram(&self) -> &[u32] {
        &self.ids[..self.length]
    }

    /// The first record of a block, after all symbols of its n-gram but the last.
    pub(super) fn first(&mut self, bytes: &mut &[u8]) -> Result<Record, Fault> {
        let length = usize::try_from(take_varint(bytes)?).map_err(|_| MALFORMED)?;
        if !(1..=self.longest).contains(&length) {
            return Err(MALFORMED);
        }
        let before = (self.ids, self.length);
        for id in &mut self.ids[..length - 1] {
            let value = u32::try_from(take_varint(bytes)?).map_err(|_| MALFORMED)?;
            if value == 0 || value > self.largest {
                return Err(MALFORMED);
            }
            *id = value;
        }
        self.length = length - 1;
        let record = self.next(bytes)?;
        if *self.gram() <= before.0[..before.1] {
            return Err(MALFORMED);
        }
        Ok(record)
    }

    /// The next record of a block.
    // Called, its result would go through memory twice: a tenth of the time of merging.
    #[allow(clippy::inline_always)]
    #[inline(always)]
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Result<Record, Fault> {
        let head = take_varint(bytes)?;
        let (length, step) = ((head >> 1 & 15) as usize, head >> 5);
        if length == 0 || length > self.longest || length > self.length + 1 {
            return Err(MALFORMED);
        }
        let before = if length > self.length { 0 } else { self.ids[length - 1] };
        let count = if head & 1 == 1 { 1 } else { take_varint(bytes)? };
        let last = u32::try_from(u64::from(before) + step).map_err(|_| MALFORMED)?;
        if step == 0 || last > self.largest || count == 0 {
            return Err(MALFORMED);
        }
        self.ids[length - 1] = last;
        self.length = length;
        self.rows[length - 1] += 1;
        Ok(Record { length, last, count })
    }
}
