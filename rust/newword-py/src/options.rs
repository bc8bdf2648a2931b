//! Converts dictionaries of options, validated by `newword.discovery`, to the core's types.

use newword_core::corpus::{Alphabet, RunMode};
use newword_core::support::{Error, Result};
use pyo3::prelude::*;

/// Which characters form symbols.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub struct AlphabetOptions {
    letters: String,
    digits: String,
    nfkc: bool,
    skip_variation_selectors: bool,
}

impl AlphabetOptions {
    /// The alphabet as a string, which count files compare before merging.
    pub fn name(&self) -> String {
        let Self { letters, digits, nfkc, skip_variation_selectors } = self;
        let selectors = if *skip_variation_selectors { " variation_selectors=skip" } else { "" };
        format!("letters={letters} digits={digits} nfkc={nfkc}{selectors}")
    }

    /// The core's alphabet.
    pub fn alphabet(&self) -> Result<Alphabet> {
        Ok(Alphabet {
            letters: run_mode("letters", &self.letters)?,
            digits: run_mode("digits", &self.digits)?,
            nfkc: self.nfkc,
            skip_variation_selectors: self.skip_variation_selectors,
        })
    }
}

fn run_mode(argument: &str, value: &str) -> Result<RunMode> {
    match value {
        "unit" => Ok(RunMode::Unit),
        "characters" => Ok(RunMode::Characters),
        "break" => Ok(RunMode::Break),
        other => Err(Error::invalid(
            argument,
            "must be \"unit\", \"characters\" or \"break\"",
            format!("{other:?}"),
        )),
    }
}
