//! The labels of characters in the trie of names.

use bytemuck::cast_slice;

use super::normalize::Normalization;
use crate::support::Result;
use crate::support::arrays::{Array, ArrayFile};

/// The code points of the basic plane, which have a place each in a table.
const PLANE: usize = 1 << 16;

/// Characters to labels: of a character as texts have it, the label of what it stands for.
#[derive(Debug, Clone)]
pub struct Labels {
    /// By code point of the basic plane.
    characters: Array<u32>,
    /// Code points beyond it with their labels, sorted.
    others: Array<[u32; 2]>,
    normalization: Normalization,
}

impl Labels {
    /// The label of characters that are in no name.
    pub const UNKNOWN: u32 = 0;
    /// In place of a label: the character stands for several.
    pub const SEVERAL: u32 = u32::MAX;

    /// Labels for the characters of keys: from 1 by falling frequency, so that the trie's busy nodes lie
    /// close together.
    pub fn of_keys<'k>(keys: impl Iterator<Item = &'k str>, normalization: Normalization) -> Self {
        let mut counts = vec![0_u32; char::MAX as usize + 1];
        for character in keys.flat_map(str::chars) {
            let count = &mut counts[character as usize];
            *count = count.saturating_add(1);
        }
        let mut found: Vec<(u32, u32)> =
            (0..).zip(&counts).filter(|(_, count)| **count > 0).map(|(c, n)| (c, *n)).collect();
        found.sort_unstable_by_key(|(code_point, count)| (std::cmp::Reverse(*count), *code_point));
        // Counts are needed no more: their places take the labels.
        let mut labels = counts;
        labels.fill(Self::UNKNOWN);
        for ((code_point, _), label) in found.into_iter().zip(1..) {
            labels[code_point as usize] = label;
        }
        let label = |code_point: usize| {
            let character = u32::try_from(code_point).ok().and_then(char::from_u32);
            let mut folded = normalization.fold(character?);
            let first = folded.next().map_or(Self::UNKNOWN, |first| labels[first as usize]);
            Some(if folded.next().is_some() { Self::SEVERAL } else { first })
        };
        let characters: Vec<u32> =
            (0..PLANE).map(|at| label(at).unwrap_or(Self::UNKNOWN)).collect();
        let others = (PLANE..labels.len()).zip(&labels[PLANE..]);
        let others: Vec<[u32; 2]> = others
            .filter(|(_, label)| **label != Self::UNKNOWN)
            .filter_map(|(code_point, label)| Some([u32::try_from(code_point).ok()?, *label]))
            .collect();
        Self { characters: characters.into(), others: others.into(), normalization }
    }

    /// The arrays of a file.
    pub fn arrays(&self) -> [(&'static str, &[u8]); 2] {
        [("characters", cast_slice(&self.characters)), ("others", cast_slice(&self.others))]
    }

    /// The labels that a file holds.
    ///
    /// # Errors
    /// [`crate::support::Error::Format`] where an array is missing or of another length.
    pub fn open(file: &ArrayFile, normalization: Normalization) -> Result<Self> {
        let characters = file.array("characters", Some(PLANE))?;
        Ok(Self { characters, others: file.array("others", None)?, normalization })
    }

    /// How names were normalized.
    pub fn normalization(&self) -> Normalization {
        self.normalization
    }

    /// The labels of a key, which is normalized. O(n).
    pub fn of_key(&self, key: &str, labels: &mut Vec<u32>) {
        let characters = &*self.characters;
        labels.extend(key.chars().map(|character| self.label(characters, character)));
    }

    /// Replaces `text` by the labels of a text, and gives each the number of its character where these
    /// are not the same.
    pub fn of_text(&self, text: &str, into: &mut Labelled) {
        into.clear();
        let characters = &*self.characters;
        for (character, place) in text.chars().zip(0_u32..) {
            let label = self.label(characters, character);
            if label != Self::SEVERAL {
                into.push(label, place);
                continue;
            }
            into.name_places(place);
            for folded in self.normalization.fold(character) {
                into.push(self.label(characters, folded), place);
            }
        }
    }

    #[inline]
    fn label(&self, characters: &[u32], character: char) -> u32 {
        match characters.get(character as usize) {
            Some(label) => *label,
            None => self.label_beyond(character),
        }
    }

    #[cold]
    fn label_beyond(&self, character: char) -> u32 {
        let folded = self.normalization.fold(character).next().unwrap_or(character);
        let found = self.others.binary_search_by_key(&(folded as u32), |[code, _]| *code);
        found.map_or(Self::UNKNOWN, |at| self.others[at][1])
    }
}

/// A text as labels.
#[derive(Debug, Default)]
pub struct Labelled {
    pub labels: Vec<u32>,
    /// Where a character stands for several, by label the number of the character it comes from.
    places: Vec<u32>,
    /// Whether that is written down; if not, labels and characters have the same numbers.
    has_places: bool,
}

impl Labelled {
    #[inline]
    fn push(&mut self, label: u32, place: u32) {
        self.labels.push(label);
        if self.has_places {
            self.places.push(place);
        }
    }

    /// Writes down the places from the first on, `next` being that of the next label.
    fn name_places(&mut self, next: u32) {
        if !self.has_places {
            self.has_places = true;
            self.places.extend(0..next);
        }
    }

    fn clear(&mut self) {
        self.labels.clear();
        self.places.clear();
        self.has_places = false;
    }

    /// By label, the number of the character it comes from, if that is not its own.
    pub fn places(&self) -> Option<&[u32]> {
        self.has_places.then_some(&*self.places)
    }
}
