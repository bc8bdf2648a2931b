//! Passes over a text that may lie elsewhere: what is asked, and what a part of the text answers.

use std::ops::Range;

use super::cut::{SegmentCounts, SegmentOptions, count_segments};
use super::long_words::LongRuns;
use super::strong_set::StrongSet;
use crate::corpus::{Elsewhere, EncodedCorpus, Key, Parts, Question, Relabelled, damaged};
use crate::segmentation::{Lattice, WORDS, count_words, lattice_of};
use crate::support::hash::HashMap;
use crate::support::wire::{Arrays, put};
use crate::support::{Context, Error, Result, keyed};
use crate::trie::{Node, Trie};

/// The first number of a question for segments.
const SEGMENTS: u8 = 2;
/// The first number of a question for long words.
const LONG_WORDS: u8 = 3;

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
    let Some(elsewhere) = corpus.remote() else {
        return count_segments(corpus, strong, long, options, context);
    };
    let mut question = Vec::new();
    put(&mut question, &[SEGMENTS]);
    put(&mut question, &[u8::from(options.false_chains)]);
    for set in std::iter::once(strong).chain(long) {
        put_strong_set(&mut question, set);
    }
    let mut counts = SegmentCounts {
        singles: vec![0; options.largest_id + 1],
        members: vec![0; strong.trie().slots()],
        ..SegmentCounts::default()
    };
    let question = elsewhere.ask(question, Some(options.min_count));
    for (key, count) in elsewhere.answer(&question)? {
        match key {
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

/// Asks a text elsewhere for the chains of more symbols than the order of `strong` that occur `min_count` times;
/// `windows` are its members of as many symbols as its order.
pub fn ask_long_words<'k>(
    elsewhere: &Elsewhere<'_>,
    strong: &StrongSet,
    windows: impl Iterator<Item = &'k [u32]>,
    min_count: u64,
) -> Question {
    let mut question = Vec::new();
    put(&mut question, &[LONG_WORDS]);
    put_strong_set(&mut question, strong);
    put::<u32>(&mut question, &windows.flatten().copied().collect::<Vec<u32>>());
    elsewhere.ask(question, Some(min_count))
}

/// The answer to [`ask_long_words`], sorted.
///
/// # Errors
/// What the other side meets.
pub fn long_words_of(
    elsewhere: &Elsewhere<'_>,
    question: &Question,
    min_count: u64,
) -> Result<Vec<(Vec<u32>, u64)>> {
    let word = |(key, count)| match key {
        Key::Word(labels) => Ok((labels, count)),
        _ => Err(damaged()),
    };
    let mut words: Vec<_> =
        elsewhere.answer(question)?.into_iter().map(word).collect::<Result<_>>()?;
    words.retain(|(_, count)| *count >= min_count);
    words.sort_unstable();
    Ok(words)
}

/// A pass as it was asked for.
#[derive(Debug)]
pub struct Pass {
    /// Labels by the names of symbols.
    labels: HashMap<Box<str>, u32>,
    tasks: Vec<Task>,
}

#[derive(Debug)]
enum Task {
    Words(Lattice),
    Segments { strong: StrongSet, long: Option<StrongSet>, false_chains: bool },
    LongWords { strong: StrongSet, windows: Vec<u32> },
}

impl Pass {
    /// Reads a request.
    ///
    /// # Errors
    /// [`Error::Corpus`] for what is none.
    pub fn new(request: &[u8]) -> Result<Self> {
        let mut arrays = Arrays(request);
        let labels = arrays.names()?.into_iter().zip(1..).collect();
        let mut tasks = Vec::new();
        while !arrays.0.is_empty() {
            tasks.push(Task::new(&arrays.take()?)?);
        }
        Ok(Self { labels, tasks })
    }

    /// Goes through a part of the text; see [`keyed::in_groups`] for the result. The sums of all parts add up to
    /// those of the text, because no word reaches beyond the part.
    ///
    /// # Errors
    /// [`Error::Corpus`] for a symbol that was not there when the text was counted; reading the corpus
    /// failed; the job was cancelled.
    pub fn run(
        &self,
        corpus: &EncodedCorpus,
        groups: u32,
        context: &Context,
    ) -> Result<Vec<(u32, Vec<u8>)>> {
        let named = Named { corpus, labels: self.labels_of(corpus)? };
        let mut sums = Vec::new();
        for (place, task) in (0..).zip(&self.tasks) {
            let counts = task.run(&named, self.labels.len(), context)?;
            let counted = counts.into_iter().filter(|(_, count)| *count > 0);
            sums.extend(counted.map(|(key, count)| (key.to_bytes(place), u128::from(count))));
        }
        Ok(keyed::in_groups(sums, groups))
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

impl Task {
    fn new(question: &[u8]) -> Result<Self> {
        let mut arrays = Arrays(question);
        match arrays.one::<u8>()? {
            WORDS => Ok(Self::Words(lattice_of(&mut arrays)?)),
            SEGMENTS => {
                let false_chains = arrays.one::<u8>()? == 1;
                let strong = strong_set_of(&mut arrays)?;
                let long =
                    (!arrays.0.is_empty()).then(|| strong_set_of(&mut arrays)).transpose()?;
                Ok(Self::Segments { strong, long, false_chains })
            }
            LONG_WORDS => {
                let strong = strong_set_of(&mut arrays)?;
                Ok(Self::LongWords { strong, windows: arrays.take()? })
            }
            _ => Err(no_request()),
        }
    }

    /// The counts of a part, some of them 0; `largest` is the largest label.
    fn run(&self, part: &Named<'_>, largest: usize, context: &Context) -> Result<Vec<(Key, u64)>> {
        // Words that are rare in this part may be frequent in the text.
        let options =
            |false_chains| SegmentOptions { largest_id: largest, min_count: 1, false_chains };
        let mut counts = Vec::new();
        let (nodes, singles) = match self {
            Self::Words(lattice) => {
                let found = count_words(part, lattice, largest, context)?;
                (found.words, found.singles)
            }
            Self::Segments { strong, long, false_chains } => {
                let options = options(*false_chains);
                let found = count_segments(part, strong, long.as_ref(), options, context)?;
                let totals = [found.segments, found.false_segments, found.overlong];
                counts.extend((0..).map(Key::Total).zip(totals));
                counts
                    .extend(found.chains.into_iter().map(|(word, count)| (Key::Word(word), count)));
                counts.extend(found.long.into_iter().map(|(word, count)| (Key::Long(word), count)));
                (found.members, found.singles)
            }
            Self::LongWords { strong, windows } => {
                let order = strong.order();
                let runs = LongRuns::new(part, order, windows.chunks_exact(order));
                let found = count_segments(&runs, strong, None, options(false), context)?.chains;
                let long = found.into_iter().filter(|(word, _)| word.len() > order);
                counts.extend(long.map(|(word, count)| (Key::Word(word), count)));
                (Vec::new(), Vec::new())
            }
        };
        counts.extend((0..).map(Key::Node).zip(nodes));
        counts.extend((0..).map(Key::Label).zip(singles));
        Ok(counts)
    }
}

fn no_request() -> Error {
    Error::Corpus("the request of a pass is damaged".into())
}

fn put_strong_set(question: &mut Vec<u8>, set: &StrongSet) {
    put(question, &[set.order() as u64, set.trie().longest() as u64]);
    put::<Node>(question, set.trie().nodes());
}

fn strong_set_of(arrays: &mut Arrays<'_>) -> Result<StrongSet> {
    let [order, longest] = arrays.take::<u64>()?[..] else { return Err(no_request()) };
    let [order, longest] = [order, longest].map(|number| usize::try_from(number).unwrap_or(0));
    let trie = Trie::from_nodes(arrays.take::<Node>()?, longest).filter(|_| order > 0);
    Ok(StrongSet::from_trie(trie.ok_or_else(no_request)?, order))
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
