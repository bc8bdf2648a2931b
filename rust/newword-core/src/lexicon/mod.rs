//! Word lists in memory, and reading them from dictionaries.

mod dictionary;
mod distinct;
mod words;

pub(crate) use dictionary::is_space;
pub use dictionary::{Dictionary, LineError, read_dictionary};
pub use words::Words;
