//! Sums by key, which the parts of a text give and which are added up elsewhere.
//!
//! A piece has some keys, each with a sum; pieces end to end are a piece. An entry is the number of bytes that its
//! key shares with the one before, the number of its other bytes, these, and the sum in two numbers.

use super::hash::{HashMap, of_bytes};
use super::{Error, Result, varint};

/// Bytes after which a piece is full: those that move the pieces hold thousands of them at once.
const FULL: usize = if cfg!(test) { 20 } else { 1 << 11 };
/// Bits of a sum in the first of two numbers, as many as are read and written at once.
const LOW: u32 = 56;

/// Writes a piece.
#[derive(Debug, Default)]
struct Writer {
    bytes: Vec<u8>,
    last: Vec<u8>,
}

impl Writer {
    // The upper half of a sum fits: no sum has more than 120 bits.
    #[allow(clippy::cast_possible_truncation)]
    fn push(&mut self, key: &[u8], sum: u128) {
        let Self { bytes, last } = self;
        let shared = key.iter().zip(&*last).take_while(|(one, other)| one == other).count();
        varint::put(bytes, shared as u64);
        varint::put(bytes, (key.len() - shared) as u64);
        bytes.extend_from_slice(&key[shared..]);
        varint::put(bytes, (sum & ((1 << LOW) - 1)) as u64);
        varint::put(bytes, (sum >> LOW) as u64);
        last.truncate(shared);
        last.extend_from_slice(&key[shared..]);
    }
}

/// The sums in pieces, each of which has keys of one of `groups` groups: the number of the group, and the
/// piece. A hash decides the group of a key. Keys that rise take the least space.
pub fn in_groups<K: AsRef<[u8]>>(
    sums: impl IntoIterator<Item = (K, u128)>,
    groups: u32,
) -> Vec<(u32, Vec<u8>)> {
    let mut open: HashMap<u32, Writer> = HashMap::default();
    let mut pieces = Vec::new();
    for (key, sum) in sums {
        let key = key.as_ref();
        // The remainder is less than a u32.
        #[allow(clippy::cast_possible_truncation)]
        let group = (of_bytes(key) % u64::from(groups.max(1))) as u32;
        let writer = open.entry(group).or_default();
        writer.push(key, sum);
        if writer.bytes.len() >= FULL {
            pieces.push((group, std::mem::take(writer).bytes));
        }
    }
    let rest = open.into_iter().map(|(group, writer)| (group, writer.bytes));
    pieces.extend(rest.filter(|(_, bytes)| !bytes.is_empty()));
    pieces.sort_by_key(|(group, _)| *group);
    pieces
}

/// Calls `found` with each key of pieces end to end and with its sum.
///
/// # Errors
/// [`Error::Corpus`] for other bytes; what `found` returns.
pub fn each(mut bytes: &[u8], mut found: impl FnMut(&[u8], u128) -> Result<()>) -> Result<()> {
    let mut key = Vec::new();
    while !bytes.is_empty() {
        let sum = entry(&mut bytes, &mut key).ok_or_else(|| {
            Error::Corpus("the sums that another process sent are damaged".into())
        })?;
        found(&key, sum)?;
    }
    Ok(())
}

/// Reads an entry, whose key takes the place of the one before.
fn entry(bytes: &mut &[u8], key: &mut Vec<u8>) -> Option<u128> {
    let [shared, more] = [varint::take(bytes)?, varint::take(bytes)?];
    let shared = usize::try_from(shared).ok().filter(|shared| *shared <= key.len())?;
    let (suffix, rest) = bytes.split_at_checked(usize::try_from(more).ok()?)?;
    *bytes = rest;
    key.truncate(shared);
    key.extend_from_slice(suffix);
    let [low, high] = [varint::take(bytes)?, varint::take(bytes)?];
    Some(u128::from(low) | u128::from(high) << LOW)
}

/// Adds up the sums of many pieces.
#[derive(Debug, Default)]
pub struct KeyedSums {
    /// Of keys that are a number, which nearly all are: a table without pointers is some times faster.
    short: HashMap<u128, u128>,
    long: HashMap<Vec<u8>, u128>,
}

/// Bytes of a key that is a number: the last byte is for its length.
const SHORT: usize = 15;

impl KeyedSums {
    /// Adds pieces end to end. O(their bytes).
    ///
    /// # Errors
    /// As [`each`].
    pub fn add(&mut self, bytes: &[u8]) -> Result<()> {
        each(bytes, |key, sum| {
            *match packed(key) {
                Some(number) => self.short.entry(number).or_default(),
                None => self.long.entry_ref(key).or_default(),
            } += sum;
            Ok(())
        })
    }

    /// The sums that `keeps` keeps, in pieces. O(keys * log keys).
    pub fn pieces(&self, keeps: impl Fn(&[u8], u128) -> bool) -> Vec<Vec<u8>> {
        let mut short: Vec<(u128, u128)> =
            self.short.iter().map(|(key, sum)| (*key, *sum)).collect();
        short.sort_unstable();
        let short = short.into_iter().map(|(number, sum)| (Key::of(number), sum));
        let mut long: Vec<(&Vec<u8>, u128)> =
            self.long.iter().map(|(key, sum)| (key, *sum)).collect();
        long.sort_unstable();
        let long = long.into_iter().map(|(key, sum)| (Key::Long(key), sum));
        let kept = short.chain(long).filter(|(key, sum)| keeps(key.as_ref(), *sum));
        in_groups(kept, 1).into_iter().map(|(_, piece)| piece).collect()
    }
}

/// A short key as a number: the numbers rise as the keys do.
fn packed(key: &[u8]) -> Option<u128> {
    let mut bytes = [0; SHORT + 1];
    bytes.get_mut(..SHORT)?.get_mut(..key.len())?.copy_from_slice(key);
    bytes[SHORT] = u8::try_from(key.len()).ok()?;
    Some(u128::from_be_bytes(bytes))
}

/// The bytes of a key.
enum Key<'k> {
    Short([u8; SHORT + 1]),
    Long(&'k [u8]),
}

impl Key<'_> {
    fn of(number: u128) -> Self {
        Self::Short(number.to_be_bytes())
    }
}

impl AsRef<[u8]> for Key<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Short(bytes) => &bytes[..usize::from(bytes[SHORT]).min(SHORT)],
            Self::Long(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    type Sums = BTreeMap<Vec<u8>, u128>;

    fn sums() -> impl Strategy<Value = Sums> {
        let sum = (any::<u128>(), 12_u32..128).prop_map(|(sum, bits)| sum >> bits);
        prop::collection::btree_map(
            prop::collection::vec(0_u8..3, 0..6).prop_flat_map(|key| {
                // Short and long ones, and those between.
                (0_usize..4).prop_map(move |times| key.repeat(times))
            }),
            sum,
            0..40,
        )
    }

    fn read(bytes: &[u8]) -> Vec<(Vec<u8>, u128)> {
        let mut found = Vec::new();
        each(bytes, |key, sum| {
            found.push((key.to_vec(), sum));
            Ok(())
        })
        .unwrap();
        found
    }

    proptest! {
        #[test]
        fn parts_add_up(parts in prop::collection::vec(sums(), 0..4), groups in 1_u32..4, least in 0_u128..99) {
            let mut expected = Sums::new();
            let mut of_group: BTreeMap<u32, KeyedSums> = BTreeMap::new();
            for part in &parts {
                for (key, sum) in part {
                    *expected.entry(key.clone()).or_default() += sum;
                }
                let mut whole = Vec::new();
                for (group, piece) in in_groups(part.iter().map(|(key, sum)| (key, *sum)), groups) {
                    prop_assert!(group < groups && !piece.is_empty());
                    whole.extend(read(&piece));
                    of_group.entry(group).or_default().add(&piece).unwrap();
                }
                whole.sort();
                prop_assert_eq!(&whole, &part.clone().into_iter().collect::<Vec<_>>());
            }
            expected.retain(|_, sum| *sum >= least);
            let mut found = Vec::new();
            for sums in of_group.values() {
                let pieces = sums.pieces(|_, sum| sum >= least);
                let of_this = read(&pieces.concat());
                prop_assert!(of_this.is_sorted_by_key(|(key, _)| (key.len() > SHORT, key.clone())));
                found.extend(of_this);
            }
            found.sort();
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn other_bytes_are_an_error_or_sums(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = KeyedSums::default().add(&bytes);
        }
    }

    #[test]
    fn what_is_cut_short_is_an_error() {
        let [(_, piece)] = &in_groups([(b"ab", 1 << 60)], 1)[..] else { panic!() };
        for cut in 1..piece.len() {
            assert!(KeyedSums::default().add(&piece[..cut]).is_err());
        }
        // It shares a byte with a key that is not there.
        assert!(KeyedSums::default().add(&[1, 0, 5, 0]).is_err());
    }
}
