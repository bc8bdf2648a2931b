//! A file without a name that holds what memory cannot. It vanishes with the job, however it ends.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use bytemuck::Pod;

use super::{Error, Result};

/// An unlinked temporary file, appended to by one thread and read by many.
#[derive(Debug)]
pub(crate) struct SpillFile {
    file: File,
    /// The folder, for messages.
    folder: PathBuf,
    length: u64,
    /// One position is shared by all readers where the system has no positional read.
    #[cfg(not(unix))]
    position: std::sync::Mutex<()>,
}

impl SpillFile {
    /// An empty file in `folder`.
    ///
    /// # Errors
    /// [`Error::Io`] naming the folder where no file can be made in it.
    pub(crate) fn create(folder: &Path) -> Result<Self> {
        let file = tempfile::tempfile_in(folder)
            .map_err(|error| Error::io(folder, "cannot create a temporary file in", error))?;
        Ok(Self {
            file,
            folder: folder.to_path_buf(),
            length: 0,
            #[cfg(not(unix))]
            position: std::sync::Mutex::default(),
        })
    }

    /// The folder that the file is in, for messages.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Appends `values` and returns where they start, in bytes.
    ///
    /// # Errors
    /// [`Error::Io`] naming the folder, as when its disk is full.
    pub(crate) fn append<T: Pod>(&mut self, values: &[T]) -> Result<u64> {
        let start = self.length;
        let bytes: &[u8] = bytemuck::cast_slice(values);
        io::Write::write_all(&mut self.file, bytes)
            .map_err(|error| Error::io(&self.folder, "cannot write a temporary file in", error))?;
        self.length += bytes.len() as u64;
        Ok(start)
    }

    /// Fills `values` from byte `start`. Threads may read at the same time.
    ///
    /// # Errors
    /// [`Error::Io`] naming the folder.
    pub(crate) fn read<T: Pod>(&self, start: u64, values: &mut [T]) -> Result<()> {
        self.read_bytes(start, bytemuck::cast_slice_mut(values))
            .map_err(|error| Error::io(&self.folder, "cannot read a temporary file in", error))
    }

    #[cfg(unix)]
    fn read_bytes(&self, start: u64, bytes: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.file, bytes, start)
    }

    #[cfg(not(unix))]
    fn read_bytes(&self, start: u64, bytes: &mut [u8]) -> io::Result<()> {
        use io::{Read, Seek};
        let _alone = self.position.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        (&self.file).seek(io::SeekFrom::Start(start))?;
        (&self.file).read_exact(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appended_data_are_read_back() {
        let mut file = SpillFile::create(&std::env::temp_dir()).unwrap();
        assert_eq!(file.append(&[1_u16, 2, 3]).unwrap(), 0);
        assert_eq!(file.append(&[7_u32]).unwrap(), 6);
        let (mut short, mut long) = ([0_u16; 2], [0_u32; 1]);
        file.read(2, &mut short).unwrap();
        file.read(6, &mut long).unwrap();
        assert_eq!((short, long), ([2, 3], [7]));
        assert!(file.read(8, &mut long).is_err());
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = SpillFile::create(Path::new("/no/such/folder")).unwrap_err();
        assert!(error.to_string().starts_with("/no/such/folder: "), "{error}");
    }
}
