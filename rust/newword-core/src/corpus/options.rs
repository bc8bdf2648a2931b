//! How text is to be read from files.

use std::path::Path;

use crate::support::{Error, Result};

/// What the lines of a file are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Format {
    /// Each line that is not blank is a document.
    #[default]
    Text,
    /// Each line is a JSON object that holds a document.
    Jsonl {
        /// The name of the member that holds the text.
        field: String,
    },
    /// JSON lines in files whose name says so (`.jsonl`, `.ndjson`, compressed or not), text in all
    /// others.
    Auto {
        /// The name of the member that holds the text of a record.
        field: String,
    },
}

impl Format {
    /// Reads `"auto"`, `"text"` or `"jsonl"`; the field is used for records only.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] naming `format` or `field`.
    pub fn parse(format: &str, field: &str) -> Result<Self> {
        match format {
            "text" => Ok(Self::Text),
            "auto" | "jsonl" if field.is_empty() => {
                Err(Error::invalid("field", "must name a member of the records", "\"\""))
            }
            "jsonl" => Ok(Self::Jsonl { field: field.to_owned() }),
            "auto" => Ok(Self::Auto { field: field.to_owned() }),
            other => Err(Error::invalid(
                "format",
                "must be \"auto\", \"text\" or \"jsonl\"",
                format!("{other:?}"),
            )),
        }
    }

    /// The member that holds the text of a line of the file at `place`; `None` where a line is text.
    pub(super) fn field(&self, place: &Path) -> Option<&str> {
        match self {
            Self::Text => None,
            Self::Jsonl { field } => Some(field),
            Self::Auto { field } => {
                let name = place.file_name()?.to_string_lossy().to_ascii_lowercase();
                let bare = [".gz", ".zst", ".xz"].iter().find_map(|end| name.strip_suffix(end));
                let (_, extension) = bare.unwrap_or(&name).rsplit_once('.')?;
                matches!(extension, "jsonl" | "ndjson").then_some(field)
            }
        }
    }
}

/// How characters are written as bytes. A byte order mark at the start of a file overrides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8.
    #[default]
    Utf8,
    /// GB 18030, which includes GBK and GB 2312.
    Gb18030,
    /// Big5 with the Hong Kong supplement.
    Big5,
    /// UTF-16, little-endian.
    Utf16Le,
    /// UTF-16, big-endian.
    Utf16Be,
}

impl Encoding {
    /// The encoding in the terms of the decoder.
    pub(super) fn decoder(self) -> &'static encoding_rs::Encoding {
        match self {
            Self::Utf8 => encoding_rs::UTF_8,
            Self::Gb18030 => encoding_rs::GB18030,
            Self::Big5 => encoding_rs::BIG5,
            Self::Utf16Le => encoding_rs::UTF_16LE,
            Self::Utf16Be => encoding_rs::UTF_16BE,
        }
    }
}

impl std::str::FromStr for Encoding {
    type Err = Error;

    /// Reads the usual names, in any case. `utf-16` without a byte order mark is little-endian.
    fn from_str(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().replace('_', "-").as_str() {
            "utf-8" | "utf8" | "utf-8-sig" => Ok(Self::Utf8),
            "gb18030" | "gbk" | "gb2312" | "cp936" => Ok(Self::Gb18030),
            "big5" | "big5-hkscs" | "cp950" => Ok(Self::Big5),
            "utf-16" | "utf16" | "utf-16le" | "utf-16-le" => Ok(Self::Utf16Le),
            "utf-16be" | "utf-16-be" => Ok(Self::Utf16Be),
            _ => Err(Error::invalid(
                "encoding",
                "must be \"utf-8\", \"gb18030\", \"gbk\", \"gb2312\", \"big5\", \"utf-16\", \
                 \"utf-16le\" or \"utf-16be\"",
                format!("{name:?}"),
            )),
        }
    }
}

/// What to do with bytes that are not text in the declared encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnInvalid {
    /// Fail and name the file and the offset of the first.
    #[default]
    Error,
    /// Put U+FFFD, which breaks the text, and count.
    Replace,
    /// Leave out the whole line, and count. In JSON lines this goes for lines that are not JSON too.
    SkipLine,
}

impl std::str::FromStr for OnInvalid {
    type Err = Error;

    /// Reads `strict`, `replace`, `skip`.
    fn from_str(name: &str) -> Result<Self> {
        match name {
            "strict" | "error" => Ok(Self::Error),
            "replace" => Ok(Self::Replace),
            "skip" => Ok(Self::SkipLine),
            _ => Err(Error::invalid(
                "errors",
                "must be \"strict\", \"replace\" or \"skip\"",
                format!("{name:?}"),
            )),
        }
    }
}

/// How text is to be read from files.
///
/// `drop_duplicates`, [`OnInvalid::SkipLine`] and [`Format::Jsonl`] work on whole lines and so take
/// the memory of the longest; plain reading takes the same for lines of any length.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// What the lines are.
    pub format: Format,
    /// How characters are written as bytes.
    pub encoding: Encoding,
    /// What to do with bytes that are not text.
    pub on_invalid: OnInvalid,
    /// Whether a document that came before is left out. Documents are compared by a hash of 128
    /// bits, 16 to 32 bytes of memory each.
    pub drop_duplicates: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_whether_its_lines_are_records() {
        let auto = Format::parse("auto", "t").unwrap();
        for (name, expected) in [
            ("a/b.jsonl", Some("t")),
            ("b.NDJSON.gz", Some("t")),
            ("b.jsonl.zst", Some("t")),
            ("b.txt", None),
            ("jsonl", None),
            ("b.jsonl.txt", None),
        ] {
            assert_eq!(auto.field(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn names_are_read_and_wrong_ones_named() {
        assert_eq!("GBK".parse::<Encoding>().unwrap(), Encoding::Gb18030);
        assert_eq!("utf_16_be".parse::<Encoding>().unwrap(), Encoding::Utf16Be);
        assert_eq!("skip".parse::<OnInvalid>().unwrap(), OnInvalid::SkipLine);
        assert_eq!(Format::parse("text", "").unwrap(), Format::Text);
        let message = |error: Error| error.to_string();
        assert!(message("latin-9".parse::<Encoding>().unwrap_err()).starts_with("encoding: "));
        assert!(message("no".parse::<OnInvalid>().unwrap_err()).starts_with("errors: "));
        assert!(message(Format::parse("csv", "a").unwrap_err()).starts_with("format: "));
        assert!(message(Format::parse("jsonl", "").unwrap_err()).starts_with("field: "));
    }
}
