//! The symbols of count files: their blocks, and those of several files as one table.

use std::io::Write;

use super::CountFile;
use super::format::{BLOCK_BYTES, Fault, Kind, MALFORMED, put_block, put_varint, take_varint};
use super::packed::Tournament;
use crate::corpus::Symbols;
use crate::support::{Context, Error, Result};

/// Writes blocks of symbols in code-point order; the ids are written in those of [`Kind::Numbered`].
pub(super) fn put_names<'s>(
    out: &mut impl Write,
    kind: Kind,
    symbols: impl Iterator<Item = (u32, &'s str)>,
) -> std::io::Result<()> {
    let (mut payload, mut before) = (Vec::new(), (0, ""));
    for (id, name) in symbols {
        if kind == Kind::Numbered {
            put_varint(&mut payload, u64::from(id - before.0));
        }
        put_name(&mut payload, before.1, name);
        before = (id, name);
        if payload.len() >= BLOCK_BYTES {
            put_block(out, kind, &payload)?;
            payload.clear();
            before = (0, "");
        }
    }
    if payload.is_empty() { Ok(()) } else { put_block(out, kind, &payload) }
}

/// Appends a name as what it shares with the one before and the rest.
fn put_name(out: &mut Vec<u8>, before: &str, name: &str) {
    let shared = before.bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
    put_varint(out, shared as u64);
    put_varint(out, (name.len() - shared) as u64);
    out.extend_from_slice(&name.as_bytes()[shared..]);
}

/// Appends the names of a block, and their ids if it has them.
pub(super) fn take_names(
    mut bytes: &[u8],
    names: &mut Vec<Box<str>>,
    mut numbers: Option<&mut Vec<u32>>,
) -> Result<(), Fault> {
    let (first, mut id) = (names.len(), 0);
    while !bytes.is_empty() {
        if let Some(numbers) = &mut numbers {
            id = take_varint(&mut bytes)?.checked_add(id).ok_or(MALFORMED)?;
            let number = u32::try_from(id).map_err(|_| MALFORMED)?;
            if number <= numbers.last().copied().unwrap_or(0) {
                return Err(MALFORMED);
            }
            numbers.push(number);
        }
        let before = if names.len() == first { "" } else { names.last().map_or("", |name| name) };
        let name = take_name(&mut bytes, before)?;
        names.push(name);
    }
    Ok(())
}

/// Takes a name off the front of `bytes`.
fn take_name(bytes: &mut &[u8], before: &str) -> Result<Box<str>, Fault> {
    let shared = usize::try_from(take_varint(bytes)?).map_err(|_| MALFORMED)?;
    let length = usize::try_from(take_varint(bytes)?).map_err(|_| MALFORMED)?;
    let mut name = before.as_bytes().get(..shared).ok_or(MALFORMED)?.to_vec();
    let (rest, after) = bytes.split_at_checked(length).ok_or(MALFORMED)?;
    *bytes = after;
    name.extend_from_slice(rest);
    String::from_utf8(name).map(Into::into).map_err(|_| MALFORMED)
}

/// All symbols of all files, and for each file their ids by its own, 0 for what is none of its symbols. They
/// rise, so that the order of n-grams stays.
///
/// # Errors
/// [`Error::Memory`] if a damaged file has an id up to which a table does not fit.
pub(super) fn union(files: &[CountFile], context: &Context) -> Result<(Symbols, Vec<Vec<u32>>)> {
    let mut names: Vec<Box<str>> = Vec::new();
    let mut ids: Vec<Vec<u32>> = vec![vec![0]; files.len()];
    let name = |at: usize, id: usize| {
        let symbols = files[at].symbols();
        // Nothing comes behind the names.
        let id = u32::try_from(id).ok().filter(|_| id <= symbols.len());
        id.map_or((true, ""), |id| (false, symbols.name(id)))
    };
    let mut next = Tournament::new((0..files.len()).map(|at| name(at, 1)).collect());
    while let ((false, first), at) = next.first() {
        if names.last().is_none_or(|last| **last != *first) {
            names.push(first.into());
        }
        // `Symbols::new` makes sure that their number fits.
        ids[at].push(u32::try_from(names.len()).unwrap_or(u32::MAX));
        next.replace(name(at, ids[at].len()));
    }
    let ids = files.iter().zip(ids).map(|(file, ids)| by_own_id(file, ids, context));
    Ok((Symbols::new(names)?, ids.collect::<Result<_>>()?))
}

/// The ids of the symbols of a file, by the place of each, as ids by the file's own.
fn by_own_id(file: &CountFile, ids: Vec<u32>, context: &Context) -> Result<Vec<u32>> {
    let Some(numbers) = file.numbers() else { return Ok(ids) };
    let largest = file.largest() as usize;
    if (largest * size_of::<u32>()) as u64 > context.memory().bytes() {
        let path = file.path().display();
        return Err(Error::Memory(format!("{path}: the symbols do not fit; raise memory")));
    }
    let mut spread = vec![0; largest + 1];
    for (&own, id) in numbers.iter().zip(ids.into_iter().skip(1)) {
        spread[own as usize] = id;
    }
    Ok(spread)
}
