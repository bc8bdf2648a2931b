//! How often given words occur in a corpus, overlaps included.

use crate::corpus::Parts;
use crate::corpus::{Alphabet, EncodedCorpus, Symbols};
use crate::support::{Context, Result, Stage};
use crate::trie::Trie;

/// Counts the occurrences of each of `words` as a sequence of symbols, wherever they stand and
/// whatever they overlap; 0 for words with a symbol that the corpus lacks, or with a break.
///
/// O(symbols * longest word) on one thread; memory for one part and 8 bytes a trie slot.
///
/// # Errors
/// Reading the corpus failed, or the job was cancelled.
pub fn count_words(
    corpus: &EncodedCorpus,
    words: &[String],
    alphabet: &Alphabet,
    context: &Context,
) -> Result<Vec<u64>> {
    let keys: Vec<Option<Vec<u32>>> =
        words.iter().map(|word| ids_of(word, corpus.symbols(), alphabet)).collect();
    count_sequences(corpus, &keys, context)
}

/// The ids of a word; `None` where the corpus cannot hold it.
fn ids_of(word: &str, symbols: &Symbols, alphabet: &Alphabet) -> Option<Vec<u32>> {
    let text = alphabet.fold(word);
    let unit = |unit: crate::corpus::Unit| {
        unit.symbol.then(|| symbols.id(&alphabet.symbol(&text, unit).0)).flatten()
    };
    let ids: Vec<u32> = alphabet.units(&text).map(unit).collect::<Option<_>>()?;
    (!ids.is_empty()).then_some(ids)
}

fn count_sequences<P: Parts + ?Sized>(
    corpus: &P,
    keys: &[Option<Vec<u32>>],
    context: &Context,
) -> Result<Vec<u64>> {
    let mut sorted: Vec<&[u32]> = keys.iter().flatten().map(Vec::as_slice).collect();
    sorted.sort_unstable();
    sorted.dedup();
    let longest = sorted.iter().map(|key| key.len()).max().unwrap_or(0);
    let trie = Trie::build(sorted.len(), |rank| sorted[rank])?;
    let mut counts = vec![0_u64; trie.slots()];
    context.progress().begin(Stage::Segmenting, corpus.total());
    // The end of the last part, where a word may begin that ends in the next.
    let mut ids = Vec::new();
    let mut part_ids = Vec::new();
    for part in 0..corpus.parts() {
        context.check()?;
        let old = ids.len();
        let own = corpus.load(part, 0, &mut part_ids)?;
        ids.extend_from_slice(&part_ids[own]);
        count_new(&trie, &ids, old, &mut counts);
        context.progress().advance((ids.len() - old) as u64);
        ids.drain(..ids.len().saturating_sub(longest.saturating_sub(1)));
    }
    let count = |key: &Vec<u32>| trie.walk(key).map_or(0, |node| counts[node as usize]);
    Ok(keys.iter().map(|key| key.as_ref().map_or(0, count)).collect())
}

/// Counts the words that end behind the first `old` ids; the others were counted before.
fn count_new(trie: &Trie, ids: &[u32], old: usize, counts: &mut [u64]) {
    for start in 0..ids.len() {
        let mut node = Trie::ROOT;
        for (at, &id) in ids.iter().enumerate().skip(start) {
            // A break is no label, so no word goes over it.
            let Some(child) = (id != 0).then(|| trie.child(node, id)).flatten() else { break };
            node = child;
            if at >= old && trie.is_key(node) {
                counts[node as usize] += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::corpus::parts::tests::CutParts;
    use crate::support::MemoryBudget;

    fn context() -> Context {
        Context::new(Some(1), MemoryBudget::share_of_available(), None).unwrap()
    }

    proptest! {
        #[test]
        fn occurrences_are_those_of_a_naive_search(
            ids in prop::collection::vec(0_u32..3, 0..60),
            cuts in prop::collection::vec(0_usize..60, 0..4),
            words in prop::collection::vec(prop::collection::vec(1_u32..3, 1..5), 0..6),
        ) {
            let expected: Vec<u64> = words
                .iter()
                .map(|word| ids.windows(word.len()).filter(|window| *window == word).count() as u64)
                .collect();
            let keys: Vec<_> = words.into_iter().map(Some).collect();
            let parts = CutParts::new(&ids, &cuts);
            prop_assert_eq!(count_sequences(&parts, &keys, &context()).unwrap(), expected);
        }
    }

    #[test]
    fn words_are_read_as_the_corpus_was() {
        let alphabet = Alphabet { nfkc: true, ..Alphabet::default() };
        let corpus =
            EncodedCorpus::from_texts(["５G网\u{200B}络，5G网", "𠀀𠀀𠀀"], &alphabet).unwrap();
        let words = ["5G\u{AD}网", "５Ｇ网络", "网，", "𠀀𠀀", "无", ""].map(str::to_owned);
        let counts = count_words(&corpus, &words, &alphabet, &context()).unwrap();
        assert_eq!(counts, [2, 1, 0, 2, 0, 0]);
    }
}
