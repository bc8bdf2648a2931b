//! Counting words in a text that may lie elsewhere.

use super::lattice::Lattice;
use super::recount::{WordCounts, count_words};
use crate::corpus::{Key, Relabelled};
use crate::support::wire::{Arrays, put, put_names};
use crate::support::{Context, Error, Result};
use crate::trie::{Node, Trie};

/// The first number of a request for words; see [`lattice_of`] for the rest.
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
    let Some((remote, names)) = corpus.remote() else {
        return count_words(corpus, lattice, corpus.largest(), context);
    };
    let mut request = Vec::new();
    put(&mut request, &[WORDS]);
    put_names(&mut request, names);
    put(&mut request, &[lattice.trie.longest() as u64]);
    put::<Node>(&mut request, lattice.trie.nodes());
    put::<f32>(&mut request, &lattice.weights);
    put(&mut request, &lattice.pairs.iter().map(|pairs| u8::from(*pairs)).collect::<Vec<u8>>());
    let mut counts =
        WordCounts { words: vec![0; lattice.trie.slots()], singles: vec![0; corpus.largest() + 1] };
    for (key, count) in remote.pass(&request, 1)? {
        let place = match Key::from_bytes(&key)? {
            Key::Node(node) => counts.words.get_mut(node as usize),
            Key::Label(label) => counts.singles.get_mut(label as usize),
            _ => None,
        };
        *place.ok_or_else(|| Error::Corpus("the answer to a pass is damaged".into()))? += count;
    }
    Ok(counts)
}

/// The lattice of a request, whose first number and names were taken.
///
/// # Errors
/// [`Error::Corpus`] for what is no such request.
pub fn lattice_of(arrays: &mut Arrays<'_>) -> Result<Lattice> {
    let longest = usize::try_from(arrays.one::<u64>()?).unwrap_or(usize::MAX);
    let trie = Trie::from_array(arrays.take::<Node>()?.into(), longest);
    let weights = arrays.take::<f32>()?.into();
    let pairs = arrays.take::<u8>()?.into_iter().map(|pairs| pairs == 1).collect();
    let lattice = trie.and_then(|trie| Lattice::from_arrays(trie, weights, pairs));
    lattice.ok_or_else(|| Error::Corpus("the request of a pass is damaged".into()))
}
