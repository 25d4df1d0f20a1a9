//! The real storage: one directory of the file system.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use norace_prim::rand;

use super::{Access, Storage, StorageFile};

/// A directory of the file system. `std` alone: positioned reads and writes, `fdatasync`, and an advisory lock that
/// the system releases when its process ends, however it ends.
#[derive(Debug, Clone)]
pub struct DirStorage {
    path: PathBuf,
}

impl DirStorage {
    /// The directory `path`, made durably with its parents when it does not exist.
    ///
    /// # Errors
    ///
    /// When it cannot be made or synced, or is no directory.
    pub fn create(path: impl Into<PathBuf>) -> io::Result<Self> {
        let storage = Self { path: path.into() };
        create_durably(&storage.path)?;
        storage.checked()
    }

    /// The directory `path`, which must exist.
    ///
    /// # Errors
    ///
    /// When it does not exist or is no directory.
    pub fn existing(path: impl Into<PathBuf>) -> io::Result<Self> {
        Self { path: path.into() }.checked()
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn checked(self) -> io::Result<Self> {
        if fs::metadata(&self.path)?.is_dir() {
            Ok(self)
        } else {
            Err(io::ErrorKind::NotADirectory.into())
        }
    }
}

/// Creates `path` with its parents; each new name is durable before the next is made inside it.
fn create_durably(path: &Path) -> io::Result<()> {
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => return Ok(()),
    };
    if path.exists() {
        return Ok(());
    }
    create_durably(parent)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(parent)?.sync_all()
}

impl Storage for DirStorage {
    type File = File;
    type Lock = File;

    fn lock(&self, name: &str) -> io::Result<Option<File>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.path.join(name))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            // A name that is no UTF-8 is none of ours.
            names.extend(entry?.file_name().into_string().ok());
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<File> {
        OpenOptions::new()
            .create(true)
            .truncate(true)
            .read(true)
            .write(true)
            .open(self.path.join(name))
    }

    fn open(&self, name: &str, access: Access) -> io::Result<File> {
        let write = access == Access::Write;
        OpenOptions::new().read(true).write(write).open(self.path.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.path)?.sync_all()
    }

    fn fresh_id(&self) -> u64 {
        rand::next_u64()
    }
}

impl StorageFile for File {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        FileExt::read_exact_at(self, buffer, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }

    fn bytes(&self) -> io::Result<u64> {
        self.metadata().map(|metadata| metadata.len())
    }
}
