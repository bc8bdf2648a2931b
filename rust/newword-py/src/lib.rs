//! `newword._newword`: the core for Python. Types are converted here, nothing is computed.

mod arrow;
mod door;
mod errors;
mod source;

use pyo3::prelude::*;

/// The compiled core of `newword`; use the functions of `newword` instead.
#[pymodule]
fn _newword(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    Ok(())
}
