//! What parts do to the disk, each step by itself, so that tests can have the machine fail at every one of them. There the
//! machine also keeps account of what is durable, in place of the disk, which takes its time.
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

#[cfg(test)]
pub(super) mod faults;

/// Makes a directory and those it lies in, durably.
pub(super) fn create_directory(path: &Path) -> io::Result<()> {
    let missing: Vec<_> = path.ancestors().take_while(|path| !path.as_os_str().is_empty() && !path.exists()).collect();
    fs::create_dir_all(path)?;
    for directory in missing {
        match directory.parent() {
            Some(parent) if parent.as_os_str().is_empty() => sync_directory(&PathBuf::from("."))?,
            Some(parent) => sync_directory(parent)?,
            None => {}
        }
    }
    Ok(())
}

pub(super) fn create_new(path: &Path) -> io::Result<File> {
    #[cfg(test)]
    faults::step(faults::Op::Create(path))?;
    OpenOptions::new().write(true).create_new(true).open(path)
}

pub(super) fn write(file: &mut File, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let _ = path;
    #[cfg(test)]
    faults::step(faults::Op::Write(file, path, bytes))?;
    file.write_all(bytes)
}

pub(super) fn sync(file: &File, path: &Path) -> io::Result<()> {
    let _ = path;
    #[cfg(test)]
    faults::step(faults::Op::Sync(path))?;
    if cfg!(test) { Ok(()) } else { file.sync_all() }
}

pub(super) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    #[cfg(test)]
    faults::step(faults::Op::Rename(from, to))?;
    fs::rename(from, to)
}

pub(super) fn remove(path: &Path) -> io::Result<()> {
    #[cfg(test)]
    faults::step(faults::Op::Remove(path))?;
    fs::remove_file(path)
}

/// Copies the first `length` bytes, durably. What is there of the copy is overwritten.
pub(super) fn copy(from: &Path, to: &Path, length: u64) -> io::Result<()> {
    #[cfg(test)]
    faults::step(faults::Op::Create(to))?;
    let mut copy = File::create(to)?;
    if io::copy(&mut File::open(from)?.take(length), &mut copy)? < length {
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "what it is copied from has become shorter"));
    }
    sync(&copy, to)
}

/// Names are durable only when their directory is.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    #[cfg(test)]
    faults::step(faults::Op::SyncDirectory(directory))?;
    if cfg!(unix) && !cfg!(test) { File::open(directory)?.sync_all() } else { Ok(()) }
}
