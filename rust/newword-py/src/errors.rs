//! The core's errors as Python exceptions, one class per variant.

use std::io::ErrorKind;

use newword_core::support::Error;
use pyo3::exceptions::{PyKeyboardInterrupt, PyOSError};
use pyo3::prelude::*;

mod classes {
    // The macro writes the type objects' accessors, which are not called from outside.
    #![allow(missing_docs)]
    pyo3::import_exception!(newword.errors, CorpusError);
    pyo3::import_exception!(newword.errors, DecodeError);
    pyo3::import_exception!(newword.errors, FormatError);
    pyo3::import_exception!(newword.errors, InvalidArgumentError);
    pyo3::import_exception!(newword.errors, MemoryBudgetError);
}

use classes::{CorpusError, DecodeError, FormatError, InvalidArgumentError, MemoryBudgetError};

/// The exception for an invalid argument, found during conversion.
pub fn invalid(argument: &str, rule: &str, value: impl std::fmt::Display) -> PyErr {
    to_python(Error::invalid(argument, rule, value))
}

/// The exception for an error of the core. Every variant is named, so that a new one cannot be
/// forgotten here.
pub fn to_python(error: Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::InvalidArgument { .. } => InvalidArgumentError::new_err(message),
        Error::Corpus(_) => CorpusError::new_err(message),
        Error::Decode { .. } => DecodeError::new_err(message),
        Error::Format { .. } => FormatError::new_err(message),
        Error::Memory(_) => MemoryBudgetError::new_err(message),
        Error::Cancelled => PyKeyboardInterrupt::new_err(()),
        Error::Io { path, action, source } => match source.raw_os_error() {
            // Python picks the subclass (FileNotFoundError, PermissionError, ...) by the number.
            Some(code) => {
                let reason = source.to_string();
                let reason = reason.split(" (os error").next().unwrap_or_default();
                PyOSError::new_err((code, format!("{action}: {reason}"), path.into_os_string()))
            }
            None if matches!(source.kind(), ErrorKind::UnexpectedEof | ErrorKind::InvalidData) => {
                CorpusError::new_err(message)
            }
            None => PyOSError::new_err(message),
        },
        Error::External(inner) => match inner.downcast::<PyErr>() {
            Ok(raised) => *raised,
            Err(other) => CorpusError::new_err(other.to_string()),
        },
    }
}
