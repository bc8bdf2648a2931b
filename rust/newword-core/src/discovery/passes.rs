//! Passes over a text that may lie elsewhere: what is asked for, and what a part of the text answers.

use std::ops::Range;

use super::cut::{SegmentCounts, SegmentOptions, count_segments};
use super::strong_set::StrongSet;
use crate::corpus::{EncodedCorpus, Key, Parts, Relabelled};
use crate::segmentation::{Lattice, WORDS, count_words, lattice_of};
use crate::support::hash::HashMap;
use crate::support::wire::{Arrays, put, put_names};
use crate::support::{Context, Error, Result};
use crate::trie::{Node, Trie};

/// The first number of a request for segments.
const SEGMENTS: u8 = 2;

/// As [`count_segments`], here or where the text is.
///
/// # Errors
/// As [`count_segments`]; what the other side meets.
pub fn count_segments_of(
    corpus: &Relabelled<'_>,
    strong: &StrongSet,
    long: Option<&StrongSet>,
    options: SegmentOptions,
    context: &Context,
) -> Result<SegmentCounts> {
    let Some((remote, names)) = corpus.remote() else {
        return count_segments(corpus, strong, long, options, context);
    };
    let mut request = Vec::new();
    put(&mut request, &[SEGMENTS]);
    put_names(&mut request, names);
    put(&mut request, &[u8::from(options.false_chains)]);
    for set in std::iter::once(strong).chain(long) {
        put(&mut request, &[set.order() as u64, set.trie().longest() as u64]);
        put::<Node>(&mut request, set.trie().nodes());
    }
    let mut counts = SegmentCounts {
        singles: vec![0; options.largest_id + 1],
        members: vec![0; strong.trie().slots()],
        ..SegmentCounts::default()
    };
    let damaged = || Error::Corpus("the answer to a pass is damaged".into());
    for (key, count) in remote.pass(&request, options.min_count)? {
        match Key::from_bytes(&key)? {
            Key::Node(node) => *counts.members.get_mut(node as usize).ok_or_else(damaged)? += count,
            Key::Label(label) => {
                *counts.singles.get_mut(label as usize).ok_or_else(damaged)? += count;
            }
            Key::Total(0) => counts.segments += count,
            Key::Total(1) => counts.false_segments += count,
            Key::Total(2) => counts.overlong += count,
            Key::Total(_) => return Err(damaged()),
            Key::Word(labels) => counts.chains.push((labels, count)),
            Key::Long(labels) => counts.long.push((labels, count)),
        }
    }
    for words in [&mut counts.chains, &mut counts.long] {
        words.retain(|(_, count)| *count >= options.min_count);
        words.sort_unstable();
    }
    Ok(counts)
}

/// A pass as it was asked for.
#[derive(Debug)]
pub struct Pass {
    /// Labels by the names of symbols.
    labels: HashMap<Box<str>, u32>,
    task: Task,
}

#[derive(Debug)]
enum Task {
    Words(Lattice),
    Segments { strong: StrongSet, long: Option<StrongSet>, false_chains: bool },
}

impl Pass {
    /// Reads a request.
    ///
    /// # Errors
    /// [`Error::Corpus`] for what is none.
    pub fn new(request: &[u8]) -> Result<Self> {
        let mut arrays = Arrays(request);
        let kind: u8 = arrays.one()?;
        let labels = arrays.names()?.into_iter().zip(1..).collect();
        let task = match kind {
            WORDS => Task::Words(lattice_of(&mut arrays)?),
            SEGMENTS => {
                let false_chains = arrays.one::<u8>()? == 1;
                let strong = strong_set_of(&mut arrays)?;
                let long =
                    (!arrays.0.is_empty()).then(|| strong_set_of(&mut arrays)).transpose()?;
                Task::Segments { strong, long, false_chains }
            }
            _ => return Err(damaged()),
        };
        Ok(Self { labels, task })
    }

    /// Goes through a part of the text. The counts of all parts add up to those of the text, because
    /// no word reaches beyond the part.
    ///
    /// # Errors
    /// [`Error::Corpus`] for a symbol that was not there when the text was counted; reading the corpus
    /// failed; the job was cancelled.
    pub fn run(&self, corpus: &EncodedCorpus, context: &Context) -> Result<Vec<(Vec<u8>, u64)>> {
        let named = Named { corpus, labels: self.labels_of(corpus)? };
        let (largest, mut counts) = (self.labels.len(), Vec::new());
        let mut add = |key: Key, count: u64| {
            if count > 0 {
                counts.push((key.to_bytes(), count));
            }
        };
        let (nodes, singles) = match &self.task {
            Task::Words(lattice) => {
                let found = count_words(&named, lattice, largest, context)?;
                (found.words, found.singles)
            }
            Task::Segments { strong, long, false_chains } => {
                // Words that are rare in this part may be frequent in the text.
                let options = SegmentOptions {
                    largest_id: largest,
                    min_count: 1,
                    false_chains: *false_chains,
                };
                let found = count_segments(&named, strong, long.as_ref(), options, context)?;
                let totals = [found.segments, found.false_segments, found.overlong];
                (0..).zip(totals).for_each(|(place, count)| add(Key::Total(place), count));
                found.chains.into_iter().for_each(|(word, count)| add(Key::Word(word), count));
                found.long.into_iter().for_each(|(word, count)| add(Key::Long(word), count));
                (found.members, found.singles)
            }
        };
        (0..).zip(nodes).for_each(|(node, count)| add(Key::Node(node), count));
        (0..).zip(singles).for_each(|(label, count)| add(Key::Label(label), count));
        Ok(counts)
    }

    fn labels_of(&self, corpus: &EncodedCorpus) -> Result<Vec<u32>> {
        let names = (1..).take(corpus.symbols().len()).map(|id| corpus.symbols().name(id));
        let label = |name: &str| {
            self.labels.get(name).copied().ok_or_else(|| {
                let message = format!(
                    "the text changed between two passes: {name:?} was not there before; \
                    persist the DataFrame"
                );
                Error::Corpus(message)
            })
        };
        std::iter::once(Ok(0)).chain(names.map(label)).collect()
    }
}

fn damaged() -> Error {
    Error::Corpus("the request of a pass is damaged".into())
}

fn strong_set_of(arrays: &mut Arrays<'_>) -> Result<StrongSet> {
    let [order, longest] = arrays.take::<u64>()?[..] else { return Err(damaged()) };
    let [order, longest] = [order, longest].map(|number| usize::try_from(number).unwrap_or(0));
    let trie = Trie::from_nodes(arrays.take::<Node>()?, longest).ok_or_else(damaged)?;
    Ok(StrongSet::from_trie(trie, order))
}

/// A part of a text with the labels of the whole.
struct Named<'c> {
    corpus: &'c EncodedCorpus,
    /// By id.
    labels: Vec<u32>,
}

impl Parts for Named<'_> {
    fn parts(&self) -> usize {
        self.corpus.parts()
    }

    fn total(&self) -> u64 {
        self.corpus.total()
    }

    fn load(&self, part: usize, context: usize, out: &mut Vec<u32>) -> Result<Range<usize>> {
        self.corpus.load_as(part, context, &self.labels, out)
    }
}
