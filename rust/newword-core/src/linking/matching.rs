//! The mentions of names in text.

use super::base::KnowledgeBase;
use super::labels::Labelled;
use super::name_set::NameSet;
use super::optimal::Optimal;
use crate::support::workers::portions;
use crate::support::{Error, Result, Workers};
use crate::trie::{Node, Trie};

/// Which of the names in a text are its matches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All of them, by start and then by end.
    All,
    /// From left to right the longest name that starts at the first place where one starts; the
    /// search goes on behind it.
    Longest,
    /// Names that do not overlap and leave the fewest characters uncovered, and of these the fewest.
    /// Where two ways up to a place tie, the one with the longest last name wins.
    Optimal,
}

impl std::str::FromStr for Mode {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "all" => Ok(Self::All),
            "longest" => Ok(Self::Longest),
            "optimal" => Ok(Self::Optimal),
            other => {
                let rule = "must be \"all\", \"longest\" or \"optimal\"";
                Err(Error::invalid("mode", rule, format!("{other:?}")))
            }
        }
    }
}

/// The matches of several texts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Matches {
    /// Start and exclusive end of each match, in characters of its text.
    pub spans: Vec<[u32; 2]>,
    /// By text, how many matches there are up to its end.
    pub ends: Vec<usize>,
}

impl Matches {
    /// The matches of each text.
    pub fn texts(&self) -> impl Iterator<Item = &[[u32; 2]]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(start, end)| &self.spans[*start..*end])
    }
}

impl KnowledgeBase {
    /// The matches of each of `texts`, portions of them in order; where `names` is given only names of it
    /// match. A match begins and ends where characters of the text do: what a character stands for is
    /// matched as a whole. O(n * longest name).
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] where `names` is of another base, or a text has 2^32 characters;
    /// [`Error::Cancelled`].
    pub fn matches<S: AsRef<str> + Sync>(
        &self,
        texts: &[S],
        mode: Mode,
        names: Option<&NameSet>,
        workers: &Workers<'_>,
    ) -> Result<Vec<Matches>> {
        names.map_or(Ok(()), |names| self.check(names))?;
        let view = View { trie: self.trie.view(), names };
        workers.map(portions(texts), |texts| {
            let (mut work, mut matches) = (Work::default(), Matches::default());
            for text in texts {
                let text = text.as_ref();
                if u32::try_from(text.len()).is_err() && text.chars().count() >= 1 << 32 {
                    return Err(Error::invalid("texts", "must have under 2^32 characters", "more"));
                }
                self.labels.of_text(text, &mut work.labelled);
                let check = || workers.check();
                match mode {
                    Mode::All => view.scan(&mut work, &mut All(&mut matches.spans), check),
                    Mode::Longest => {
                        let mut longest = Longest { spans: &mut matches.spans, last: None };
                        view.scan(&mut work, &mut longest, check)
                    }
                    Mode::Optimal => {
                        let mut optimal = Optimal::new(&mut matches.spans);
                        view.scan(&mut work, &mut optimal, check)
                    }
                }?;
                matches.ends.push(matches.spans.len());
            }
            Ok(matches)
        })
    }
}

/// Buffers, to be used again.
#[derive(Default)]
struct Work {
    labelled: Labelled,
    /// What begins at the places of a block.
    begun: Vec<[u32; 3]>,
}

/// What takes the names in a text: they come by start and then by end.
pub trait Sink {
    /// A name from `start` to `end`, in characters.
    fn take(&mut self, start: u32, end: u32);

    /// After the last name.
    fn finish(&mut self) {}
}

struct All<'s>(&'s mut Vec<[u32; 2]>);

impl Sink for All<'_> {
    #[inline]
    fn take(&mut self, start: u32, end: u32) {
        self.0.push([start, end]);
    }
}

struct Longest<'s> {
    spans: &'s mut Vec<[u32; 2]>,
    last: Option<[u32; 2]>,
}

impl Sink for Longest<'_> {
    #[inline]
    fn take(&mut self, start: u32, end: u32) {
        match &mut self.last {
            Some(last) if last[0] == start => last[1] = end,
            Some(last) if start < last[1] => {}
            last => self.spans.extend(last.replace([start, end])),
        }
    }

    fn finish(&mut self) {
        self.spans.extend(self.last.take());
    }
}

/// So many places are looked at together: their first steps do not wait for each other.
const BLOCK: usize = 512;

/// The names, with their arrays looked up.
struct View<'b> {
    trie: Trie<&'b [Node]>,
    names: Option<&'b NameSet>,
}

impl View<'_> {
    /// Hands all names in a text to `sink`; `check` is asked now and then.
    fn scan(
        &self,
        work: &mut Work,
        sink: &mut impl Sink,
        check: impl Fn() -> Result<()>,
    ) -> Result<()> {
        let Work { labelled, begun } = work;
        let labels = &*labelled.labels;
        for start in (0..labels.len()).step_by(BLOCK) {
            check()?;
            let end = labels.len().min(start + BLOCK);
            self.begin(labels, start, end, begun);
            match (self.names, labelled.places()) {
                (None, None) => {
                    let is_name = |node| self.trie.is_key(node);
                    self.walk(labels, start, begun, is_name, |start, end| {
                        sink.take(number(start), number(end));
                    });
                }
                (names, places) => {
                    let is_name = |node| {
                        names.map_or_else(|| self.trie.is_key(node), |names| names.has(node))
                    };
                    self.walk(labels, start, begun, is_name, |start, end| match places {
                        Some(places) => take_whole(places, start, end, sink),
                        None => sink.take(number(start), number(end)),
                    });
                }
            }
        }
        sink.finish();
        Ok(())
    }

    /// Finds the nodes of the one, two and three labels that begin at each place of a block. No place
    /// waits for what another finds, so that their loads overlap.
    fn begin(&self, labels: &[u32], start: usize, end: usize, begun: &mut Vec<[u32; 3]>) {
        let ahead = |at: usize| labels.get(at).copied().unwrap_or(0);
        begun.clear();
        begun.extend((start..end).map(|at| {
            let first = self.trie.step(Trie::ROOT, labels[at]);
            let second = self.trie.step(first, ahead(at + 1));
            [first, second, self.trie.step(second, ahead(at + 2))]
        }));
    }

    /// Finds the names that begin in a block.
    #[inline]
    fn walk(
        &self,
        labels: &[u32],
        start: usize,
        begun: &[[u32; 3]],
        is_name: impl Fn(u32) -> bool,
        mut found: impl FnMut(usize, usize),
    ) {
        let none = self.trie.none();
        // Behind the text there is no name, but in a damaged file.
        let last = labels.len();
        for (at, [first, second, third]) in (start..).zip(begun) {
            if is_name(*first) {
                found(at, at + 1);
            }
            if at + 2 <= last && is_name(*second) {
                found(at, at + 2);
            }
            let (mut reached, mut end) = (*third, at + 3);
            while reached != none && end <= last {
                if is_name(reached) {
                    found(at, end);
                }
                let Some(label) = labels.get(end) else { break };
                reached = self.trie.step(reached, *label);
                end += 1;
            }
        }
    }
}

/// Hands on the name of some labels where these are all labels of their characters.
fn take_whole(places: &[u32], start: usize, end: usize, sink: &mut impl Sink) {
    let is_edge = |at: usize| at == 0 || at == places.len() || places[at] != places[at - 1];
    if is_edge(start) && is_edge(end) {
        sink.take(places[start], places[end - 1] + 1);
    }
}

/// A number of characters, which has been seen to be less than 2^32.
#[allow(clippy::cast_possible_truncation)]
fn number(at: usize) -> u32 {
    at as u32
}
