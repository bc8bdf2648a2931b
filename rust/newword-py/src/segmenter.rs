//! `Segmenter`: segmentation of single texts and of many.

use newword_core::corpus::Alphabet;
use newword_core::lexicon::{self, Numbers, SegmenterOptions};
use newword_core::support::hash::HashMap;
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString};

use crate::door::{Job, enter};
use crate::errors::{invalid, to_python};

/// Texts up to this many bytes are cut at once, longer ones without the interpreter.
const SHORT: usize = 1 << 15;

/// Cuts text with a lexicon or with what was learnt from a corpus.
#[pyclass(frozen, module = "newword._newword")]
pub struct Segmenter(pub lexicon::Segmenter);

#[pymethods]
impl Segmenter {
    /// A segmenter of maximum probability with `words` and their `counts`, uint64 (words,).
    #[new]
    fn new(words: Vec<String>, counts: PyReadonlyArray1<'_, u64>) -> PyResult<Self> {
        let counts = counts.as_array();
        if counts.len() != words.len() {
            let rule = format!("must have one count a word, {} in all", words.len());
            return Err(invalid("counts", &rule, counts.len()));
        }
        let entries = words.iter().zip(counts.iter().copied());
        // Full-width forms are looked up as what they stand for; the text itself stays as it is.
        let alphabet = Alphabet { nfkc: true, ..Alphabet::default() };
        let numbers = Numbers::Joined;
        let options = SegmenterOptions { alphabet, numbers, ..SegmenterOptions::default() };
        let segmenter = lexicon::Segmenter::new(entries, options);
        segmenter.map(Self).map_err(to_python)
    }

    /// The words of `text`; together they are the text.
    fn segment<'py>(&self, text: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyList>> {
        let py = text.py();
        let source = text.to_str()?;
        let words = if source.len() <= SHORT {
            self.0.segment(source)
        } else {
            enter(py, &Job::plain(Some(1)), None, |_, _| Ok(self.0.segment(source)))?
        };
        PyList::new(py, words.into_iter().map(|range| &source[range]))
    }

    /// The words of each of `texts`, on `threads` threads (all cores where None).
    fn segment_many<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<Bound<'py, PyString>>,
        threads: Option<usize>,
    ) -> PyResult<Bound<'py, PyList>> {
        let sources = texts.iter().map(|text| text.to_str()).collect::<PyResult<Vec<_>>>()?;
        let words = enter(py, &Job::plain(threads), None, |context, _| {
            self.0.segment_many(&sources, context)
        })?;
        let mut strings = Strings { py, made: HashMap::default() };
        let result = PyList::empty(py);
        for (source, ranges) in sources.iter().zip(words) {
            let words = ranges.into_iter().map(|range| strings.get(&source[range]));
            result.append(PyList::new(py, words)?)?;
        }
        Ok(result)
    }
}

/// Python strings, each made once: words recur, and a look-up costs less than an allocation.
struct Strings<'py, 's> {
    py: Python<'py>,
    made: HashMap<&'s str, Bound<'py, PyString>>,
}

impl<'py, 's> Strings<'py, 's> {
    fn get(&mut self, word: &'s str) -> Bound<'py, PyString> {
        let made = self.made.entry(word).or_insert_with(|| PyString::new(self.py, word));
        made.clone()
    }
}
