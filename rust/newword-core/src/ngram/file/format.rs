//! The format of a count file: numbers, blocks and names, as specified in `docs/count-file.md`.

use std::io::{Read, Write};

use crc32fast::Hasher;

use crate::support::varint;

/// The first bytes of every count file.
pub(super) const MAGIC: [u8; 8] = *b"\x89NWcount";
/// The version this code writes and reads.
pub(super) const VERSION: u32 = 1;
/// The longest n-gram a file holds: order 8 and one neighbour.
pub(crate) const MAX_GRAM: usize = 9;
/// A block is closed once its payload has this many bytes.
pub(super) const BLOCK_BYTES: usize = 1 << 18;
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
    /// Ids and names in code-point order, front-coded: the symbols of a file of a group.
    Numbered = 5,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        [Self::Header, Self::Symbols, Self::Grams, Self::End, Self::Numbered]
            .into_iter()
            .find(|&kind| kind as u8 == byte)
    }
}

/// A description of the fault that completes "FILE: ...".
pub(super) type Fault = &'static str;

pub(super) const TRUNCATED: Fault = "the file is cut short; copy or count it again";
const DAMAGED: Fault = "a checksum does not match, the file is damaged; copy or count it again";
pub(super) const MALFORMED: Fault = "the file contradicts itself; count it again";

/// Appends a number.
#[inline]
pub(super) fn put_varint(out: &mut Vec<u8>, value: u64) {
    varint::put(out, value);
}

/// Takes a number.
#[inline]
pub(super) fn take_varint(bytes: &mut &[u8]) -> Result<u64, Fault> {
    varint::take(bytes).ok_or(MALFORMED)
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
