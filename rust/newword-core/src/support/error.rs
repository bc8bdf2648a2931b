//! Everything that can go wrong, by kind. The binding maps each variant to one Python class.

use std::io;
use std::path::{Path, PathBuf};

/// The result of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. A message names the argument or the place, the rule and the value.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An argument breaks its rule.
    #[error("{argument}: {rule}, got {value}")]
    InvalidArgument {
        /// The name of the argument, as the user wrote it.
        argument: String,
        /// What it must be.
        rule: String,
        /// What it was.
        value: String,
    },
    /// The corpus as a whole cannot be used: it is empty, too short, or holds no text.
    #[error("{0}")]
    Corpus(String),
    /// Bytes that are not text in the declared encoding.
    #[error(
        "{place}: byte {offset}: not valid {encoding} ({detail}); pass errors=\"replace\" or errors=\"skip\", or name the right encoding"
    )]
    Decode {
        /// The file, or a name for the stream.
        place: String,
        /// Where in the (decompressed) file the first bad byte lies.
        offset: u64,
        /// The declared encoding.
        encoding: String,
        /// The bytes at fault.
        detail: String,
    },
    /// A file of this package (counts, lexicon) that cannot be read as such, or does not fit.
    #[error("{path}: {message}")]
    Format {
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        message: String,
    },
    /// The operating system refused.
    #[error("{path}: {action}: {source}")]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done, as "cannot read".
        action: &'static str,
        /// The reason the system gave.
        source: io::Error,
    },
    /// The memory budget cannot hold what must be held at once.
    #[error("memory: {0}")]
    Memory(String),
    /// The user asked to stop.
    #[error("cancelled")]
    Cancelled,
    /// A failure of the caller's own source of text, handed back untouched.
    #[error("{0}")]
    External(Box<dyn std::error::Error + Send + Sync>),
}

impl Error {
    /// An argument that breaks `rule`.
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

    /// An operation on `path` that the system refused.
    pub fn io(path: impl AsRef<Path>, action: &'static str, source: io::Error) -> Self {
        Self::Io { path: path.as_ref().to_path_buf(), action, source }
    }

    /// A file that is not what it should be.
    pub fn format(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Self::Format { path: path.as_ref().to_path_buf(), message: message.into() }
    }
}
