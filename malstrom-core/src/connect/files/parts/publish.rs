//! Publishes parts: after a commit, and after a failure what was committed before it.
//!
//! A crash may come between any two of these steps, and they are then done again from the start, so each first looks whether
//! it was done.
use super::disk;
use super::name::Name;
use super::staged::{Staged, StagedPart};
use crate::error::{Error, Result};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Publishes a finished part. The directory is then to be synchronized.
pub(super) fn finished(directory: &Path, extension: &str, part: &StagedPart) -> Result<()> {
    let (hidden, public) = paths(directory, extension, part);
    match length(&hidden)? {
        // It is published, and what was hidden has its name.
        None => is_published(&hidden, &public, part),
        Some(found) if found == part.length => rename(&hidden, &public, part),
        Some(found) => Err(wrong_length(&hidden, found, part)),
    }
}

/// Publishes what the snapshot has of a part that was not finished.
fn beginning(directory: &Path, extension: &str, term: u64, part: &StagedPart) -> Result<()> {
    if part.length == 0 {
        return Ok(());
    }
    let (hidden, public) = paths(directory, extension, part);
    if length(&public)?.is_some() {
        return is_published(&hidden, &public, part);
    }
    let Some(found) = length(&hidden)? else { return is_published(&hidden, &public, part) };
    if found < part.length {
        return Err(wrong_length(&hidden, found, part));
    }
    // Copied, not cut: a worker of a former attempt that hangs somewhere may still have the file open, and write to it.
    let copy = directory.join(Name { term, ..part.name }.hidden(extension));
    disk::copy(&hidden, &copy, part.length).map_err(Error::file("write to", &copy))?;
    rename(&copy, &public, part)
}

/// Publishes what a snapshot has of all workers, and removes what lower terms have left besides.
pub(super) fn restore(directory: &Path, extension: &'static str, term: u64, staged: &[Vec<u8>]) -> Result<()> {
    let staged = staged.iter().map(|bytes| Staged::decode(bytes)).collect::<Result<Vec<_>>>()?;
    let parts = || staged.iter().flat_map(|staged| staged.parts.iter().map(|part| (staged.extension, part)));
    if let Some((_, part)) = parts().find(|(_, part)| part.name.term >= term) {
        return Err(Error::Config(format!(
            "the snapshot has a part of term {}, and the job has term {term}, which must be higher",
            part.name.term
        )));
    }
    for (extension, part) in parts() {
        if part.open { beginning(directory, extension, term, part) } else { finished(directory, extension, part) }?;
    }
    // What is removed next must not be what a lost rename would bring back as missing.
    disk::sync_directory(directory).map_err(Error::file("write to", directory))?;
    let mut extensions = vec![extension];
    extensions.extend(staged.iter().map(|staged| staged.extension).filter(|other| *other != extension));
    leftovers(directory, &extensions, term)
}

/// Removes all that is hidden and of a lower term.
fn leftovers(directory: &Path, extensions: &[&str], term: u64) -> Result<()> {
    let failed = |cause| Error::file("read", directory)(cause);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let file = entry.map_err(failed)?.file_name();
        let Some(file) = file.to_str() else { continue };
        let old = |extension: &&str| Name::of_hidden(file, extension).is_some_and(|name| name.term < term);
        if extensions.iter().any(old) {
            let path = directory.join(file);
            match disk::remove(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(Error::file("remove", path)(error));
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn paths(directory: &Path, extension: &str, part: &StagedPart) -> (PathBuf, PathBuf) {
    (directory.join(part.name.hidden(extension)), directory.join(part.name.public(extension)))
}

/// How long a file is, if it is there.
fn length(path: &Path) -> Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(about) => Ok(Some(about.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::file("read", path)(error)),
    }
}

fn rename(hidden: &Path, public: &Path, part: &StagedPart) -> Result<()> {
    if length(public)?.is_some() {
        let why =
            "a file of this name is there already, and is not overwritten: move it elsewhere, and start the job again";
        return Err(failed(public, io::ErrorKind::AlreadyExists, why.into()));
    }
    match disk::rename(hidden, public) {
        // A worker of a former attempt may have heard of the commit as well.
        Err(error) if error.kind() == io::ErrorKind::NotFound => is_published(hidden, public, part),
        done => done.map_err(Error::file("publish", public)),
    }
}

fn is_published(hidden: &Path, public: &Path, part: &StagedPart) -> Result<()> {
    match length(public)? {
        Some(found) if found == part.length => Ok(()),
        Some(found) => Err(wrong_length(public, found, part)),
        None => {
            let why = format!(
                "it is not there, and neither is `{}`, of which the snapshot has {} bytes: if it was taken away after it was \
                 published, put it back until the job has started; if the sink had another directory, move all files with it",
                hidden.display(),
                part.length,
            );
            Err(failed(public, io::ErrorKind::NotFound, why))
        }
    }
}

fn wrong_length(path: &Path, found: u64, part: &StagedPart) -> Error {
    let why = format!(
        "it has {found} bytes where the snapshot has {}: it was changed, or the job went on after this snapshot; restore the \
         newest snapshot, or put the file back as it was",
        part.length,
    );
    failed(path, io::ErrorKind::InvalidData, why)
}

fn failed(path: &Path, kind: io::ErrorKind, why: String) -> Error {
    Error::file("publish", path)(io::Error::new(kind, why))
}
