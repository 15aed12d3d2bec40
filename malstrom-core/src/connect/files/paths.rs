//! From what the user wrote to the list of files: a file, a directory or a glob.
use crate::error::{Error, Result};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Component, Path, PathBuf};

/// A file as a unit of reading.
///
/// A restored job knows a file again by its path: as the source was given it, without `.` and double slashes. So a job may
/// move with its files if the path is relative, or stay if it is absolute; under another path, all files are new.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FileSplit {
    /// Its path, relative if the source's path was.
    pub path: String,
}

crate::record_by_fields!(FileSplit { path: String });

/// The files that `path` stands for, sorted. All of them can be opened; there is at least one.
pub(super) fn splits(path: &Path) -> Result<Vec<FileSplit>> {
    let mut files = match fs::metadata(path) {
        Ok(about) if about.is_dir() => in_directory(path)?,
        Ok(_) => vec![path.to_path_buf()],
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => by_pattern(path)?,
        Err(cause) => return Err(Error::file("read", path)(cause)),
    };
    files.sort();
    files.into_iter().map(split).collect()
}

fn split(path: PathBuf) -> Result<FileSplit> {
    // A job should fail before it starts, not in an hour. Opening a pipe would wait for its writer.
    if fs::metadata(&path).map_err(Error::file("read", &path))?.is_file() {
        File::open(&path).map_err(Error::file("open", &path))?;
    }
    match plain(&path).into_os_string().into_string() {
        Ok(path) => Ok(FileSplit { path }),
        Err(path) => {
            Err(cannot_read(Path::new(&path), io::ErrorKind::InvalidInput, "its name is not UTF-8: rename it"))
        }
    }
}

/// Two ways to write the same path must not make two splits of a file.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|part| *part != Component::CurDir).collect()
}

fn in_directory(directory: &Path) -> Result<Vec<PathBuf>> {
    let failed = |cause| Error::file("read", directory)(cause);
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if !path.file_name().is_some_and(is_hidden) && !path.is_dir() {
            files.push(path);
        }
    }
    if files.is_empty() {
        let why = "the directory has no files to read (those whose name starts with `.` or `_` are skipped, and so are \
                   directories in it)";
        return Err(cannot_read(directory, io::ErrorKind::NotFound, why));
    }
    Ok(files)
}

fn by_pattern(path: &Path) -> Result<Vec<PathBuf>> {
    let Some(pattern) = path.to_str().filter(|text| text.contains(['*', '?', '['])) else {
        return Err(missing(path));
    };
    let found = glob::glob(pattern)
        .map_err(|error| Error::Config(format!("`{pattern}` is not a pattern for files: {error}")))?;
    // `*/part-*` means no hidden names, `_*/part-*` does for one of its two.
    let wanted = hidden_names(path);
    let mut files = Vec::new();
    for path in found {
        let path = path.map_err(|error| {
            let path = error.path().to_path_buf();
            Error::file("read", path)(error.into())
        })?;
        if hidden_names(&path) <= wanted && !path.is_dir() {
            files.push(path);
        }
    }
    if files.is_empty() {
        let why = format!("no file matches the pattern{}", from_where(path));
        return Err(cannot_read(path, io::ErrorKind::NotFound, &why));
    }
    Ok(files)
}

fn missing(path: &Path) -> Error {
    let why = if path.as_os_str().is_empty() {
        "the path is empty".to_owned()
    } else {
        format!("there is no such file or directory{}", from_where(path))
    };
    cannot_read(path, io::ErrorKind::NotFound, &why)
}

/// A relative path is half of an answer to "where did you look?".
fn from_where(path: &Path) -> String {
    match std::env::current_dir() {
        Ok(here) if path.is_relative() => format!(" (looked from `{}`)", here.display()),
        _ => String::new(),
    }
}

fn is_hidden(name: &OsStr) -> bool {
    matches!(name.as_encoded_bytes().first(), Some(b'.' | b'_'))
}

fn hidden_names(path: &Path) -> usize {
    path.components().filter(|part| matches!(part, Component::Normal(name) if is_hidden(name))).count()
}

fn cannot_read(path: &Path, kind: io::ErrorKind, why: &str) -> Error {
    Error::file("read", path)(io::Error::new(kind, why))
}
