//! Collects documents into blocks: skips blank ones, drops duplicates, splits long ones.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_128;

use super::cut::{cut, floor};
use super::markup::Markup;
use super::options::DocumentOptions;
use super::{Block, ReadReport};
use crate::support::hash::HashSet;
use crate::support::{Context, Error, Result};

/// The size of the next block after `read` bytes of text, within the budget of `context`:
/// threads hold several at a time. Blocks grow, since long ones cost less but all threads should have
/// some of a small corpus.
pub(super) fn block_bytes(context: &Context, read: u64) -> usize {
    let share = context.memory().bytes() / (16 * context.threads() as u64);
    let most = share.clamp(256 << 10, 2 << 20).min((read / 8).max(128 << 10));
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// Text on its way into blocks.
#[derive(Debug, Default)]
pub(super) struct Assembler {
    /// The text not handed out yet starts at `start`. Every document in it ends in a newline, the
    /// last possibly not yet.
    pub text: String,
    start: usize,
    options: DocumentOptions,
    markup: Markup,
    /// The hashes of earlier documents.
    seen: HashSet<u128>,
}

impl Assembler {
    /// An empty one that does with documents as `options` say.
    pub(super) fn new(options: DocumentOptions) -> Self {
        Self { options, ..Self::default() }
    }

    /// Ends a file or record: no markup continues in the next.
    pub(super) fn end_markup(&mut self) {
        self.markup.end();
    }

    /// Bytes not handed out yet.
    pub(super) fn len(&self) -> usize {
        self.text.len() - self.start
    }

    /// Ends the last line, if it is open.
    pub(super) fn end_line(&mut self) {
        if self.len() > 0 && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
    }

    /// Adds a document and counts it, unless it is blank.
    ///
    /// # Errors
    /// [`Error::Memory`] if the hashes of the documents exceed the budget.
    pub(super) fn add_document(
        &mut self,
        document: &str,
        context: &Context,
        report: &mut ReadReport,
    ) -> Result<()> {
        let document = if self.options.strip_html {
            self.markup.strip(document)
        } else {
            Cow::Borrowed(document)
        };
        if is_blank(&document) {
            return Ok(());
        }
        report.documents += 1;
        if self.options.drop_duplicates {
            if !self.seen.insert(xxh3_128(document.as_bytes())) {
                report.duplicates += 1;
                return Ok(());
            }
            if self.seen.allocation_size() as u64 > context.memory().bytes() / 4 {
                return Err(Error::Memory(format!(
                    "drop_duplicates must remember {} documents in a quarter of the budget, got \
                     {} bytes in all",
                    self.seen.len(),
                    context.memory().bytes(),
                )));
            }
        }
        self.text.push_str(&document);
        self.text.push('\n');
        Ok(())
    }

    /// The next block of about `most` bytes. Must not be called on less unless the text is complete.
    pub(super) fn take(&mut self, most: usize) -> Block {
        let rest = &self.text[self.start..];
        let mut end = rest.len();
        let mut continues = false;
        if rest.len() > most {
            let window = &rest[..floor(rest, most)];
            (end, continues) = match memchr::memrchr(b'\n', window.as_bytes()) {
                Some(last) => (last + 1, false),
                None => cut(window),
            };
        }
        let text = rest[..end].to_owned();
        self.start += end;
        // Moving the rest forward is rare enough to cost each byte a constant.
        if self.start * 2 >= self.text.len() {
            self.text.drain(..self.start);
            self.start = 0;
        }
        Block { text, continues, bytes: 0 }
    }
}

/// Counts the lines that are not blank in text that comes in pieces.
#[derive(Debug, Default)]
pub(super) struct LineCounter {
    /// Whether the line at the end of the last piece has been counted.
    counted: bool,
}

impl LineCounter {
    /// How many lines with something in them start to show in `text`. O(n).
    pub(super) fn count(&mut self, text: &str) -> u64 {
        let (mut count, mut start) = (0, 0);
        for end in memchr::memchr_iter(b'\n', text.as_bytes()) {
            count += u64::from(!self.counted && !is_blank(&text[start..end]));
            (start, self.counted) = (end + 1, false);
        }
        if !self.counted && !is_blank(&text[start..]) {
            self.counted = true;
            count += 1;
        }
        count
    }
}

/// Whether there is nothing but white space.
fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::MemoryBudget;

    #[test]
    fn lines_are_counted_across_pieces() {
        let mut counter = LineCounter::default();
        let counts: Vec<_> =
            ["天", "地\n\n \r\n玄", "黄\n", "\n", "宇"].map(|piece| counter.count(piece)).into();
        assert_eq!(counts, [1, 1, 0, 0, 1]);
    }

    #[test]
    fn repeated_documents_are_dropped_and_blank_ones_are_none() {
        let context =
            Context::new(Some(1), MemoryBudget::new(MemoryBudget::LEAST).unwrap(), None).unwrap();
        let options = DocumentOptions { drop_duplicates: true, ..DocumentOptions::default() };
        let (mut assembler, mut report) = (Assembler::new(options), ReadReport::default());
        for document in ["天", "", " \t", "地", "天"] {
            assembler.add_document(document, &context, &mut report).unwrap();
        }
        assert_eq!(assembler.take(100).text, "天\n地\n");
        assert_eq!((report.documents, report.duplicates), (3, 1));
    }

    #[test]
    fn blocks_end_at_lines_where_they_can() {
        let mut assembler =
            Assembler { text: "天地\n玄黄宇宙\n".into(), ..Assembler::default() };
        let mut blocks = Vec::new();
        while assembler.len() > 0 {
            let block = assembler.take(8);
            blocks.push((block.text, block.continues));
        }
        let expected = [("天地\n", false), ("玄", true), ("黄", true), ("宇宙\n", false)];
        assert_eq!(blocks, expected.map(|(text, continues)| (text.to_owned(), continues)));
    }
}
