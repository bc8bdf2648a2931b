//! Some of the names of a knowledge base.

use super::base::KnowledgeBase;
use crate::support::{Error, Result};

/// Names that may match, where not all of a base may. It belongs to the base that made it.
#[derive(Debug, Clone)]
pub struct NameSet {
    /// A bit for each slot of the trie, set where a name of the set ends.
    bits: Vec<u64>,
    len: usize,
    fingerprint: u64,
}

impl NameSet {
    /// How many names there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    #[inline]
    pub(super) fn has(&self, node: u32) -> bool {
        let word = self.bits.get(node as usize / 64);
        word.is_some_and(|word| word >> (node % 64) & 1 == 1)
    }
}

impl KnowledgeBase {
    /// The set of those of `names` that the base has. O(total length + bytes of the trie / 64).
    pub fn name_set<'n>(&self, names: impl Iterator<Item = &'n str>) -> NameSet {
        let mut bits = vec![0_u64; self.trie.slots().div_ceil(64)];
        let mut len = 0;
        for node in names.filter_map(|name| self.node(name)) {
            let word = &mut bits[node as usize / 64];
            len += usize::from(*word >> (node % 64) & 1 == 0);
            *word |= 1 << (node % 64);
        }
        NameSet { bits, len, fingerprint: self.fingerprint() }
    }

    /// The set of all names of the base that are not in a set of it. O(slots of the trie).
    ///
    /// # Errors
    /// As [`KnowledgeBase::check`].
    pub fn complement(&self, names: &NameSet) -> Result<NameSet> {
        self.check(names)?;
        let trie = self.trie.view();
        let mut bits = vec![0_u64; names.bits.len()];
        let mut len = 0;
        for node in (0_u32..).take(trie.slots()) {
            if trie.is_key(node) && !names.has(node) {
                bits[node as usize / 64] |= 1 << (node % 64);
                len += 1;
            }
        }
        Ok(NameSet { bits, len, fingerprint: names.fingerprint })
    }

    /// Whether a name is in a set of this base. O(length).
    ///
    /// # Errors
    /// As [`KnowledgeBase::check`].
    pub fn contains(&self, names: &NameSet, name: &str) -> Result<bool> {
        self.check(names)?;
        Ok(self.node(name).is_some_and(|node| names.has(node)))
    }

    /// Checks whose names these are.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where they are of another base.
    pub fn check(&self, names: &NameSet) -> Result<()> {
        if names.fingerprint == self.fingerprint() {
            return Ok(());
        }
        let rule = "must be a set of names of this knowledge base";
        Err(Error::invalid("dictionary", rule, "one of another"))
    }
}
