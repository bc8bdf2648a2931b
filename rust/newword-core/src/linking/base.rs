//! Look-ups in a knowledge base.

use std::path::Path;

use super::build::{BuildOptions, Builder, Skipped};
use super::labels::Labels;
use super::normalize::Normalization;
use super::record::{Entity, Schema};
use super::rows::Row;
use super::source::Source;
use crate::support::arrays::{Array, ArrayFile, Stored};
use crate::support::names::Names;
use crate::support::{Context, Error, Result};
use crate::trie::{Node, Trie};

/// Entities by number, by id and by name, in a mapped file of which a look-up touches only what it
/// finds.
///
/// Nothing is taken for granted of what the arrays hold, since a damaged file may hold anything.
#[derive(Debug, Clone)]
pub struct KnowledgeBase {
    pub(super) labels: Labels,
    pub(super) trie: Trie<Array<Node>>,
    pub(super) starts: Array<u32>,
    pub(super) candidates: Array<u32>,
    pub(super) ids: Names,
    pub(super) row_starts: Array<u64>,
    pub(super) rows: Stored,
    pub(super) summary: Summary,
    pub(super) file: ArrayFile,
}

/// How large a base is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    /// Entities.
    pub entities: usize,
    /// Distinct names and aliases, normalized.
    pub names: usize,
    /// Names of several entities.
    pub ambiguous_names: usize,
    /// The most entities of one name.
    pub most_candidates: usize,
    /// The bytes of the file.
    pub bytes: usize,
}

impl KnowledgeBase {
    /// Writes the base of `source` into the file `path`, for [`KnowledgeBase::open`]. Records become
    /// rows as they are read, so memory holds names and ids only. O(n log n).
    ///
    /// What is at `path` is written over: give a temporary name and rename it.
    ///
    /// # Errors
    /// As [`Builder::read`] and [`Builder::finish`].
    pub fn build(
        source: Source<'_>,
        path: &Path,
        options: BuildOptions,
        context: &Context,
    ) -> Result<Skipped> {
        let BuildOptions { schema, normalization, skip_invalid } = options;
        let mut builder = Builder::new(normalization, folder_of(path))?;
        let skipped = builder.read(source, schema, skip_invalid, context)?;
        builder.finish(path, context)?;
        Ok(skipped)
    }

    /// Writes a base of the entities of this one and those of `source` into the file `path`.
    ///
    /// # Errors
    /// As [`KnowledgeBase::build`], and where this base is damaged.
    pub fn add(
        &self,
        source: Source<'_>,
        path: &Path,
        schema: Schema,
        skip_invalid: bool,
        context: &Context,
    ) -> Result<Skipped> {
        let mut builder = Builder::new(self.normalization(), folder_of(path))?;
        builder.copy(self, context)?;
        let skipped = builder.read(source, schema, skip_invalid, context)?;
        builder.finish(path, context)?;
        Ok(skipped)
    }

    /// What a file is told whose content contradicts itself.
    pub(super) fn damaged(&self) -> Error {
        self.file.damaged()
    }

    /// How many entities there are.
    pub fn len(&self) -> usize {
        self.summary.entities
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How large it is.
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// How names are compared.
    pub fn normalization(&self) -> Normalization {
        self.labels.normalization()
    }

    /// A number that only bases of the same entities and names have.
    pub fn fingerprint(&self) -> u64 {
        self.file.fingerprint()
    }

    /// The number of the entity with this id. O(length).
    pub fn find(&self, id: &str) -> Option<usize> {
        self.ids.find(id).map(|number| number as usize).filter(|number| *number < self.len())
    }

    /// The id of an entity.
    ///
    /// # Errors
    /// [`crate::support::Error::Format`] where the file is damaged, or there is no such entity.
    pub fn id(&self, number: usize) -> Result<&str> {
        self.ids.get(number).ok_or_else(|| self.damaged())
    }

    /// An entity by its number.
    ///
    /// # Errors
    /// As [`KnowledgeBase::id`].
    pub fn entity(&self, number: usize) -> Result<Entity> {
        let id = self.id(number)?.into();
        let place = |at: usize| usize::try_from(*self.row_starts.get(at)?).ok();
        let range = place(number).zip(place(number + 1)).ok_or_else(|| self.damaged())?;
        let mut row = Vec::new();
        self.rows.read(range.0..range.1, &mut row)?;
        Ok(Entity { id, ..Row(&row).read().ok_or_else(|| self.damaged())? })
    }

    /// The text of an entity: a line for each attribute, and one of its names, in lower case.
    ///
    /// # Errors
    /// As [`KnowledgeBase::id`].
    pub fn text(&self, number: usize) -> Result<String> {
        Ok(self.entity(number)?.text())
    }

    /// The numbers of the entities that go by a name, in order. O(length).
    pub fn candidates(&self, name: &str) -> &[u32] {
        self.node(name).map_or(&[], |node| self.candidates_at(node))
    }

    /// Those whose name ends at a node.
    pub(super) fn candidates_at(&self, node: u32) -> &[u32] {
        let starts = &*self.starts;
        let place = |at: usize| starts.get(at).map(|start| *start as usize);
        let node = node as usize;
        let range = place(node).zip(place(node + 1));
        range.and_then(|(start, end)| self.candidates.get(start..end)).unwrap_or_default()
    }

    /// The node at which a name ends, once it is normalized.
    pub(super) fn node(&self, name: &str) -> Option<u32> {
        let mut labels = Vec::with_capacity(name.len());
        self.labels.of_key(&self.normalization().key(name), &mut labels);
        let trie = self.trie.view();
        trie.walk(&labels).filter(|node| trie.is_key(*node))
    }
}

/// The folder in which a file is.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => path,
    }
}
