//! Building a knowledge base: records become rows at once, only names and ids stay in memory.

use std::path::Path;

use rayon::prelude::*;

use super::base::KnowledgeBase;
use super::file::{Parts, write};
use super::labels::Labels;
use super::normalize::Normalization;
use super::record::{Entity, Schema, Wrong};
use super::rows;
use super::source::Source;
use crate::lexicon::Words;
use crate::support::arrays::{Array, Spool};
use crate::support::hash::HashMap;
use crate::support::names::Names;
use crate::support::{Context, Error, Result, Stage};
use crate::trie::{Node, Trie};
use xxhash_rust::xxh3::xxh3_128;

/// How a knowledge base is built.
#[derive(Debug, Clone, Copy)]
pub struct BuildOptions {
    /// The form of records.
    pub schema: Schema,
    /// How names are compared.
    pub normalization: Normalization,
    /// Whether records that are no entities are left out, instead of ending the build.
    pub skip_invalid: bool,
}

/// The records that were left out of a base.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Skipped {
    /// How many.
    pub count: u64,
    /// What is wrong with the first of them, and where it is.
    pub first: Option<String>,
}

/// A knowledge base that is being built.
pub struct Builder {
    normalization: Normalization,
    ids: Words,
    /// The hashes of ids, with the numbers of their entities: two ids have never had the same.
    numbers: HashMap<u128, u32>,
    /// The keys of names, and the entity of each.
    keys: Words,
    entities: Vec<u32>,
    rows: Spool,
    /// Where each row starts, and where the last one ends.
    starts: Vec<u64>,
    row: Vec<u8>,
}

impl Builder {
    /// An empty one that spools into `folder`.
    ///
    /// # Errors
    /// [`Error::Io`] where no file can be made in the folder.
    pub fn new(normalization: Normalization, folder: &Path) -> Result<Self> {
        Ok(Self {
            normalization,
            ids: Words::default(),
            numbers: HashMap::default(),
            keys: Words::default(),
            entities: Vec::new(),
            rows: Spool::create(folder)?,
            starts: vec![0],
            row: Vec::new(),
        })
    }

    /// Adds the entities of `source`. A record may be no entity, or its id not be new: it is left out where
    /// `skip_invalid` is set.
    ///
    /// # Errors
    /// [`Error::Format`] naming the line, or [`Error::InvalidArgument`] naming the item, of a record
    /// that is wrong and not left out; those of [`Source::each`].
    pub fn read(
        &mut self,
        source: Source<'_>,
        schema: Schema,
        skip_invalid: bool,
        context: &Context,
    ) -> Result<Skipped> {
        let mut skipped = Skipped::default();
        source.each(context, |record, place| {
            let entity = record.and_then(|record| schema.read(record));
            let wrong = match entity.and_then(|entity| Ok((self.hash_of_new(&entity.id)?, entity)))
            {
                Ok((hash, entity)) => return self.add(&entity, hash),
                Err(wrong) => place.error(&wrong),
            };
            if !skip_invalid {
                return Err(wrong);
            }
            skipped.count += 1;
            skipped.first.get_or_insert_with(|| wrong.to_string());
            Ok(())
        })?;
        Ok(skipped)
    }

    /// Adds all entities of a base.
    ///
    /// # Errors
    /// [`Error::Format`] where it is damaged; [`Error::Cancelled`].
    pub fn copy(&mut self, base: &KnowledgeBase, context: &Context) -> Result<()> {
        for at in 0..base.len() {
            if at % 1024 == 0 {
                context.check()?;
            }
            let entity = base.entity(at)?;
            let hash = self.hash_of_new(&entity.id).map_err(|_| base.damaged())?;
            self.add(&entity, hash)?;
        }
        Ok(())
    }

    fn hash_of_new(&self, id: &str) -> Result<u128, Wrong> {
        let hash = xxh3_128(id.as_bytes());
        match self.numbers.get(&hash) {
            None => Ok(hash),
            Some(first) => {
                let rule = format!("the id must be new, entity {} has it already", first + 1);
                Err(Wrong::new(rule, format!("{id:?}")))
            }
        }
    }

    /// Adds an entity, given the hash of its id.
    fn add(&mut self, entity: &Entity, hash: u128) -> Result<()> {
        let next = u32::try_from(self.ids.len()).ok().filter(|next| *next < u32::MAX);
        let next =
            next.ok_or_else(|| Error::Memory("a base holds at most 2^32 entities".into()))?;
        self.numbers.insert(hash, next);
        self.ids.push(&entity.id)?;
        // An entity always goes by its own name, whether or not it is among the aliases.
        for name in std::iter::once(&entity.name).chain(&entity.aliases) {
            self.keys.push(&self.normalization.key(name))?;
            self.entities.push(next);
        }
        self.row.clear();
        rows::write(entity, &mut self.row);
        self.rows.append(&self.row)?;
        self.starts.push(self.rows.bytes());
        Ok(())
    }

    /// Writes the base into the file `path`. O(n log n) in the names.
    ///
    /// # Errors
    /// [`Error::Corpus`] where there is no entity; [`Error::Memory`] where names are too many for a
    /// trie; [`Error::Io`]; [`Error::Cancelled`].
    pub fn finish(mut self, path: &Path, context: &Context) -> Result<()> {
        if self.ids.is_empty() {
            return Err(Error::Corpus("the source holds no entity: nothing to build".into()));
        }
        self.rows.finish()?;
        // Ids are distinct, which is known: their hashes are needed no more.
        drop(std::mem::take(&mut self.numbers));
        context.progress().begin(Stage::Writing, 0);
        let labels = Labels::of_keys(self.keys.iter(), self.normalization);
        let index = Index::of(&self.keys, &self.entities, &labels, context)?;
        drop((std::mem::take(&mut self.keys), std::mem::take(&mut self.entities)));
        let ids = Names::new(self.ids.iter().zip(0..))?;
        context.check()?;
        let (rows, starts) = (&self.rows, &*self.starts);
        write(path, &Parts { labels: &labels, index: &index, ids: &ids, rows, starts })
    }
}

/// The names of a base, and whose they are.
pub struct Index {
    pub trie: Trie<Array<Node>>,
    /// By slot of the trie, where the candidates of the name that ends there start.
    pub starts: Vec<u32>,
    /// Numbers of entities, in order for each name.
    pub candidates: Vec<u32>,
    /// Distinct names.
    pub names: usize,
    /// Names of several entities.
    pub ambiguous: usize,
    /// The most entities of one name.
    pub most: usize,
}

impl Index {
    fn of(keys: &Words, entities: &[u32], labels: &Labels, context: &Context) -> Result<Self> {
        let count = u32::try_from(keys.len())
            .map_err(|_| Error::Memory("a base holds at most 2^32 names".into()))?;
        let (mut text, mut starts) = (Vec::new(), Vec::with_capacity(keys.len() + 1));
        starts.push(0);
        for key in keys.iter() {
            labels.of_key(key, &mut text);
            starts.push(text.len());
        }
        let key = |at: u32| &text[starts[at as usize]..starts[at as usize + 1]];
        let mut order: Vec<u32> = (0..count).collect();
        context.check()?;
        let by_key = |a: &u32, b: &u32| {
            let entity = |at: u32| entities[at as usize];
            key(*a).cmp(key(*b)).then_with(|| entity(*a).cmp(&entity(*b)))
        };
        context.pool().install(|| order.par_sort_unstable_by(by_key));
        // An entity may go by the same name twice.
        order.dedup_by_key(|at| (key(*at), entities[*at as usize]));
        context.check()?;
        let groups: Vec<&[u32]> = order.chunk_by(|a, b| key(*a) == key(*b)).collect();
        let mut nodes = vec![0; groups.len()];
        let trie = Trie::build_with(
            groups.len(),
            |rank| key(groups[rank][0]),
            |rank, node| nodes[rank] = node,
        )?;
        let mut starts = vec![0_u32; trie.slots() + 1];
        for (group, node) in groups.iter().zip(&nodes) {
            starts[*node as usize + 1] = number(group.len());
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut candidates = vec![0; order.len()];
        for (group, node) in groups.iter().zip(&nodes) {
            let start = starts[*node as usize] as usize;
            for (at, one) in group.iter().enumerate() {
                candidates[start + at] = entities[*one as usize];
            }
        }
        let sizes = || groups.iter().map(|group| group.len());
        let (names, most) = (groups.len(), sizes().max().unwrap_or(0));
        let ambiguous = sizes().filter(|size| *size > 1).count();
        Ok(Self { trie: trie.into(), starts, candidates, names, ambiguous, most })
    }
}

/// A number of names, which are at most 2^32.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
