//! Reads sources to their end, for tests.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic)]
use malstrom_core::{Emit, Read, Result, Source, SplitReader};
use std::path::PathBuf;
use tempfile::TempDir;

/// What a source emitted.
#[derive(Debug)]
pub struct Collected<T, E> {
    pub records: Vec<T>,
    pub failures: Vec<E>,
}

impl<T, E> Default for Collected<T, E> {
    fn default() -> Self {
        Collected { records: Vec::new(), failures: Vec::new() }
    }
}

impl<T, E> Emit<T, E> for Collected<T, E> {
    fn emit(&mut self, record: T) {
        self.records.push(record);
    }
    fn fail(&mut self, error: E) {
        self.failures.push(error);
    }
}

/// Reads all splits, `max` records at a time.
pub fn read_by<S: Source>(mut source: S, max: usize) -> Result<Collected<S::Out, S::Error>> {
    let mut out = Collected::default();
    for split in source.splits()? {
        let mut reader = source.open(split, None)?;
        while reader.read(max, &mut out)? != Read::End {}
        assert_eq!(reader.read(max, &mut out)?, Read::End, "an end is final");
    }
    Ok(out)
}

pub fn read<S: Source>(source: S) -> Result<Collected<S::Out, S::Error>> {
    read_by(source, 512)
}

/// Reads `first` records of the only split, then opens a second source at that position and reads the rest.
pub fn resumed<S: Source>(source: impl Fn() -> S, first: usize) -> Result<Collected<S::Out, S::Error>> {
    let mut out = Collected::default();
    let mut one = source();
    let split = one.splits()?.remove(0);
    let mut reader = one.open(split, None)?;
    reader.read(first, &mut out)?;
    let position = reader.position();
    let mut other = source();
    let split = other.splits()?.remove(0);
    let mut reader = other.open(split, Some(position))?;
    while reader.read(512, &mut out)? != Read::End {}
    Ok(out)
}

/// A directory with one file.
pub fn file(name: &str, contents: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, contents).unwrap();
    (directory, path)
}

/// The same, compressed.
pub fn gz(contents: impl AsRef<[u8]>) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(contents.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// An error with all its causes, as a failed job prints it.
pub fn chain<T>(result: Result<T>) -> String {
    match result {
        Ok(_) => panic!("this must fail"),
        Err(error) => format!("{error:?}"),
    }
}
