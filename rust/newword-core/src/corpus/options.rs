//! Options for reading text from files.

use std::path::Path;

use crate::support::{Error, Result};

/// The format of a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Format {
    /// Each line that is not blank is a document.
    #[default]
    Text,
    /// Each line is a JSON object that holds a document.
    Jsonl {
        /// The name of the member that holds the text; with dots, where no member has that very
        /// name, the names on the way to it.
        field: String,
    },
    /// Comma-separated values with a header (RFC 4180). A row is a document.
    Csv {
        /// The name of the column that holds the text.
        field: String,
    },
    /// Tab-separated values with a header. Quotes are ordinary characters.
    Tsv {
        /// The name of the column that holds the text.
        field: String,
    },
    /// The format of the extension without that of the compression: JSON lines (`.jsonl`, `.ndjson`), `.csv`, `.tsv`,
    /// and text in all others.
    Auto {
        /// The name of the member or column that holds the text of a record.
        field: String,
    },
}

/// What the lines of one file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lines<'f> {
    Text,
    /// JSON objects with this member.
    Records(&'f str),
    /// Rows under a header with this column.
    Rows(&'f str, Dialect),
}

/// How the fields of a row are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Csv,
    Tsv,
}

impl Format {
    /// Reads `"auto"`, `"text"`, `"jsonl"`, `"csv"` or `"tsv"`; the field is not used for text.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] naming `format` or `field`.
    pub fn parse(format: &str, field: &str) -> Result<Self> {
        match format {
            "text" => Ok(Self::Text),
            "auto" | "jsonl" | "csv" | "tsv" if field.is_empty() => {
                Err(Error::invalid("field", "must name a member or a column", "\"\""))
            }
            "jsonl" => Ok(Self::Jsonl { field: field.to_owned() }),
            "csv" => Ok(Self::Csv { field: field.to_owned() }),
            "tsv" => Ok(Self::Tsv { field: field.to_owned() }),
            "auto" => Ok(Self::Auto { field: field.to_owned() }),
            other => Err(Error::invalid(
                "format",
                "must be \"auto\", \"text\", \"jsonl\", \"csv\" or \"tsv\"",
                format!("{other:?}"),
            )),
        }
    }

    /// What the lines of the file at `place` are.
    pub(super) fn lines(&self, place: &Path) -> Lines<'_> {
        match self {
            Self::Text => Lines::Text,
            Self::Jsonl { field } => Lines::Records(field),
            Self::Csv { field } => Lines::Rows(field, Dialect::Csv),
            Self::Tsv { field } => Lines::Rows(field, Dialect::Tsv),
            Self::Auto { field } => match bare_extension(place).as_deref() {
                Some("jsonl" | "ndjson") => Lines::Records(field),
                Some("csv") => Lines::Rows(field, Dialect::Csv),
                Some("tsv") => Lines::Rows(field, Dialect::Tsv),
                _ => Lines::Text,
            },
        }
    }
}

/// The extension of a file in lower case, that of its compression left out.
pub(super) fn bare_extension(place: &Path) -> Option<String> {
    let name = place.file_name()?.to_string_lossy().to_ascii_lowercase();
    let bare = [".gz", ".zst", ".xz"].iter().find_map(|end| name.strip_suffix(end));
    let (_, extension) = bare.unwrap_or(&name).rsplit_once('.')?;
    Some(extension.to_owned())
}

/// The encoding of text. A byte order mark at the start of a file overrides it.
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

/// Handling of bytes that are invalid in the declared encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnInvalid {
    /// Return an error with the file and the offset of the first.
    #[default]
    Error,
    /// Replace with U+FFFD, which breaks the text, and count.
    Replace,
    /// Skip the whole line, and count. This also applies to lines that are not JSON, and to rows
    /// that lack the column or hold U+FFFD.
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

/// Preprocessing of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DocumentOptions {
    /// Drop duplicate documents. Documents are compared by a hash of 128 bits, 16 to
    /// 32 bytes of memory each.
    pub drop_duplicates: bool,
    /// Remove HTML: tags, comments, scripts, entities, and URLs and e-mail addresses.
    pub strip_html: bool,
}

/// Options for reading text from files.
///
/// [`DocumentOptions`], [`OnInvalid::SkipLine`] and all formats but text work on whole lines or rows
/// and so take the memory of the longest; plain reading takes the same for lines of any length.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// What the lines are.
    pub format: Format,
    /// How characters are written as bytes.
    pub encoding: Encoding,
    /// What to do with bytes that are not text.
    pub on_invalid: OnInvalid,
    /// What is done with documents.
    pub documents: DocumentOptions,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_whether_its_lines_are_records() {
        let auto = Format::parse("auto", "t").unwrap();
        for (name, expected) in [
            ("a/b.jsonl", Lines::Records("t")),
            ("b.NDJSON.gz", Lines::Records("t")),
            ("b.jsonl.zst", Lines::Records("t")),
            ("b.Csv.xz", Lines::Rows("t", Dialect::Csv)),
            ("b.tsv", Lines::Rows("t", Dialect::Tsv)),
            ("b.txt", Lines::Text),
            ("jsonl", Lines::Text),
            ("b.jsonl.txt", Lines::Text),
        ] {
            assert_eq!(auto.lines(Path::new(name)), expected, "{name}");
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
        assert!(message(Format::parse("xml", "a").unwrap_err()).starts_with("format: "));
        assert!(message(Format::parse("jsonl", "").unwrap_err()).starts_with("field: "));
    }
}
