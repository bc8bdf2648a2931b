//! The errors of this crate. The binding maps each variant to one Python class.

use std::io;
use std::path::{Path, PathBuf};

/// The result of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error. Its message names the argument or the place, the rule and the value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An argument is invalid.
    #[error("{argument}: {rule}, got {value}")]
    InvalidArgument {
        /// The name of the argument, as the user wrote it.
        argument: String,
        /// The rule that it must meet.
        rule: String,
        /// The invalid value.
        value: String,
    },
    /// The corpus cannot be used: it is empty, too short, or contains no text.
    #[error("{0}")]
    Corpus(String),
    /// Bytes are invalid in the declared encoding.
    #[error(
        "{place}: byte {offset}: not valid {encoding} ({detail}); pass errors=\"replace\" or errors=\"skip\", or name the right encoding"
    )]
    Decode {
        /// The file, or a name for the stream.
        place: String,
        /// The offset of the first invalid byte in the (decompressed) file.
        offset: u64,
        /// The declared encoding.
        encoding: String,
        /// The invalid bytes.
        detail: String,
    },
    /// A file of this package (counts, lexicon) is invalid, or does not match.
    #[error("{path}: {message}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        message: String,
    },
    /// An operation of the operating system failed.
    #[error("{path}: {action}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The failed operation, such as "cannot read".
        action: &'static str,
        /// The error of the system.
        source: io::Error,
    },
    /// The memory budget is too small for the data that must be in memory at once.
    #[error("memory: {0}")]
    Memory(String),
    /// The job was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// An error of the caller's source of text, returned unchanged.
    #[error("{0}")]
    External(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// An error for an argument that does not meet `rule`.
    pub fn invalid(
        argument: impl Into<String>,
        rule: impl Into<String>,
        value: impl std::fmt::Display,
    ) -> Self {
        Self::InvalidArgument {
            argument: argument.into(),
            rule: rule.into(),
            value: value.to_string(),
        }
    }

    /// An error for a failed operation on `path`.
    pub fn io(path: impl AsRef<Path>, action: &'static str, source: io::Error) -> Self {
        Self::Io { path: path.as_ref().to_path_buf(), action, source }
    }

    /// An error for an invalid file.
    pub fn format(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Self::Format { path: path.as_ref().to_path_buf(), message: message.into() }
    }
}
