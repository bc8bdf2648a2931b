//! A text source of strings that the caller supplies in batches.

use super::documents::{Assembler, block_bytes};
use super::{Block, DocumentOptions, ReadReport, TextSource};
use crate::support::{Context, Result};

/// A batch of strings, concatenated in one buffer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextBatch {
    text: String,
    ends: Vec<usize>,
    missing: u64,
}

impl TextBatch {
    /// An empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a string.
    pub fn push(&mut self, item: &str) {
        self.text.push_str(item);
        self.ends.push(self.text.len());
    }

    /// Counts an item without a text.
    pub fn push_missing(&mut self) {
        self.missing += 1;
    }

    /// How many items without a text there are.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// The bytes of all strings.
    pub fn bytes(&self) -> usize {
        self.text.len()
    }

    /// How many strings there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the batch is empty.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The strings in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(&start, &end)| &self.text[start..end])
    }
}

impl<'t> FromIterator<&'t str> for TextBatch {
    fn from_iter<I: IntoIterator<Item = &'t str>>(items: I) -> Self {
        items.into_iter().map(Some).collect()
    }
}

/// `None` is an item without a text.
impl<'t> FromIterator<Option<&'t str>> for TextBatch {
    fn from_iter<I: IntoIterator<Item = Option<&'t str>>>(items: I) -> Self {
        let mut batch = Self::new();
        for item in items {
            match item {
                Some(text) => batch.push(text),
                None => batch.push_missing(),
            }
        }
        batch
    }
}

/// Text out of strings that `pull` hands over batch by batch, until it hands over none. Each string
/// is a document and ends in a break. Batches of about a megabyte serve best.
pub struct TextItems<F> {
    pull: F,
    ended: bool,
    assembler: Assembler,
    report: ReadReport,
    /// Bytes of the strings told to the watcher.
    told: u64,
}

impl<F> TextItems<F>
where
    F: FnMut(&Context) -> Result<Option<TextBatch>> + Send,
{
    /// A source of what `pull` hands over, each string a document.
    pub fn new(pull: F, options: DocumentOptions) -> Self {
        Self {
            pull,
            ended: false,
            assembler: Assembler::new(options),
            report: ReadReport::default(),
            told: 0,
        }
    }
}

impl<F> TextSource for TextItems<F>
where
    F: FnMut(&Context) -> Result<Option<TextBatch>> + Send,
{
    fn next_block(&mut self, context: &Context) -> Result<Option<Block>> {
        let most = block_bytes(context, self.report.bytes);
        while !self.ended && self.assembler.len() <= most {
            context.check()?;
            let Some(batch) = (self.pull)(context)? else {
                self.ended = true;
                break;
            };
            self.report.bytes += batch.bytes() as u64;
            self.report.missing += batch.missing();
            for item in batch.iter() {
                let report = &mut self.report;
                self.assembler.end_markup();
                self.assembler.add_document(item, context, report)?;
            }
        }
        if self.assembler.len() == 0 {
            return Ok(None);
        }
        let mut block = self.assembler.take(most);
        block.bytes = self.report.bytes - std::mem::replace(&mut self.told, self.report.bytes);
        Ok(Some(block))
    }

    fn total_bytes(&self) -> u64 {
        0
    }

    fn report(&self) -> ReadReport {
        self.report.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::{Alphabet, EncodedCorpus, encode};
    use crate::support::{Error, MemoryBudget};

    fn read(items: &[&str], each: usize, drop_duplicates: bool) -> Result<EncodedCorpus> {
        let memory = MemoryBudget::new(MemoryBudget::LEAST)?;
        let context = Context::new(Some(2), memory, None)?;
        let batches: Vec<TextBatch> =
            items.chunks(each).map(|chunk| chunk.iter().copied().collect()).collect();
        let mut batches = batches.into_iter();
        let options = DocumentOptions { drop_duplicates, ..DocumentOptions::default() };
        let source = TextItems::new(move |_: &Context| Ok(batches.next()), options);
        encode(Box::new(source), &Alphabet::default(), &context)
    }

    #[test]
    fn each_item_is_a_document_that_ends_in_a_break() {
        let long = "天地玄黄".repeat(500_000);
        let items = ["天", "", "地\n玄", "天", long.as_str(), " "];
        for each in [1, 2, 10] {
            let corpus = read(&items, each, false).unwrap();
            let whole = EncodedCorpus::from_texts(items, &Alphabet::default()).unwrap();
            assert_eq!(corpus.counts(), whole.counts());
            assert_eq!(corpus.counts()[0], 5);
            assert_eq!(corpus.report().documents, 4);
            let dropped = read(&items, each, true).unwrap();
            assert_eq!((dropped.counts()[0], dropped.report().duplicates), (4, 1));
        }
        assert_eq!(read(&[], 1, false).unwrap().parts(), 0);
    }

    #[test]
    fn failures_of_the_caller_come_back_untouched() {
        let context =
            Context::new(Some(2), MemoryBudget::new(MemoryBudget::LEAST).unwrap(), None).unwrap();
        let source = TextItems::new(
            |_: &Context| Err(Error::External("row 3".into())),
            DocumentOptions::default(),
        );
        let error = encode(Box::new(source), &Alphabet::default(), &context).unwrap_err();
        assert!(matches!(&error, Error::External(inner) if inner.to_string() == "row 3"));
    }
}
