//! Decodes the bytes of one file to text, chunk by chunk.

use std::fmt::Write;
use std::path::PathBuf;

use encoding_rs::DecoderResult;

use super::ReadReport;
use super::guess::{SAMPLE, guess};
use super::options::{Encoding, OnInvalid};
use crate::support::{Error, Result};

/// Decodes one file. Chunks may end anywhere, also within a character.
pub(super) struct Decoder {
    /// The file, for messages.
    place: PathBuf,
    declared: Encoding,
    on_invalid: OnInvalid,
    form: Form,
    /// Bytes decoded so far.
    offset: u64,
    /// Whether the rest of the line is skipped.
    skipping: bool,
    /// What a foreign encoding was just decoded into.
    scratch: String,
}

enum Form {
    /// The first bytes, which may be a byte order mark, have not come yet.
    Unknown,
    Utf8,
    Other(Box<encoding_rs::Decoder>),
}

impl Decoder {
    pub(super) fn new(place: PathBuf, declared: Encoding, on_invalid: OnInvalid) -> Self {
        Self {
            place,
            declared,
            on_invalid,
            form: Form::Unknown,
            offset: 0,
            skipping: false,
            scratch: String::new(),
        }
    }

    /// Decodes `raw`, appends the text to `out` and leaves in `raw` what needs more bytes to be a
    /// character (less than four). `last` says that no more will come. Where lines with bad bytes
    /// are skipped, `out` must still hold the line from its start. O(n).
    ///
    /// # Errors
    /// [`Error::Decode`] with the offset of the first bad byte, where those are errors.
    pub(super) fn decode(
        &mut self,
        raw: &mut Vec<u8>,
        last: bool,
        out: &mut String,
        report: &mut ReadReport,
    ) -> Result<()> {
        let mut used = 0;
        if matches!(self.form, Form::Unknown) {
            if raw.len() < 4 && !last {
                return Ok(());
            }
            used = self.begin(raw);
            if used == 0 && matches!(self.form, Form::Utf8) {
                self.check_zeros(raw)?;
            }
        }
        used += match std::mem::replace(&mut self.form, Form::Utf8) {
            Form::Other(mut decoder) => {
                let outcome =
                    self.decode_other(&mut decoder, &raw[used..], used, last, out, report);
                self.form = Form::Other(decoder);
                outcome?;
                raw.len() - used
            }
            Form::Unknown | Form::Utf8 => {
                self.decode_utf8(&raw[used..], used, last, out, report)?
            }
        };
        self.offset += used as u64;
        raw.drain(..used);
        Ok(())
    }

    /// Settles the encoding from the first bytes; the length of the byte order mark.
    fn begin(&mut self, raw: &[u8]) -> usize {
        let declared = self.declared.decoder();
        let (encoding, mark) = encoding_rs::Encoding::for_bom(raw).unwrap_or_else(|| {
            let mark = if raw.starts_with(&[0x84, 0x31, 0x95, 0x33]) { 4 } else { 0 };
            (declared, if declared == encoding_rs::GB18030 { mark } else { 0 })
        });
        self.form = if encoding == encoding_rs::UTF_8 {
            Form::Utf8
        } else {
            Form::Other(Box::new(encoding.new_decoder_without_bom_handling()))
        };
        mark
    }

    /// Refuses ASCII text in UTF-16 without a byte order mark, which is valid UTF-8: every other byte
    /// is zero.
    fn check_zeros(&self, raw: &[u8]) -> Result<()> {
        let sample = &raw[..raw.len().min(SAMPLE)];
        let zeros = memchr::memchr_iter(0, sample).count();
        match memchr::memchr(0, sample) {
            Some(first) if 4 * zeros > sample.len() && self.on_invalid == OnInvalid::Error => {
                let tail = &sample[first..];
                Err(self.error("UTF-8", first as u64, tail, &tail[..1]))
            }
            _ => Ok(()),
        }
    }

    /// Decodes bytes that start `skipped` bytes after the offset; how many were used.
    fn decode_utf8(
        &mut self,
        raw: &[u8],
        skipped: usize,
        last: bool,
        out: &mut String,
        report: &mut ReadReport,
    ) -> Result<usize> {
        let mut at = 0;
        loop {
            let error = match simdutf8::compat::from_utf8(&raw[at..]) {
                Ok(text) => {
                    self.push(text, out);
                    return Ok(raw.len());
                }
                Err(error) => error,
            };
            let valid = error.valid_up_to();
            if let Ok(text) = simdutf8::basic::from_utf8(&raw[at..at + valid]) {
                self.push(text, out);
            }
            at += valid;
            let bad = match error.error_len() {
                Some(length) => length,
                None if last => raw.len() - at,
                None => return Ok(at),
            };
            let start = self.offset + (skipped + at) as u64;
            self.bad("UTF-8", start, &raw[at..], bad, out, report)?;
            at += bad;
        }
    }

    fn decode_other(
        &mut self,
        decoder: &mut encoding_rs::Decoder,
        raw: &[u8],
        skipped: usize,
        last: bool,
        out: &mut String,
        report: &mut ReadReport,
    ) -> Result<()> {
        let mut at = 0;
        loop {
            let mut scratch = std::mem::take(&mut self.scratch);
            scratch.clear();
            scratch.reserve(
                decoder
                    .max_utf8_buffer_length_without_replacement(raw.len() - at)
                    .unwrap_or_default(),
            );
            let (result, read) =
                decoder.decode_to_string_without_replacement(&raw[at..], &mut scratch, last);
            at += read;
            self.push(&scratch, out);
            self.scratch = scratch;
            match result {
                DecoderResult::InputEmpty => return Ok(()),
                DecoderResult::OutputFull => {}
                DecoderResult::Malformed(length, after) => {
                    let end = self.offset + (skipped + at) as u64 - u64::from(after);
                    // The first of them may have come with the chunk before.
                    let shown = at.saturating_sub(usize::from(after));
                    let first = shown.saturating_sub(usize::from(length));
                    let name = decoder.encoding().name();
                    let start = end - u64::from(length);
                    self.bad(name, start, &raw[first..], shown - first, out, report)?;
                }
            }
        }
    }

    /// Appends text, less the rest of a line being skipped.
    fn push(&mut self, mut text: &str, out: &mut String) {
        if self.skipping {
            let Some(end) = memchr::memchr(b'\n', text.as_bytes()) else { return };
            self.skipping = false;
            text = &text[end + 1..];
        }
        out.push_str(text);
    }

    /// Deals with the first `count` of `bytes`, which are bad.
    fn bad(
        &mut self,
        encoding: &str,
        offset: u64,
        bytes: &[u8],
        count: usize,
        out: &mut String,
        report: &mut ReadReport,
    ) -> Result<()> {
        match self.on_invalid {
            OnInvalid::Error => {
                return Err(self.error(encoding, offset, bytes, &bytes[..count]));
            }
            OnInvalid::Replace => {
                report.replaced += 1;
                out.push(char::REPLACEMENT_CHARACTER);
            }
            OnInvalid::SkipLine if self.skipping => {}
            OnInvalid::SkipLine => {
                report.skipped += 1;
                self.skipping = true;
                out.truncate(memchr::memrchr(b'\n', out.as_bytes()).map_or(0, |end| end + 1));
            }
        }
        Ok(())
    }

    /// The failure to read the bytes `bad` at `offset`, with what the bytes there may be.
    fn error(&self, encoding: &str, offset: u64, bytes: &[u8], bad: &[u8]) -> Error {
        let mut detail = String::from("bytes");
        for byte in bad {
            // Writing to a string cannot fail.
            let _ = write!(detail, " {byte:02X}");
        }
        if let Some(name) = guess(bytes, offset % 2 == 1) {
            let _ = write!(detail, ", which read like encoding=\"{name}\"");
        }
        Error::Decode {
            place: self.place.display().to_string(),
            offset,
            encoding: encoding.to_owned(),
            detail,
        }
    }
}
