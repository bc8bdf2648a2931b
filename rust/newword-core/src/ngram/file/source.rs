//! The identity of a counted source, for resuming.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde_json::{Value, json};
use xxhash_rust::xxh3::Xxh3;

use super::CountHeader;
use crate::support::{Context, Error, Result};

/// A counted source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountSource {
    /// The file, or a name for the stream.
    pub name: String,
    /// Its size in bytes as stored.
    pub bytes: u64,
    /// XXH3-128 of its bytes as stored, 32 hexadecimal digits; none for a source that cannot be read twice.
    pub digest: Option<String>,
}

/// The state of a source relative to a count file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceState {
    /// The file does not include it.
    New,
    /// The file includes the same bytes, under any name.
    Included,
    /// The file includes other bytes under this name: the source has changed.
    Changed,
}

impl CountSource {
    /// The entry of a file, which is read through. O(bytes), some gigabytes a second.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Cancelled`].
    pub fn of_file(path: &Path, context: &Context) -> Result<Self> {
        let wrong = |error| Error::io(path, "cannot read", error);
        let mut file = File::open(path).map_err(wrong)?;
        let (mut hasher, mut bytes, mut chunk) = (Xxh3::new(), 0, vec![0; 1 << 20]);
        loop {
            context.check()?;
            let read = file.read(&mut chunk).map_err(wrong)?;
            if read == 0 {
                break;
            }
            hasher.update(&chunk[..read]);
            bytes += read as u64;
        }
        let digest = Some(format!("{:032x}", hasher.digest128()));
        Ok(Self { name: path.display().to_string(), bytes, digest })
    }

    pub(super) fn to_json(&self) -> Value {
        let Self { name, bytes, digest } = self;
        json!({ "name": name, "bytes": bytes, "digest": digest })
    }

    pub(super) fn from_json(json: &Value) -> Option<Self> {
        Some(Self {
            name: json["name"].as_str()?.to_owned(),
            bytes: json["bytes"].as_u64()?,
            digest: json["digest"].as_str().map(ToOwned::to_owned),
        })
    }
}

impl CountHeader {
    /// How `source` stands to the sources of the file. Bytes are the same where their digests are; a
    /// source without a digest is new, because that cannot be determined. O(sources).
    pub fn state_of(&self, source: &CountSource) -> SourceState {
        let known = &self.meta.sources;
        if source.digest.is_none() {
            SourceState::New
        } else if known.iter().any(|old| old.digest == source.digest && old.bytes == source.bytes) {
            SourceState::Included
        } else if known.iter().any(|old| old.name == source.name) {
            SourceState::Changed
        } else {
            SourceState::New
        }
    }
}
