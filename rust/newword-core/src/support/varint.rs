//! Numbers of seven bits a byte, the lowest first.

/// The lowest seven bits of each byte of a word, and the highest.
const GROUPS: u64 = 0x7f7f_7f7f_7f7f_7f7f;
const MARKS: u64 = !GROUPS;

/// Appends a number, seven bits a byte, the lowest first.
#[inline]
pub fn put(out: &mut Vec<u8>, value: u64) {
    if value >> 56 != 0 {
        return put_long(out, value);
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
fn put_long(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        // The lowest seven bits and the mark that more follow.
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Takes a number off the front of `bytes`.
#[inline]
pub fn take(bytes: &mut &[u8]) -> Option<u64> {
    if let Some(word) = bytes.first_chunk() {
        let word = u64::from_le_bytes(*word);
        let last = !word & MARKS;
        if last != 0 {
            // The reverse of `put`: the bytes up to the first without a mark, moved together.
            *bytes = &bytes[(last.trailing_zeros() / 8 + 1) as usize..];
            let apart = word & (last ^ (last - 1)) & GROUPS;
            let near = (apart & 0x007f_007f_007f_007f) | (apart & 0x7f00_7f00_7f00_7f00) >> 1;
            let near = (near & 0x0000_3fff_0000_3fff) | (near & 0x3fff_0000_3fff_0000) >> 2;
            return Some((near & 0x0fff_ffff) | (near & 0x0fff_ffff_0000_0000) >> 4);
        }
    }
    take_long(bytes)
}

/// [`take`] of more than eight bytes, or near the end.
#[cold]
fn take_long(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            break;
        }
        value |= bits << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varints_of_every_length_come_back() {
        let around = (0..64).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        for value in around.chain([u64::MAX - 1, u64::MAX]) {
            let (mut bytes, mut long) = (vec![9], Vec::new());
            put(&mut bytes, value);
            put_long(&mut long, value);
            assert_eq!(bytes[1..], long, "{value}");
            // With few and with many bytes behind it.
            for behind in 0..12 {
                let padded = [&long[..], &[0xff; 12][..behind]].concat();
                let mut rest = &padded[..];
                assert_eq!(take(&mut rest), Some(value));
                assert_eq!(rest.len(), behind);
            }
            for cut in 0..long.len() {
                assert!(take(&mut &long[..cut]).is_none());
            }
        }
    }
}
