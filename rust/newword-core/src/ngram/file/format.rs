//! The format of a count file: header, blocks, records, as specified in `docs/count-file.md`.

use std::io::{Read, Write};

use crc32fast::Hasher;

/// The first bytes of every count file.
pub(super) const MAGIC: [u8; 8] = *b"\x89NWcount";
/// The version this code writes and reads.
pub(super) const VERSION: u32 = 1;
/// The longest n-gram a file holds: order 8 and one neighbour.
pub(crate) const MAX_GRAM: usize = 9;
/// A block is closed once its payload has this many bytes.
const BLOCK_BYTES: usize = 1 << 18;
/// The maximum length of a valid payload: a block, its last record, the longest symbol.
const BLOCK_LIMIT: u32 = 1 << 28;

/// The kind of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// JSON: order, counts, sources.
    Header = 1,
    /// Names in code-point order, front-coded.
    Symbols = 2,
    /// n-grams in code-point order.
    Grams = 3,
    /// JSON: how many n-grams of each length there are; nothing follows.
    End = 4,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        [Self::Header, Self::Symbols, Self::Grams, Self::End]
            .into_iter()
            .find(|&kind| kind as u8 == byte)
    }
}

/// An n-gram as ids, 0 behind its end, so that the order of the arrays is the order of the file: by
/// code points, a prefix before what it begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Gram(pub(crate) [u32; MAX_GRAM]);

impl Gram {
    /// How many symbols it has.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().position(|&id| id == 0).unwrap_or(MAX_GRAM)
    }

    /// Whether the first `length` symbols are those of `other`. A comparison of slices would call the C library,
    /// which takes longer than the comparison.
    #[inline]
    pub(super) fn agrees(&self, other: &Self, length: usize) -> bool {
        (0..length).all(|at| self.0[at] == other.0[at])
    }
}

/// A description of the fault that completes "FILE: ...".
pub(super) type Fault = &'static str;

pub(super) const TRUNCATED: Fault = "the file is cut short; copy or count it again";
const DAMAGED: Fault = "a checksum does not match, the file is damaged; copy or count it again";
pub(super) const MALFORMED: Fault = "the file contradicts itself; count it again";

/// Appends a number, seven bits a byte, the lowest first.
// Casts keep the bits that a byte has room for, on purpose.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        // The lowest seven bits and the mark that more follow.
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a number off the front of `bytes`.
pub(super) fn take_varint(bytes: &mut &[u8]) -> Result<u64, Fault> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first().ok_or(MALFORMED)?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            break;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(MALFORMED)
}

/// Writes one block: kind, length, checksum of both and of the payload, payload.
pub(super) fn put_block(out: &mut impl Write, kind: Kind, payload: &[u8]) -> std::io::Result<()> {
    let length = u32::try_from(payload.len()).ok().filter(|&length| length <= BLOCK_LIMIT);
    let length = length.ok_or_else(|| std::io::Error::other("a block is too long"))?;
    let mut head = [0; 5];
    head[0] = kind as u8;
    head[1..].copy_from_slice(&length.to_le_bytes());
    out.write_all(&head)?;
    out.write_all(&checksum(&head, payload).to_le_bytes())?;
    out.write_all(payload)
}

fn checksum(head: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(head);
    hasher.update(payload);
    hasher.finalize()
}

/// The errors of reading a block.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The bytes are invalid.
    Fault(Fault),
    /// The operation of the system failed.
    Io(std::io::Error),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<std::io::Error> for Trouble {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::UnexpectedEof {
            Self::Fault(TRUNCATED)
        } else {
            Self::Io(error)
        }
    }
}

/// Reads one block into `payload` and checks it.
pub(super) fn take_block(
    input: &mut impl Read,
    payload: &mut Vec<u8>,
) -> std::result::Result<Kind, Trouble> {
    let mut head = [0; 9];
    input.read_exact(&mut head)?;
    let (head, sum) = head.split_at(5);
    let length = u32::from_le_bytes(head[1..].try_into().map_err(|_| MALFORMED)?);
    if length > BLOCK_LIMIT {
        return Err(DAMAGED.into());
    }
    payload.clear();
    // Grows with the bytes read, so that a corrupt length allocates no memory.
    input.take(u64::from(length)).read_to_end(payload)?;
    if payload.len() < length as usize {
        return Err(TRUNCATED.into());
    }
    if checksum(head, payload).to_le_bytes() != sum {
        return Err(DAMAGED.into());
    }
    Ok(Kind::of(head[0]).ok_or(MALFORMED)?)
}

/// Writes n-grams in the order of the file into blocks.
///
/// A record is `(step << 5 | length << 1 | once)`, then the count unless it is 1. The n-gram shares
/// all but its last symbol with the one before, cut or not; `step` is what to add to the symbol there
/// (0 where there was none). A block begins anew: its first record names all symbols.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    payload: Vec<u8>,
    last: Gram,
    /// n-grams written, by length.
    pub rows: [u64; MAX_GRAM],
}

impl Encoder {
    /// Appends an n-gram; finished blocks go to `out`.
    pub(super) fn push(
        &mut self,
        gram: Gram,
        count: u64,
        out: &mut impl Write,
    ) -> std::io::Result<()> {
        debug_assert!(self.payload.is_empty() || self.last < gram);
        let length = gram.len();
        // A record says its last symbol alone. Where what it extends is in another file, a block begins.
        if !gram.agrees(&self.last, length - 1) {
            self.flush(out)?;
        }
        if self.payload.is_empty() {
            put_varint(&mut self.payload, length as u64);
            for &id in &gram.0[..length - 1] {
                put_varint(&mut self.payload, u64::from(id));
            }
            self.last = gram;
            self.last.0[length - 1] = 0;
        }
        let step = u64::from(gram.0[length - 1] - self.last.0[length - 1]);
        let once = u64::from(count == 1);
        put_varint(&mut self.payload, step << 5 | (length as u64) << 1 | once);
        if count != 1 {
            put_varint(&mut self.payload, count);
        }
        self.last = gram;
        self.rows[length - 1] += 1;
        if self.payload.len() >= BLOCK_BYTES { self.flush(out) } else { Ok(()) }
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
    last: Gram,
    fresh: bool,
    /// Ids from 1 to this are symbols.
    symbols: u32,
    longest: usize,
    /// n-grams read, by length.
    pub rows: [u64; MAX_GRAM],
}

impl Decoder {
    pub(super) fn new(symbols: u32, longest: usize) -> Self {
        Self { last: Gram::default(), fresh: true, symbols, longest, rows: [0; MAX_GRAM] }
    }

    /// Begins a block: reads the symbols its first n-gram shares with no other.
    pub(super) fn begin(&mut self, bytes: &mut &[u8]) -> Result<(), Fault> {
        let length = usize::try_from(take_varint(bytes)?).map_err(|_| MALFORMED)?;
        if !(1..=self.longest).contains(&length) {
            return Err(MALFORMED);
        }
        let mut gram = Gram::default();
        for id in &mut gram.0[..length - 1] {
            let value = u32::try_from(take_varint(bytes)?).map_err(|_| MALFORMED)?;
            if value == 0 || value > self.symbols {
                return Err(MALFORMED);
            }
            *id = value;
        }
        let before = std::mem::replace(&mut self.last, gram);
        let first = self.peek(bytes)?;
        if !self.fresh && first <= before {
            return Err(MALFORMED);
        }
        self.fresh = false;
        Ok(())
    }

    fn peek(&self, bytes: &[u8]) -> Result<Gram, Fault> {
        let mut ahead = bytes;
        Ok(self.record(&mut ahead)?.0)
    }

    fn record(&self, bytes: &mut &[u8]) -> Result<(Gram, u64), Fault> {
        let head = take_varint(bytes)?;
        let length = (head >> 1 & 15) as usize;
        let mut gram = self.last;
        if length == 0 || length > self.longest || gram.0[..length - 1].contains(&0) {
            return Err(MALFORMED);
        }
        let id = u64::from(gram.0[length - 1]) + (head >> 5);
        gram.0[length - 1] = u32::try_from(id).map_err(|_| MALFORMED)?;
        gram.0[length..].fill(0);
        let count = if head & 1 == 1 { 1 } else { take_varint(bytes)? };
        if head >> 5 == 0 || gram.0[length - 1] > self.symbols || count == 0 {
            return Err(MALFORMED);
        }
        Ok((gram, count))
    }

    /// The next record of a block.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Result<(Gram, u64), Fault> {
        let (gram, count) = self.record(bytes)?;
        self.last = gram;
        self.rows[gram.len() - 1] += 1;
        Ok((gram, count))
    }
}

/// Appends names in code-point order to a payload, each as what it shares with the one before and the
/// rest.
pub(super) fn put_name(out: &mut Vec<u8>, before: &str, name: &str) {
    let shared = before.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
    put_varint(out, shared as u64);
    put_varint(out, (name.len() - shared) as u64);
    out.extend_from_slice(&name.as_bytes()[shared..]);
}

/// Takes a name off the front of `bytes`.
pub(super) fn take_name(bytes: &mut &[u8], before: &str) -> Result<Box<str>, Fault> {
    let shared = usize::try_from(take_varint(bytes)?).map_err(|_| MALFORMED)?;
    let length = usize::try_from(take_varint(bytes)?).map_err(|_| MALFORMED)?;
    let mut name = before.as_bytes().get(..shared).ok_or(MALFORMED)?.to_vec();
    let (rest, after) = bytes.split_at_checked(length).ok_or(MALFORMED)?;
    *bytes = after;
    name.extend_from_slice(rest);
    String::from_utf8(name).map(Into::into).map_err(|_| MALFORMED)
}

/// Whether a payload of names is long enough to be closed.
pub(super) fn is_full(payload: &[u8]) -> bool {
    payload.len() >= BLOCK_BYTES
}
