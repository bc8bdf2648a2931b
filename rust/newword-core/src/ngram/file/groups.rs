//! The count files of groups of n-grams, which the tasks of a cluster exchange.

use std::ops::Deref;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::blocks::{Blocks, Files, sweep_into};
use super::format::{Kind, MAX_GRAM};
use super::write::{put_end, put_start};
use super::{CountHeader, CountMeta};
use crate::corpus::Symbols;
use crate::ngram::options::{CountOptions, Neighbours};
use crate::ngram::parts::IdParts;
use crate::ngram::plan::{Goal, Limits, Plan};
use crate::support::hash::of_bytes;
use crate::support::spill::SpillFile;
use crate::support::{Context, Error, Result};

/// Counts as [`super::write_counts`] does, exactly, into a count file for each of `groups` groups: the names
/// of an n-gram's first two symbols decide its group, whatever the corpus.
///
/// So an n-gram of two symbols or more is in the file of those that it begins; a single symbol is in one file,
/// which need not have its pairs. A file has only the symbols of its n-grams, with their ids in the corpus, and
/// is to be merged with those of its group before its n-grams are read.
///
/// The n-grams of all groups are in one file without a name in the folder for temporary files. Memory is that of
/// [`super::write_counts`] and a bit for each group and symbol, afterwards these bits and one count file.
///
/// # Errors
/// As [`super::write_counts`].
pub fn count_groups<C: Deref<Target: IdParts + Sized>>(
    corpus: C,
    order: usize,
    groups: u32,
    meta: &CountMeta,
    context: &Context,
) -> Result<GroupFiles<C>> {
    count_within(corpus, (order, groups), meta, context, |limits| limits)
}

/// [`count_groups`] with limits changed by `adjust`, by which tests force many passes and batches.
pub(super) fn count_within<C: Deref<Target: IdParts + Sized>>(
    corpus: C,
    (order, groups): (usize, u32),
    meta: &CountMeta,
    context: &Context,
    adjust: impl Fn(Limits) -> Limits,
) -> Result<GroupFiles<C>> {
    let neighbours = Neighbours::OfNone;
    CountOptions { order, min_count: 1, neighbours }.validate()?;
    if groups == 0 {
        return Err(Error::invalid("groups", "must be at least 1", groups));
    }
    let (symbols, counts) = (corpus.symbols(), corpus.counts());
    let mut groups = Groups::new(symbols, groups, context)?;
    for (id, count) in (0..).zip(counts).skip(1) {
        let group = groups.of(&[id]);
        groups.all[group].total += count;
    }
    let plan = Plan::new(counts, symbols, Goal { order: order + 1, min_count: 1, neighbours });
    sweep_into(&*corpus, &plan, &mut groups, context, adjust)?;
    let header = CountHeader { order, min_count: 1, total: 0, meta: meta.clone() };
    let Groups { all, spill, .. } = groups;
    Ok(GroupFiles { corpus, header, groups: all, spill, next: 0 })
}

/// The count files of the groups that have n-grams, each with the number of its group, which rise.
///
/// A file is put together when it is asked for, and its group is forgotten. After an error the same file is next.
pub struct GroupFiles<C> {
    corpus: C,
    /// That of each file but for its total.
    header: CountHeader,
    groups: Vec<Group>,
    spill: SpillFile,
    next: usize,
}

impl<C> GroupFiles<C> {
    /// How many bytes the n-grams of the next file take, 0 at the end.
    pub fn next_size(&self) -> usize {
        self.place().map_or(0, |at| self.groups[at].size())
    }

    /// The next group that has n-grams.
    fn place(&self) -> Option<usize> {
        let left = &self.groups[self.next..];
        left.iter().position(|group| !group.pieces.is_empty()).map(|at| self.next + at)
    }
}

impl<C: Deref<Target: IdParts + Sized>> Iterator for GroupFiles<C> {
    type Item = Result<(u32, Vec<u8>)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next = self.place()?;
        let group = &mut self.groups[self.next];
        self.header.total = group.total;
        let file = group.file(&self.header, self.corpus.symbols(), &self.spill);
        Some(file.map(|bytes| {
            *group = Group::default();
            // There are no more groups than this type can number.
            (u32::try_from(self.next).unwrap_or(u32::MAX), bytes)
        }))
    }
}

/// The groups of n-grams on the way to their files.
struct Groups {
    /// A hash of the symbol by id, the same on every machine.
    hashes: Vec<u64>,
    all: Vec<Group>,
    /// The blocks of all groups.
    spill: SpillFile,
}

#[derive(Default)]
struct Group {
    /// How often its single symbols occur.
    total: u64,
    /// Which ids its n-grams have, a bit for each; made with the first.
    used: OnceLock<Box<[AtomicU64]>>,
    /// Where its blocks start in the spill file and how many bytes follow, in order.
    pieces: Vec<(u64, usize)>,
    /// How many n-grams of each length there are.
    rows: [u64; MAX_GRAM],
}

impl Groups {
    fn new(symbols: &Symbols, groups: u32, context: &Context) -> Result<Self> {
        // All numbers as one, because they are added up as one neighbour.
        let name = |id| if symbols.is_number(id) { "0" } else { symbols.name(id) };
        let hashes = (1..).take(symbols.len()).map(|id| of_bytes(name(id).as_bytes()));
        let hashes = std::iter::once(0).chain(hashes).collect();
        let all = std::iter::repeat_with(Group::default).take(groups as usize).collect();
        Ok(Self { hashes, all, spill: SpillFile::create(context.temp_dir())? })
    }
}

impl Files for Groups {
    fn count(&self) -> usize {
        self.all.len()
    }

    // The remainder is less than a usize.
    #[allow(clippy::cast_possible_truncation)]
    fn of(&self, first: &[u32]) -> usize {
        if self.all.len() == 1 {
            return 0;
        }
        // A product spreads a hash over its high bits, and its order of factors tells 天气 from 气天.
        let mixed = first.iter().fold(0_u64, |mixed, id| {
            (mixed ^ self.hashes[*id as usize]).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29)
        });
        (mixed % self.all.len() as u64) as usize
    }

    fn note(&self, file: usize, id: u32) {
        let words = self.hashes.len().div_ceil(64);
        let none = || std::iter::repeat_with(AtomicU64::default).take(words).collect();
        let word = &self.all[file].used.get_or_init(none)[id as usize / 64];
        let bit = 1 << (id % 64);
        // Most are noted already, and reading is cheaper.
        if word.load(Ordering::Relaxed) & bit == 0 {
            word.fetch_or(bit, Ordering::Relaxed);
        }
    }

    fn append(&mut self, blocks: Vec<Blocks>) -> Result<()> {
        // Those of a group side by side, so that it has few pieces; they stay in order.
        let mut places = vec![0; self.all.len()];
        for (file, length) in blocks.iter().flat_map(|blocks| &blocks.files) {
            places[*file] += length;
        }
        let mut total = 0;
        for place in &mut places {
            total += std::mem::replace(place, total);
        }
        let (mut bytes, mut next) = (vec![0; total], places.clone());
        for blocks in blocks {
            let mut rest = &blocks.bytes[..];
            for (file, length) in blocks.files {
                let (own, others) = rest.split_at(length);
                bytes[next[file]..next[file] + length].copy_from_slice(own);
                (next[file], rest) = (next[file] + length, others);
            }
        }
        let start = self.spill.append(&bytes)?;
        for (group, (from, to)) in self.all.iter_mut().zip(places.into_iter().zip(next)) {
            if from < to {
                group.pieces.push((start + from as u64, to - from));
            }
        }
        Ok(())
    }

    fn add_rows(&mut self, file: usize, rows: &[u64; MAX_GRAM]) {
        self.all[file].rows.iter_mut().zip(rows).for_each(|(sum, rows)| *sum += rows);
    }
}

impl Group {
    /// How many bytes its n-grams take.
    fn size(&self) -> usize {
        self.pieces.iter().map(|(_, length)| length).sum()
    }

    /// The bytes of its count file.
    fn file(&self, header: &CountHeader, symbols: &Symbols, spill: &SpillFile) -> Result<Vec<u8>> {
        let failed = |error| Error::io(spill.folder(), "cannot write for", error);
        let used = self.used().map(|id| (id, symbols.name(id)));
        let mut file = Vec::new();
        put_start(&mut file, header, Kind::Numbered, used).map_err(failed)?;
        file.reserve(self.size());
        for &(start, length) in &self.pieces {
            let end = file.len();
            file.resize(end + length, 0);
            spill.read(start, &mut file[end..])?;
        }
        put_end(&mut file, &self.rows).map_err(failed)?;
        Ok(file)
    }

    /// The ids noted.
    fn used(&self) -> impl Iterator<Item = u32> {
        let words = self.used.get().into_iter().flatten().map(|word| word.load(Ordering::Relaxed));
        (0..).zip(words).flat_map(|(at, word)| {
            (0..64).filter(move |bit| word >> bit & 1 == 1).map(move |bit| at * 64 + bit)
        })
    }
}
