//! The format of a count file: numbers, blocks and names, as specified in `docs/count-file.md`.

use std::io::{Read, Write};

use crc32fast::Hasher;

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

/// The lowest seven bits of each byte of a word, and the highest.
const GROUPS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
const MARKS: u64 = !GROUPS;

/// Appends a number, seven bits a byte, the lowest first.
#[inline]
pub(super) fn put_varint(out: &mut Vec<u8>, value: u64) {
    if value >> 56 != 0 {
        return put_long_varint(out, value);
    }
    // Without a branch on the length, which no processor can foresee: the groups move apart in three
    // steps, and every byte but the last gets its mark.
    let apart = (value & 0x0fff_ffff) | (value & 0x00ff_ffff_f000_0000) << 4;
    let apart = (apart & 0x0000_3fff_0000_3fff) | (apart & 0x0fff_c000_0fff_c000) << 2;
    let apart = (apart & 0x007f_007f_007f_007f) | (apart & 0x3f80_3f80_3f80_3f80) << 1;
    let length = (u64::BITS - (value | 1).leading_zeros()).div_ceil(7);
    let marks = MARKS & !(u64::MAX << (8 * (length - 1)));
    let end = out.len() + length as usize;
    out.extend_from_slice(&(apart | marks).to_le_bytes());
    out.truncate(end);
}

// Casts keep the bits that a byte has room for, on purpose.
#[allow(clippy::cast_possible_truncation)]
#[cold]
fn put_long_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        // The lowest seven bits and the mark that more follow.
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a number off the front of `bytes`.
#[inline]
pub(super) fn take_varint(bytes: &mut &[u8]) -> Result<u64, Fault> {
    if let Some(word) = bytes.first_chunk() {
        let word = u64::from_le_bytes(*word);
        let last = !word & MARKS;
        if last != 0 {
            // The reverse of `put_varint`: the bytes up to the first without a mark, moved together.
            *bytes = &bytes[(last.trailing_zeros() / 8 + 1) as usize..];
            let apart = word & (last ^ (last - 1)) & GROUPS;
            let near = (apart & 0x007f_007f_007f_007f) | (apart & 0x7f00_7f00_7f00_7f00) >> 1;
            let near = (near & 0x0000_3fff_0000_3fff) | (near & 0x3fff_0000_3fff_0000) >> 2;
            return Ok((near & 0x0fff_ffff) | (near & 0x0fff_ffff_0000_0000) >> 4);
        }
    }
    take_long_varint(bytes)
}

/// [`take_varint`] of more than eight bytes, or near the end.
#[cold]
fn take_long_varint(bytes: &mut &[u8]) -> Result<u64, Fault> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_of_every_length_come_back() {
        let around = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        for value in around.chain([u64::MAX - 1, u64::MAX]) {
            let (mut bytes, mut long) = (vec![9], Vec::new());
            put_varint(&mut bytes, value);
            put_long_varint(&mut long, value);
            assert_eq!(bytes[1..], long, "{value}");
            // With few and with many bytes behind it.
            for behind in 0..12 {
                let padded = [&long[..], &[0xff; 12][..behind]].concat();
                let mut rest = &padded[..];
                assert_eq!(take_varint(&mut rest), Ok(value));
                assert_eq!(rest.len(), behind);
            }
            for cut in 0..long.len() {
                assert!(take_varint(&mut &long[..cut]).is_err());
            }
        }
    }
}
