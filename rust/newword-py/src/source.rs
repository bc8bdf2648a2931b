//! The caller's corpus as a text source of the core.

use std::path::Path;

use newword_core::corpus::{
    DocumentOptions, Encoding, FileSource, Format, ReadOptions, TextItems, TextSource, expand,
};
use newword_core::ngram::{CountSource, Remaining, remaining};
use newword_core::support::{Context, Result};
use pyo3::prelude::*;

use crate::arrow::Column;
use crate::door::Caller;
use crate::errors::{invalid, to_python};
use crate::items::Items;

/// The caller's corpus, as `newword._source` describes it.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Source<'py> {
    kind: String,
    data: Bound<'py, PyAny>,
    format: String,
    field: String,
    encoding: String,
    errors: String,
    strip_html: bool,
}

/// What the core pulls its text from.
type Text = Box<dyn TextSource>;

/// A corpus that is ready to be read without the interpreter, but for the items that its thread
/// hands over.
pub enum Opened {
    /// Paths and globs, not looked at yet.
    Paths(Vec<String>, ReadOptions),
    /// An iterable; what is done with its items.
    Items(DocumentOptions),
    /// An Arrow stream; what is done with its strings.
    Arrow(Column, DocumentOptions),
}

impl Source<'_> {
    /// Checks the description. The iterable, if there is one, stays with the caller's thread.
    pub fn open(&self, drop_duplicates: bool) -> PyResult<(Opened, Option<Items>)> {
        // Checked for every kind, so that a misspelt name never passes in silence.
        self.encoding.parse::<Encoding>().map_err(to_python)?;
        let documents = DocumentOptions { drop_duplicates, strip_html: self.strip_html };
        match self.kind.as_str() {
            "paths" => {
                let options = self.read_options(documents).map_err(to_python)?;
                Ok((Opened::Paths(self.data.extract()?, options), None))
            }
            "texts" => Ok((Opened::Items(documents), Some(Items::new(&self.data)?))),
            "arrow" => {
                let column = Column::new(&self.data, &self.field)?;
                Ok((Opened::Arrow(column, documents), None))
            }
            other => Err(invalid("corpus", "must be paths, texts or an Arrow stream", other)),
        }
    }

    fn read_options(&self, documents: DocumentOptions) -> Result<ReadOptions> {
        Ok(ReadOptions {
            format: Format::parse(&self.format, &self.field)?,
            encoding: self.encoding.parse()?,
            on_invalid: self.errors.parse()?,
            documents,
        })
    }
}

impl Opened {
    /// The text that the count file `existing` does not hold yet, `None` where it holds all of it,
    /// and the entries for its list of sources.
    pub fn remaining(
        self,
        existing: Option<&Path>,
        caller: Caller,
        context: &Context,
    ) -> Result<(Option<Text>, Vec<CountSource>)> {
        let Self::Paths(paths, options) = self else {
            let unnamed = CountSource { name: "<texts>".into(), bytes: 0, digest: None };
            return Ok((Some(self.text(caller)?), vec![unnamed]));
        };
        let Remaining { inputs, sources } = remaining(existing, expand(paths)?, context)?;
        let source = || Box::new(FileSource::new(inputs, options)) as Text;
        Ok(((!sources.is_empty()).then(source), sources))
    }

    /// What the core pulls its text from.
    pub fn text(self, caller: Caller) -> Result<Text> {
        Ok(match self {
            Self::Paths(paths, options) => Box::new(FileSource::new(expand(paths)?, options)),
            Self::Items(documents) => {
                Box::new(TextItems::new(move |_: &_| caller.refill(), documents))
            }
            Self::Arrow(mut column, documents) => {
                Box::new(TextItems::new(move |_: &_| column.next_batch(), documents))
            }
        })
    }
}
