//! The records of a knowledge base: lines of files, or the caller's items.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::record::Wrong;
use crate::corpus::{Input, TextBatch, open_input, read_error};
use crate::support::{Context, Error, Result, Stage};

/// Hands over batches of records until there are none.
pub type Pull<'p> = Box<dyn FnMut() -> Result<Option<TextBatch>> + Send + 'p>;

/// Where records come from.
pub enum Source<'p> {
    /// A record a line. Compression is recognised by the first bytes.
    Files(Vec<Input>),
    /// A record an item.
    Items(Pull<'p>),
}

/// Where a record comes from, for messages.
pub enum Place<'p> {
    /// A line of a file, from 1.
    Line(&'p Path, u64),
    /// An item, from 0.
    Item(u64),
}

impl Place<'_> {
    /// The error of a record that is `wrong`.
    pub fn error(&self, Wrong { rule, got }: &Wrong) -> Error {
        match self {
            Self::Line(path, number) => {
                Error::format(path, format!("line {number}: {rule}, got {got}"))
            }
            Self::Item(number) => Error::invalid(format!("source[{number}]"), rule, got),
        }
    }
}

/// How many lines are read between two looks whether to stop.
const PATIENCE: u64 = 256;

impl Source<'_> {
    /// Hands every record to `take`, in order, or what is wrong with it where it is not UTF-8; blank
    /// lines are left out.
    ///
    /// # Errors
    /// What `take` says; [`Error::Io`]; [`Error::Cancelled`].
    pub fn each(
        self,
        context: &Context,
        mut take: impl FnMut(Result<&str, Wrong>, Place<'_>) -> Result<()>,
    ) -> Result<()> {
        match self {
            Self::Files(inputs) => {
                let sizes: Option<Vec<u64>> = inputs.iter().map(Input::size).collect();
                let total = sizes.map_or(0, |sizes| sizes.iter().sum());
                context.progress().begin(Stage::Reading, total);
                inputs.iter().try_for_each(|input| each_line(input, context, &mut take))
            }
            Self::Items(mut pull) => {
                context.progress().begin(Stage::Reading, 0);
                let mut number = 0;
                while let Some(batch) = pull()? {
                    context.check()?;
                    for record in batch.iter() {
                        take(Ok(record), Place::Item(number))?;
                        number += 1;
                    }
                }
                Ok(())
            }
        }
    }
}

fn each_line(
    input: &Input,
    context: &Context,
    take: &mut impl FnMut(Result<&str, Wrong>, Place<'_>) -> Result<()>,
) -> Result<()> {
    let stored = Arc::new(AtomicU64::new(0));
    let place: PathBuf = input.place().into();
    let mut reader = BufReader::with_capacity(1 << 18, open_input(input, &stored, context)?);
    let (mut line, mut told) = (Vec::new(), 0);
    for number in 1.. {
        if number % PATIENCE == 0 {
            context.check()?;
            let read = stored.load(Ordering::Relaxed);
            context.progress().advance(read - std::mem::replace(&mut told, read));
        }
        line.clear();
        let bytes = reader
            .read_until(b'\n', &mut line)
            .map_err(|error| read_error(&place, "cannot read", error, context))?;
        if bytes == 0 {
            break;
        }
        let at = Place::Line(&place, number);
        let Ok(text) = simdutf8::basic::from_utf8(&line) else {
            let shown: String = String::from_utf8_lossy(&line).chars().take(80).collect();
            take(Err(Wrong::new("must be UTF-8", format!("{shown:?}"))), at)?;
            continue;
        };
        let text = if number == 1 { text.strip_prefix('\u{feff}').unwrap_or(text) } else { text };
        if !text.trim().is_empty() {
            take(Ok(text.trim_end()), at)?;
        }
    }
    context.progress().advance(stored.load(Ordering::Relaxed) - told);
    Ok(())
}
