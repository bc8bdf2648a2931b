//! Counting words in a text that may lie elsewhere.

use super::lattice::Lattice;
use super::recount::{WordCounts, count_words};
use crate::corpus::{Key, Relabelled, damaged};
use crate::support::wire::{Arrays, put};
use crate::support::{Context, Error, Result};
use crate::trie::{Node, Trie};

/// The first number of a question for words; see [`lattice_of`] for the rest.
pub const WORDS: u8 = 1;

/// As [`count_words`], here or where the text is.
///
/// # Errors
/// As [`count_words`]; what the other side meets.
pub fn count_words_of(
    corpus: &Relabelled<'_>,
    lattice: &Lattice,
    context: &Context,
) -> Result<WordCounts> {
    let Some(elsewhere) = corpus.remote() else {
        return count_words(corpus, lattice, corpus.largest(), context);
    };
    let mut question = Vec::new();
    put(&mut question, &[WORDS]);
    put(&mut question, &[lattice.trie.longest() as u64]);
    put::<Node>(&mut question, lattice.trie.nodes());
    put::<f32>(&mut question, &lattice.weights);
    put(&mut question, &lattice.pairs.iter().map(|pairs| u8::from(*pairs)).collect::<Vec<u8>>());
    let mut counts =
        WordCounts { words: vec![0; lattice.trie.slots()], singles: vec![0; corpus.largest() + 1] };
    let question = elsewhere.ask(question, None);
    for (key, count) in elsewhere.answer(&question)? {
        let place = match key {
            Key::Node(node) => counts.words.get_mut(node as usize),
            Key::Label(label) => counts.singles.get_mut(label as usize),
            _ => None,
        };
        *place.ok_or_else(damaged)? += count;
    }
    Ok(counts)
}

/// The lattice of a question, whose first number was taken.
///
/// # Errors
/// [`Error::Corpus`] for what is no such question.
pub fn lattice_of(arrays: &mut Arrays<'_>) -> Result<Lattice> {
    let longest = usize::try_from(arrays.one::<u64>()?).unwrap_or(usize::MAX);
    let trie = Trie::from_array(arrays.take::<Node>()?.into(), longest);
    let weights = arrays.take::<f32>()?.into();
    let pairs = arrays.take::<u8>()?.into_iter().map(|pairs| pairs == 1).collect();
    let lattice = trie.and_then(|trie| Lattice::from_arrays(trie, weights, pairs));
    lattice.ok_or_else(|| Error::Corpus("the request of a pass is damaged".into()))
}
