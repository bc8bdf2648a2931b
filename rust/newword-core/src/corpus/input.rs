//! Opens inputs: plain or compressed files, pipes, standard input.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::paths::Input;
use crate::support::{Context, Error, Result};

/// Opens `input` and decompresses it where its first bytes say so, whatever its name. Bytes taken
/// from it, as stored, are added to `stored`. Reading from a pipe or a terminal ends with an error
/// soon after the job was cancelled.
///
/// # Errors
/// [`Error::Io`] naming the file.
pub(crate) fn open(
    input: &Input,
    stored: &Arc<AtomicU64>,
    context: &Context,
) -> Result<Box<dyn Read + Send>> {
    let place = input.place();
    let fail = |error| Error::io(place, "cannot open", error);
    let file = match input {
        Input::Stdin => stdin().map_err(fail)?,
        Input::File(path) => open_file(path).map_err(fail)?,
    };
    let regular = file.metadata().map_err(fail)?.is_file();
    let waits_for = (!regular).then(|| context.clone());
    let mut reader = Stored { file, waits_for, taken: Arc::clone(stored) };
    let mut head = Vec::new();
    (&mut reader)
        .take(6)
        .read_to_end(&mut head)
        .map_err(|error| read_error(place, "cannot read", error, context))?;
    decompress(head, reader).map_err(|error| read_error(place, "cannot decompress", error, context))
}

/// The failure to read a file, or the wish to stop if that was the cause.
pub(crate) fn read_error(
    place: &Path,
    action: &'static str,
    error: io::Error,
    context: &Context,
) -> Error {
    if context.check().is_err() { Error::Cancelled } else { Error::io(place, action, error) }
}

fn decompress(head: Vec<u8>, reader: Stored) -> io::Result<Box<dyn Read + Send>> {
    let kind = Kind::of(&head);
    let whole = Cursor::new(head).chain(reader);
    let buffered = |whole| BufReader::with_capacity(128 << 10, whole);
    Ok(match kind {
        Kind::Plain => Box::new(whole),
        Kind::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered(whole))),
        Kind::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(buffered(whole))?),
        Kind::Xz => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(buffered(whole))),
    })
}

enum Kind {
    Plain,
    Gzip,
    Zstd,
    Xz,
}

impl Kind {
    /// Detects the compression from the first bytes.
    fn of(head: &[u8]) -> Self {
        match head {
            [0x1F, 0x8B, 8, ..] => Self::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Self::Zstd,
            [0xFD, b'7', b'z', b'X', b'Z', 0] => Self::Xz,
            _ => Self::Plain,
        }
    }
}

/// A file that reports its position and can be cancelled while it waits for data.
struct Stored {
    file: File,
    /// The job to ask while waiting; none for regular files, which do not keep one waiting.
    waits_for: Option<Context>,
    taken: Arc<AtomicU64>,
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(context) = &self.waits_for {
                wait(&self.file, context)?;
            }
            match self.file.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                outcome => {
                    let count = outcome?;
                    self.taken.fetch_add(count as u64, Ordering::Relaxed);
                    return Ok(count);
                }
            }
        }
    }
}

/// Waits until `file` has something to read or has ended.
#[cfg(unix)]
fn wait(file: &File, context: &Context) -> io::Result<()> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let tenth = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    loop {
        context.check().map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(file, PollFlags::IN)], Some(&tenth)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(not(unix))]
fn wait(_: &File, context: &Context) -> io::Result<()> {
    context.check().map_err(io::Error::other)
}

/// The standard input without the buffer of the standard library, which hides bytes from a poll.
#[cfg(unix)]
fn stdin() -> io::Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

#[cfg(windows)]
fn stdin() -> io::Result<File> {
    use std::os::windows::io::AsHandle;
    Ok(File::from(io::stdin().as_handle().try_clone_to_owned()?))
}

/// Opens a file; a pipe without waiting for its writer, which [`wait`] does.
#[cfg(unix)]
fn open_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = File::options();
    options.read(true);
    let kind = std::fs::metadata(path)?;
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    if !kind.is_file() {
        let flag = rustix::fs::OFlags::NONBLOCK.bits();
        options.custom_flags(i32::try_from(flag).map_err(io::Error::other)?);
    }
    options.open(path)
}

#[cfg(not(unix))]
fn open_file(path: &Path) -> io::Result<File> {
    File::open(path)
}
