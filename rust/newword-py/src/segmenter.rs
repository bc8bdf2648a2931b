//! `Segmenter`: segmentation of single texts and of many.

use std::convert::Infallible;
use std::path::PathBuf;

use newword_core::corpus::Alphabet;
use newword_core::lexicon;
use newword_core::segmentation::{self, Cuts, Entries, Numbers, SegmenterOptions};
use newword_core::support::{Context, Workers};
use numpy::PyReadonlyArray1;
use numpy::ndarray::ArrayView1;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

use crate::door::{Job, enter};
use crate::errors::{invalid, to_python};
use crate::strings::{NoCollection, Strings, utf8};
use crate::words::Words;

/// Texts up to this many bytes are cut at once, longer ones without the interpreter.
const SHORT: usize = 1 << 15;

/// A lexicon of fewer words is built at once, a larger one without the interpreter.
const FEW: usize = 1 << 12;

/// Segments text with a lexicon or a model trained on a corpus.
#[pyclass(frozen, module = "newword._newword")]
pub struct Segmenter {
    core: segmentation::Segmenter,
    strings: Strings,
}

struct CountedWords<'w> {
    words: &'w lexicon::Words,
    counts: ArrayView1<'w, u64>,
}

impl Entries for CountedWords<'_> {
    fn len(&self) -> usize {
        self.words.len()
    }

    fn word(&self, at: usize) -> &str {
        self.words.get(at)
    }

    fn count(&self, at: usize) -> u64 {
        self.counts[at]
    }
}

#[pymethods]
impl Segmenter {
    /// A segmenter of maximum probability with `words` and their `counts`, uint64 (words,).
    #[new]
    fn new(
        py: Python<'_>,
        words: &Bound<'_, Words>,
        counts: PyReadonlyArray1<'_, u64>,
    ) -> PyResult<Self> {
        let (words, counts) = (words.get().core(), counts.as_array());
        if counts.len() != words.len() {
            let rule = format!("must have one count a word, {} in all", words.len());
            return Err(invalid("counts", &rule, counts.len()));
        }
        let entries = CountedWords { words, counts };
        // Full-width forms and variants are looked up as what they stand for; the text itself stays
        // as it is.
        let alphabet =
            Alphabet { nfkc: true, skip_variation_selectors: true, ..Alphabet::default() };
        let numbers = Numbers::Joined;
        let options = SegmenterOptions { alphabet, numbers, ..SegmenterOptions::default() };
        let build =
            |workers: &Workers<'_>| segmentation::Segmenter::of_entries(&entries, options, workers);
        if words.len() < FEW {
            return build(&Workers::caller()).map(Self::from).map_err(to_python);
        }
        let build_on_all = |context: &Context| build(&Workers::kept(None)?.stopped_by(context));
        enter(py, &Job::plain(Some(1)), None, |context, _| build_on_all(context)).map(Self::from)
    }

    /// The segmenter in the file `path`, mapped; `verify` reads all of it and checks it.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf, verify: bool) -> PyResult<Self> {
        if !verify {
            // Shorter than it takes to start a thread.
            let segmenter = segmentation::Segmenter::open(&path, false);
            return segmenter.map(Self::from).map_err(to_python);
        }
        enter(py, &Job::plain(Some(1)), None, |_, _| segmentation::Segmenter::open(&path, true))
            .map(Self::from)
    }

    /// Writes the segmenter into the file `path`.
    fn save(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        enter(py, &Job::plain(Some(1)), None, |_, _| self.core.save(&path))
    }

    /// The words of `text`; together they are the text.
    fn segment<'py>(&self, text: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyList>> {
        let py = text.py();
        let source = utf8(text, || ("text", "the text".into()))?;
        let words = if source.len() <= SHORT {
            let Ok(words) = self.core.cut(source, || Ok::<_, Infallible>(()));
            words
        } else {
            let one = Job::plain(Some(1));
            enter(py, &one, None, |context, _| self.core.cut(source, || context.check()))?
        };
        self.strings.lend(py, self.core.ids()).list(source, &words)
    }

    /// The words of each of `texts`, on `threads` threads (all cores where None).
    fn segment_many<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<Bound<'py, PyString>>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyList>> {
        let source = |(at, text)| utf8(text, || ("texts", format!("item {at}")));
        let sources = texts.iter().enumerate().map(source).collect::<PyResult<Vec<_>>>()?;
        let cuts = enter(py, &Job::plain(threads), None, |context, _| {
            self.core.cut_many(&sources, context)
        })?;
        let mut lists = self.strings.lend(py, self.core.ids());
        let _paused = NoCollection::new(py)?;
        let result = PyList::empty(py);
        for (source, words) in sources.iter().zip(cuts.iter().flat_map(Cuts::texts)) {
            result.append(lists.list(source, words)?)?;
        }
        Ok(result)
    }
}

impl From<segmentation::Segmenter> for Segmenter {
    fn from(core: segmentation::Segmenter) -> Self {
        Self { core, strings: Strings::default() }
    }
}
