//! Files of arrays that are used where they lie: written once, mapped into memory, shared by all
//! processes that open them. `docs/segmenter-file.md` describes the bytes.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::marker::PhantomData;
use std::ops::{Deref, Range};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytemuck::Pod;
use memmap2::Mmap;
use serde_json::{Value, json};
use xxhash_rust::xxh3::xxh3_64;

use super::{Error, Result};

/// What a file is: its first bytes, and the version this code writes and reads.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// The first bytes.
    pub magic: [u8; 8],
    /// The version.
    pub version: u32,
    /// What to call such a file, as "segmenter".
    pub name: &'static str,
}

/// Arrays begin at multiples of this many bytes: a line of the cache, and enough for any number.
const ALIGNMENT: usize = 64;
/// Bytes before the header: magic, version, length and checksum of the header.
const PREFIX: usize = 20;
/// No honest header is longer.
const LONGEST_HEADER: usize = 1 << 20;

/// An array in the file.
#[derive(Debug, Clone)]
struct Entry {
    name: String,
    /// From the end of the header, rounded up.
    offset: u64,
    bytes: u64,
    /// CRC-32 of the bytes.
    crc: u32,
}

impl Entry {
    fn to_json(&self) -> Value {
        let Self { name, offset, bytes, crc } = self;
        json!({ "name": name, "offset": offset, "bytes": bytes, "crc": crc })
    }

    fn of_json(value: &Value) -> Option<Self> {
        let number = |name: &str| value.get(name)?.as_u64();
        let name = value.get("name")?.as_str()?.into();
        let crc = u32::try_from(number("crc")?).ok()?;
        Some(Self { name, offset: number("offset")?, bytes: number("bytes")?, crc })
    }
}

/// What an array holds, before it is written.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// Bytes in memory.
    Bytes(&'a [u8]),
    /// Bytes that memory need not hold.
    Spooled(&'a Spool),
}

impl Content<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            // Files are as long as a usize counts where they can be mapped.
            Self::Spooled(spool) => usize::try_from(spool.bytes).unwrap_or(usize::MAX),
        }
    }

    fn crc(&self) -> u32 {
        match self {
            Self::Bytes(bytes) => crc32fast::hash(bytes),
            Self::Spooled(spool) => spool.crc.clone().finalize(),
        }
    }

    fn write(&self, out: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Bytes(bytes) => out.write_all(bytes),
            Self::Spooled(spool) => spool.copy(out),
        }
    }
}

/// Bytes on their way into an array: an unlinked temporary file, which vanishes with the job.
#[derive(Debug)]
pub struct Spool {
    file: BufWriter<File>,
    /// The folder, for messages.
    folder: PathBuf,
    bytes: u64,
    crc: crc32fast::Hasher,
}

impl Spool {
    /// An empty one in `folder`.
    ///
    /// # Errors
    /// [`Error::Io`] naming the folder where no file can be made in it.
    pub fn create(folder: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder)
            .map_err(|error| Error::io(folder, "cannot create a temporary file in", error))?;
        let (file, folder) = (BufWriter::with_capacity(1 << 18, file), folder.into());
        Ok(Self { file, folder, bytes: 0, crc: crc32fast::Hasher::new() })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`Error::Io`] naming the folder, as when its disk is full.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.crc.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|error| self.failed(error))
    }

    /// How many bytes there are.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Ends the appending; needed before the bytes are written to a file of arrays.
    ///
    /// # Errors
    /// As [`Spool::append`].
    pub fn finish(&mut self) -> Result<()> {
        self.file.flush().map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::io(&self.folder, "cannot write a temporary file in", error)
    }

    fn copy(&self, out: &mut impl Write) -> io::Result<()> {
        let mut file = self.file.get_ref();
        file.rewind()?;
        let copied = io::copy(&mut file.take(self.bytes), out)?;
        if copied == self.bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// Writes `meta` and `arrays`, name and content each, into the new file `path`. O(bytes).
///
/// What is at `path` is written over: give a temporary name and rename it, since a file must not
/// change while it is mapped.
///
/// # Errors
/// [`Error::Io`].
pub fn write_arrays(
    path: &Path,
    format: Format,
    meta: &Value,
    arrays: &[(&str, Content<'_>)],
) -> Result<()> {
    if cfg!(target_endian = "big") {
        return Err(Error::format(path, "is written on little-endian machines only"));
    }
    let mut offset = 0;
    let entries = arrays.iter().map(|(name, content)| {
        let (name, bytes, crc) = ((*name).into(), content.len() as u64, content.crc());
        let entry = Entry { name, offset: offset as u64, bytes, crc };
        offset += content.len().next_multiple_of(ALIGNMENT);
        entry.to_json()
    });
    let entries: Vec<Value> = entries.collect();
    let header = json!({ "meta": meta, "arrays": entries }).to_string();
    let io = |error| Error::io(path, "cannot write", error);
    let mut out = BufWriter::new(File::create(path).map_err(io)?);
    let put = |content: Content<'_>, out: &mut BufWriter<File>| {
        content.write(out)?;
        let padding = content.len().next_multiple_of(ALIGNMENT) - content.len();
        out.write_all(&[0; ALIGNMENT][..padding])
    };
    put(Content::Bytes(&head(format, header.as_bytes())), &mut out).map_err(io)?;
    for (_, content) in arrays {
        put(*content, &mut out).map_err(io)?;
    }
    out.flush().map_err(io)
}

/// What stands before the arrays.
fn head(format: Format, header: &[u8]) -> Vec<u8> {
    let length = u32::try_from(header.len()).unwrap_or(u32::MAX);
    let mut head = format.magic.to_vec();
    head.extend(format.version.to_le_bytes());
    head.extend(length.to_le_bytes());
    let crc = checksum(&head, header);
    head.extend(crc.to_le_bytes());
    head.extend(header);
    head
}

fn checksum(head: &[u8], header: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(head);
    hasher.update(header);
    hasher.finalize()
}

/// An open file of arrays.
#[derive(Debug, Clone)]
pub struct ArrayFile(Arc<Mapped>);

#[derive(Debug)]
struct Mapped {
    path: PathBuf,
    file: File,
    map: Mmap,
    /// Where the arrays begin.
    base: usize,
    /// Of the header, which holds the checksums of everything else.
    fingerprint: u64,
    arrays: Vec<Entry>,
}

impl ArrayFile {
    /// Maps the file `path` and reads its `meta`. The header and the length of the file are checked,
    /// the arrays are not read. O(header).
    ///
    /// # Errors
    /// [`Error::Format`] where the file is no such file, of another version, cut short or damaged in
    /// its header; [`Error::Io`].
    pub fn open(path: &Path, format: Format) -> Result<(Self, Value)> {
        let io = |error| Error::io(path, "cannot read", error);
        let file = File::open(path).map_err(io)?;
        let metadata = file.metadata().map_err(io)?;
        if !metadata.is_file() {
            return Err(Error::format(path, format!("is no {} file", format.name)));
        }
        let map = map(&file).map_err(io)?;
        let header = read_head(&map, format).map_err(|wrong| Error::format(path, wrong))?;
        let fingerprint = xxh3_64(header);
        let damaged = || Error::format(path, DAMAGED);
        let mut json: Value = serde_json::from_slice(header).map_err(|_| damaged())?;
        let (meta, arrays) = (json["meta"].take(), json["arrays"].as_array());
        let arrays: Option<Vec<Entry>> =
            arrays.and_then(|arrays| arrays.iter().map(Entry::of_json).collect());
        let arrays = arrays.ok_or_else(damaged)?;
        let base = (PREFIX + header.len()).next_multiple_of(ALIGNMENT);
        let mut end = base as u64;
        for Entry { offset, bytes, .. } in &arrays {
            let start = offset.checked_add(base as u64).ok_or_else(damaged)?;
            let next = start.checked_add(*bytes).ok_or_else(damaged)?;
            if start % ALIGNMENT as u64 != 0 {
                return Err(damaged());
            }
            end = end.max(next.checked_next_multiple_of(ALIGNMENT as u64).ok_or_else(damaged)?);
        }
        if end != map.len() as u64 {
            let rule = format!("must have {end} bytes, got {}", map.len());
            return Err(Error::format(path, format!("{TRUNCATED}: {rule}")));
        }
        Ok((
            Self(Arc::new(Mapped { path: path.into(), file, map, base, fingerprint, arrays })),
            meta,
        ))
    }

    /// A number that two files have in common only where they hold the same.
    pub fn fingerprint(&self) -> u64 {
        self.0.fingerprint
    }

    /// The bytes of the file.
    pub fn bytes(&self) -> usize {
        self.0.map.len()
    }

    /// The array `name`, which must have `length` members where that is known.
    ///
    /// # Errors
    /// [`Error::Format`] where there is none, or of another length.
    pub fn array<T: Pod>(&self, name: &str, length: Option<usize>) -> Result<Array<T>> {
        let wrong = || self.damaged();
        let entry = self.0.arrays.iter().find(|entry| entry.name == name).ok_or_else(wrong)?;
        let range = self.0.range(entry);
        let is_whole = range.len().is_multiple_of(size_of::<T>());
        if !is_whole || length.is_some_and(|length| length != range.len() / size_of::<T>()) {
            return Err(wrong());
        }
        // Once, so that using the array need not be prepared for a failure.
        bytemuck::try_cast_slice::<u8, T>(&self.0.map[range.clone()]).map_err(|_| wrong())?;
        let (file, member) = (self.clone(), PhantomData);
        Ok(Array(Place::Mapped { file, range, member }))
    }

    /// The bytes of the array `name`, to be read in pieces and not mapped: of pages that are read, none
    /// counts as the memory of this process, of mapped ones 64 KB around every byte.
    ///
    /// # Errors
    /// As [`ArrayFile::array`].
    pub fn stored(&self, name: &str) -> Result<Stored> {
        let entry = self.0.arrays.iter().find(|entry| entry.name == name);
        let range = self.0.range(entry.ok_or_else(|| self.damaged())?);
        Ok(Stored { file: self.clone(), range })
    }

    /// As [`ArrayFile::array`], but read, checked against its checksum and kept in memory.
    ///
    /// # Errors
    /// As [`ArrayFile::array`], and where the checksum does not match.
    pub fn read<T: Pod>(&self, name: &str, length: Option<usize>) -> Result<Vec<T>> {
        let array = self.array(name, length)?;
        self.verify_array(name)?;
        Ok(array.to_vec())
    }

    /// Reads everything and compares it with the checksums. O(bytes).
    ///
    /// # Errors
    /// [`Error::Format`] where one does not match.
    pub fn verify(&self) -> Result<()> {
        self.0.arrays.iter().try_for_each(|entry| self.verify_array(&entry.name))
    }

    fn verify_array(&self, name: &str) -> Result<()> {
        let of_name = self.0.arrays.iter().filter(|entry| entry.name == name);
        for entry in of_name {
            if crc32fast::hash(&self.0.map[self.0.range(entry)]) != entry.crc {
                return Err(self.damaged());
            }
        }
        Ok(())
    }

    /// What a file is told that contradicts itself.
    pub fn damaged(&self) -> Error {
        Error::format(&self.0.path, DAMAGED)
    }
}

impl Mapped {
    fn range(&self, entry: &Entry) -> Range<usize> {
        // Opening checked that it lies in the file, whose length is a usize.
        let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
        let start = self.base + number(entry.offset);
        start..start + number(entry.bytes)
    }
}

/// Bytes in a file.
#[derive(Debug, Clone)]
pub struct Stored {
    file: ArrayFile,
    range: Range<usize>,
}

impl Stored {
    /// Replaces `bytes` by some of them. O(their number).
    ///
    /// # Errors
    /// [`Error::Format`] where there are none in `range`; [`Error::Io`].
    pub fn read(&self, range: Range<usize>, bytes: &mut Vec<u8>) -> Result<()> {
        let is_in = range.start <= range.end && range.end <= self.range.len();
        if !is_in {
            return Err(self.file.damaged());
        }
        let Mapped { path, file, map, .. } = &*self.file.0;
        let place = self.range.start + range.start..self.range.start + range.end;
        bytes.clear();
        bytes.resize(range.len(), 0);
        read_at(file, map, place, bytes).map_err(|error| Error::io(path, "cannot read", error))
    }
}

#[cfg(unix)]
fn read_at(file: &File, _: &Mmap, place: Range<usize>, bytes: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, place.start as u64)
}

/// Where a read moves a position that threads share.
#[cfg(not(unix))]
fn read_at(_: &File, map: &Mmap, place: Range<usize>, bytes: &mut [u8]) -> io::Result<()> {
    bytes.copy_from_slice(&map[place]);
    Ok(())
}

const DAMAGED: &str = "the file is damaged; copy or write it again";
const TRUNCATED: &str = "the file is cut short or too long; copy or write it again";

/// The header, once it is known to be whole and of this format.
fn read_head(bytes: &[u8], format: Format) -> Result<&[u8], String> {
    if cfg!(target_endian = "big") {
        return Err("is read on little-endian machines only".into());
    }
    if !bytes.starts_with(&format.magic) {
        return Err(format!("is no {} file", format.name));
    }
    let number = |at: usize| {
        let bytes = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
        bytes.map(u32::from_le_bytes).ok_or(TRUNCATED)
    };
    let (version, length, crc) = (number(8)?, number(12)? as usize, number(16)?);
    if version != format.version {
        let rule = format!("must be of version {}, got {version}", format.version);
        return Err(format!("{rule}; write it again"));
    }
    if length > LONGEST_HEADER {
        return Err(DAMAGED.into());
    }
    let header = bytes.get(PREFIX..PREFIX + length).ok_or(TRUNCATED)?;
    if checksum(&bytes[..PREFIX - 4], header) != crc {
        return Err(DAMAGED.into());
    }
    Ok(header)
}

#[allow(unsafe_code, reason = "no map of a file is safe: whoever writes to it changes it")]
fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: The file must not change while it is mapped. This package never writes into a file that
    // is there: it writes a new one and renames it, which leaves the mapped one as it is. That others
    // do not either is asked for where files are opened. Any bytes are valid: arrays hold numbers of
    // which every pattern of bits is one.
    unsafe { Mmap::map(file) }
}

/// Numbers that were made here or lie in a mapped file.
///
/// Looking which of the two costs some nanoseconds: loops take the slice first.
#[derive(Debug, Clone)]
pub struct Array<T>(Place<T>);

#[derive(Debug, Clone)]
enum Place<T> {
    Owned(Vec<T>),
    Mapped { file: ArrayFile, range: Range<usize>, member: PhantomData<T> },
}

impl<T> From<Vec<T>> for Array<T> {
    fn from(members: Vec<T>) -> Self {
        Self(Place::Owned(members))
    }
}

impl<T: Pod> Deref for Array<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        match &self.0 {
            Place::Owned(members) => members,
            // It was cast once before, and neither place nor length have changed.
            Place::Mapped { file, range, .. } => bytemuck::cast_slice(&file.0.map[range.clone()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMAT: Format = Format { magic: *b"\x89NWtest\0", version: 3, name: "test" };

    fn written(folder: &Path) -> PathBuf {
        let path = folder.join("a");
        let numbers = [1_u32, u32::MAX];
        let mut text = Spool::create(folder).unwrap();
        text.append(b"a").and_then(|()| text.append(b"bc")).and_then(|()| text.finish()).unwrap();
        let arrays = [
            ("numbers", Content::Bytes(bytemuck::cast_slice(&numbers))),
            ("none", Content::Bytes(&[])),
            ("text", Content::Spooled(&text)),
        ];
        write_arrays(&path, FORMAT, &json!("meta"), &arrays).unwrap();
        path
    }

    #[test]
    fn arrays_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let (file, meta) = ArrayFile::open(&path, FORMAT).unwrap();
        assert_eq!(meta, "meta");
        assert_eq!(*file.array::<u32>("numbers", Some(2)).unwrap(), [1, u32::MAX]);
        assert_eq!(file.read::<u8>("text", None).unwrap(), b"abc");
        let (stored, mut bytes) = (file.stored("text").unwrap(), Vec::new());
        stored.read(1..3, &mut bytes).unwrap();
        assert_eq!(bytes, b"bc");
        stored.read(3..3, &mut bytes).unwrap();
        assert!(bytes.is_empty() && stored.read(2..4, &mut bytes).is_err());
        assert!(file.stored("x").is_err());
        assert!(file.array::<u64>("none", Some(0)).unwrap().is_empty());
        assert!(file.verify().is_ok());
        assert!(file.array::<u32>("numbers", Some(3)).is_err());
        assert!(file.array::<u32>("text", None).is_err() && file.array::<u8>("x", None).is_err());
        // A mapped array outlives the name of the file.
        let numbers = file.array::<u32>("numbers", None).unwrap();
        drop(file);
        std::fs::remove_file(path).unwrap();
        assert_eq!(numbers[0], 1);
    }

    #[test]
    fn every_change_of_a_byte_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let bytes = std::fs::read(&path).unwrap();
        let is_right = |bytes: &[u8]| {
            let other = folder.path().join("b");
            std::fs::write(&other, bytes).unwrap();
            let opened = ArrayFile::open(&other, FORMAT);
            opened.and_then(|(file, _)| file.verify()).is_ok()
        };
        assert!(is_right(&bytes));
        let padding = |at: usize| {
            let (head, _) = bytes.split_at(at + 1);
            head.ends_with(b"\0") && at >= PREFIX
        };
        for at in 0..bytes.len() {
            let mut wrong = bytes.clone();
            wrong[at] ^= 0x20;
            // Zeros behind the header and the arrays mean nothing.
            assert!(!is_right(&wrong) || padding(at), "byte {at}");
        }
        for length in 0..bytes.len() {
            assert!(!is_right(&bytes[..length]), "{length} bytes");
        }
        assert!(!is_right(&[&bytes[..], &[0; ALIGNMENT]].concat()));
    }

    #[test]
    fn other_files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let message = |path: &Path, format| match ArrayFile::open(path, format) {
            Err(error) => error.to_string(),
            Ok(_) => String::new(),
        };
        let newer = Format { version: 4, ..FORMAT };
        assert!(message(&path, newer).contains("must be of version 4, got 3"));
        let other = Format { magic: [7; 8], ..FORMAT };
        assert!(message(&path, other).contains("is no test file"));
        assert!(message(folder.path(), FORMAT).contains(folder.path().to_str().unwrap()));
        assert!(matches!(
            ArrayFile::open(&folder.path().join("no"), FORMAT),
            Err(Error::Io { .. })
        ));
    }
}
