//! `KnowledgeBase`: building, look-ups and matches in texts.

use std::path::PathBuf;

use newword_core::corpus::expand;
use newword_core::linking::{
    self, BuildOptions, Entity, Mode, Normalization, Pull, Schema, Source,
};
use newword_core::support::Result;
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

use crate::door::{Caller, Job, enter, enter_briefly};
use crate::errors::{invalid, to_python};
use crate::items::Items;
use crate::strings::utf8;

/// How a base is built.
#[allow(clippy::struct_excessive_bools, reason = "independent options, as Python has them")]
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct Options {
    schema: String,
    skip_invalid: bool,
    strip_brackets: bool,
    fold_case: bool,
    fold_width: bool,
}

impl Options {
    fn build(&self) -> Result<BuildOptions> {
        let &Self { skip_invalid, strip_brackets, fold_case, fold_width, .. } = self;
        let normalization = Normalization { strip_brackets, fold_case, fold_width };
        Ok(BuildOptions { schema: self.schema.parse()?, normalization, skip_invalid })
    }
}

/// Where records come from: paths, or an iterable of JSON objects as `str`.
#[derive(FromPyObject)]
pub struct Records<'py>(String, Bound<'py, PyAny>);

/// Records that can be read without the interpreter, but for the items that its thread hands over.
enum Opened {
    Paths(Vec<String>),
    Items,
}

impl Records<'_> {
    fn open(&self) -> PyResult<(Opened, Option<Items>)> {
        match self.0.as_str() {
            "paths" => Ok((Opened::Paths(self.1.extract()?), None)),
            _ => Ok((Opened::Items, Some(Items::new(&self.1)?))),
        }
    }
}

impl Opened {
    fn source(self, caller: Caller) -> Result<Source<'static>> {
        Ok(match self {
            Self::Paths(paths) => Source::Files(expand(paths)?),
            Self::Items => Source::Items(Box::new(move || caller.refill()) as Pull<'_>),
        })
    }
}

/// Entities and their names in a mapped file.
#[pyclass(frozen, module = "newword._newword")]
pub struct KnowledgeBase(linking::KnowledgeBase);

/// Some of the names of a knowledge base.
#[pyclass(frozen, module = "newword._newword")]
pub struct NameSet(linking::NameSet);

/// How many records were left out, and what is wrong with the first.
type Skips = (u64, Option<String>);

/// The fields of `newword.linking.Entity`.
type Fields = (String, String, Vec<String>, Vec<String>, Vec<(String, String)>);

/// Texts' numbers of matches added up, int64 (texts + 1,), and starts and ends, int64 (matches,).
type Spans<'py> = (Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>, Bound<'py, PyArray1<i64>>);

/// Units of work of a look-up, and of a row that is read.
const LOOK_UP: usize = 100;
const ROW: usize = 1000;

#[pymethods]
impl KnowledgeBase {
    /// Writes the base of `records` into the file `path`.
    #[staticmethod]
    fn build(
        py: Python<'_>,
        records: Records<'_>,
        path: PathBuf,
        options: Options,
        job: Job,
    ) -> PyResult<Skips> {
        let options = options.build().map_err(to_python)?;
        let (opened, items) = records.open()?;
        let linking::Skipped { count, first } = enter(py, &job, items, |context, caller| {
            linking::KnowledgeBase::build(opened.source(caller)?, &path, options, context)
        })?;
        Ok((count, first))
    }

    /// Writes this base with `records` behind its own into the file `path`.
    fn add(
        &self,
        py: Python<'_>,
        records: Records<'_>,
        path: PathBuf,
        schema: &str,
        skip_invalid: bool,
        job: Job,
    ) -> PyResult<Skips> {
        let schema: Schema = schema.parse().map_err(to_python)?;
        let (opened, items) = records.open()?;
        let linking::Skipped { count, first } = enter(py, &job, items, |context, caller| {
            self.0.add(opened.source(caller)?, &path, schema, skip_invalid, context)
        })?;
        Ok((count, first))
    }

    /// The base in the file `path`, mapped; `verify` reads all of it and checks it.
    #[staticmethod]
    fn open(py: Python<'_>, path: PathBuf, verify: bool) -> PyResult<Self> {
        if !verify {
            // Shorter than it takes to start a thread.
            return linking::KnowledgeBase::open(&path, false).map(Self).map_err(to_python);
        }
        enter(py, &Job::plain(Some(1)), None, |_, _| linking::KnowledgeBase::open(&path, true))
            .map(Self)
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// Sizes, how names are compared, and the fingerprint.
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let linking::Summary { entities, names, ambiguous_names, most_candidates, bytes } =
            self.0.summary();
        let Normalization { strip_brackets, fold_case, fold_width } = self.0.normalization();
        let summary = PyDict::new(py);
        summary.set_item("entities", entities)?;
        summary.set_item("names", names)?;
        summary.set_item("ambiguous_names", ambiguous_names)?;
        summary.set_item("most_candidates", most_candidates)?;
        summary.set_item("bytes", bytes)?;
        summary.set_item("strip_brackets", strip_brackets)?;
        summary.set_item("fold_case", fold_case)?;
        summary.set_item("fold_width", fold_width)?;
        summary.set_item("fingerprint", format!("{:016x}", self.0.fingerprint()))?;
        Ok(summary)
    }

    /// The number of the entity with an id; None for other strings.
    fn find(&self, id: &Bound<'_, PyString>) -> Option<usize> {
        // What is no text is no id.
        id.to_str().ok().and_then(|id| self.0.find(id))
    }

    /// The ids of the entities `start` to `end`.
    fn ids<'py>(&self, py: Python<'py>, start: usize, end: usize) -> PyResult<Bound<'py, PyList>> {
        let ids = (start..end).map(|number| self.0.id(number).map_err(to_python));
        PyList::new(py, ids.collect::<PyResult<Vec<&str>>>()?)
    }

    /// The entity of a number.
    fn entity(&self, number: usize) -> PyResult<Fields> {
        let Entity { id, name, aliases, types, attributes } =
            self.0.entity(number).map_err(to_python)?;
        Ok((id, name, aliases, types, attributes))
    }

    /// The texts of the entities with these ids.
    fn texts(&self, py: Python<'_>, ids: Vec<Bound<'_, PyString>>) -> PyResult<Vec<String>> {
        let number = |id: &Bound<'_, PyString>| {
            let rule = "must be ids of the knowledge base";
            self.find(id).ok_or_else(|| invalid("ids", rule, format!("{id:?}")))
        };
        let numbers = ids.iter().map(number).collect::<PyResult<Vec<usize>>>()?;
        enter_briefly(py, None, ROW * numbers.len(), |workers| {
            let pieces = numbers.chunks(64).collect();
            let texts = |numbers: &[usize]| {
                numbers.iter().map(|number| self.0.text(*number)).collect::<Result<Vec<String>>>()
            };
            Ok(workers.map(pieces, texts)?.into_iter().flatten().collect())
        })
    }

    /// The ids of the entities that go by each of `names`.
    fn candidates_many<'py>(
        &self,
        py: Python<'py>,
        names: Vec<Bound<'py, PyString>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let names = sources(&names, "names")?;
        let found = enter_briefly(py, None, LOOK_UP * names.len(), |workers| {
            workers.check()?;
            let ids = |name: &&str| -> Result<Vec<&str>> {
                let numbers = self.0.candidates(name);
                numbers.iter().map(|number| self.0.id(*number as usize)).collect()
            };
            names.iter().map(ids).collect::<Result<Vec<Vec<&str>>>>()
        })?;
        PyList::new(py, found)
    }

    /// The key under which a name is found.
    fn normalize(&self, name: &Bound<'_, PyString>) -> PyResult<String> {
        Ok(self.0.normalization().key(utf8(name, || ("name", "the name".into()))?))
    }

    /// The set of those of `names` that the base has.
    fn name_set(&self, py: Python<'_>, names: Vec<Bound<'_, PyString>>) -> PyResult<NameSet> {
        let names = sources(&names, "names")?;
        enter_briefly(py, Some(1), LOOK_UP * names.len(), |_| {
            Ok(NameSet(self.0.name_set(names.iter().copied())))
        })
    }

    /// The set of all names that are not in a set.
    fn complement(&self, py: Python<'_>, names: &Bound<'_, NameSet>) -> PyResult<NameSet> {
        let names = &names.get().0;
        enter_briefly(py, Some(1), self.0.len(), |_| Ok(NameSet(self.0.complement(names)?)))
    }

    /// Whether a name is in a set.
    fn contains(&self, names: &Bound<'_, NameSet>, name: &Bound<'_, PyString>) -> PyResult<bool> {
        let Ok(name) = name.to_str() else { return Ok(false) };
        self.0.contains(&names.get().0, name).map_err(to_python)
    }

    /// The matches in each of `texts`, on `threads` threads (all cores where None).
    fn match_many<'py>(
        &self,
        py: Python<'py>,
        texts: Vec<Bound<'py, PyString>>,
        mode: &str,
        names: Option<&Bound<'py, NameSet>>,
        threads: Option<usize>,
    ) -> PyResult<Spans<'py>> {
        let mode: Mode = mode.parse().map_err(to_python)?;
        let texts = sources(&texts, "texts")?;
        let names = names.map(|names| &names.get().0);
        let bytes: usize = texts.iter().map(|text| text.len()).sum();
        let (offsets, starts, ends) = enter_briefly(py, threads, 2 * bytes, |workers| {
            let matches = self.0.matches(&texts, mode, names, workers)?;
            let (mut offsets, mut before) = (vec![0], 0_i64);
            for some in &matches {
                // More than an i64 counts do not fit into memory.
                let end = |end: &usize| before + i64::try_from(*end).unwrap_or(i64::MAX);
                offsets.extend(some.ends.iter().map(end));
                before = offsets.last().copied().unwrap_or(0);
            }
            let spans = || matches.iter().flat_map(|some| &some.spans);
            let starts: Vec<i64> = spans().map(|span| span[0].into()).collect();
            Ok((offsets, starts, spans().map(|span| span[1].into()).collect::<Vec<i64>>()))
        })?;
        Ok((offsets.into_pyarray(py), starts.into_pyarray(py), ends.into_pyarray(py)))
    }
}

#[pymethods]
impl NameSet {
    fn __len__(&self) -> usize {
        self.0.len()
    }
}

/// The texts of strings; `argument` names them.
fn sources<'t>(
    strings: &'t [Bound<'_, PyString>],
    argument: &'static str,
) -> PyResult<Vec<&'t str>> {
    let source = |(at, string)| utf8(string, || (argument, format!("item {at}")));
    strings.iter().enumerate().map(source).collect()
}
