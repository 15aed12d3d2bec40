//! Lines of JSON as records.
use super::malformed::Malformed;
use super::paths::{self, FileSplit};
use super::text::{FilePosition, MAX_LINE, Next, Text, not_utf8};
use crate::contract::source::{Progress, Read, Replays, Source, SplitReader};
use crate::contract::stage::Emit;
use crate::error::Result;
use serde::de::DeserializeOwned;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// The JSON values of a file, one a line, or of all files in a directory, or of all that match a glob. See
/// [`files`](super) for what all sources of files have in common.
///
/// ```
/// use malstrom_core::Source;
/// use malstrom_core::connect::files;
/// let directory = tempfile::tempdir()?;
/// std::fs::write(directory.path().join("a.jsonl"), "[1, 2]\n[3, 4]\n")?;
/// let mut source = files::jsonl::<(u32, u32)>(directory.path().join("*.jsonl"));
/// assert_eq!(source.splits()?.len(), 1);
/// # Ok::<(), malstrom_core::Error>(())
/// ```
pub fn jsonl<T: DeserializeOwned + 'static>(path: impl AsRef<Path>) -> JsonLines<T> {
    JsonLines { path: path.as_ref().to_path_buf(), max_line: MAX_LINE, makes: PhantomData }
}

/// The source that [`jsonl`] makes. Blank lines are skipped; a line that is no `T` is [`Malformed`], and so is one that is
/// not UTF-8 or longer than allowed.
///
/// # Errors
/// The job fails if there is nothing to read, or if a file cannot be read or decompressed.
pub struct JsonLines<T> {
    path: PathBuf,
    max_line: usize,
    makes: PhantomData<fn() -> T>,
}

impl<T> JsonLines<T> {
    /// Allows lines of up to `bytes`, not counting the characters that end them. The default is 16 MiB.
    #[must_use]
    pub fn max_line(mut self, bytes: usize) -> Self {
        self.max_line = bytes;
        self
    }
}

impl<T> fmt::Debug for JsonLines<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLines").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned + 'static> Replays for JsonLines<T> {}
impl<T: DeserializeOwned + 'static> Source for JsonLines<T> {
    type Out = T;
    type Error = Malformed;
    type Split = FileSplit;
    type Position = FilePosition;
    type Reader = JsonLinesReader<T>;

    fn splits(&mut self) -> Result<Vec<FileSplit>> {
        paths::splits(&self.path)
    }

    fn open(&mut self, split: FileSplit, position: Option<FilePosition>) -> Result<JsonLinesReader<T>> {
        let text = Text::open(&split, position, self.max_line)?;
        Ok(JsonLinesReader { text, line: Vec::new(), makes: PhantomData })
    }

    fn side_by_side(&self) -> usize {
        1
    }
}

/// Reads the JSON lines of one file.
pub struct JsonLinesReader<T> {
    text: Text,
    line: Vec<u8>,
    makes: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for JsonLinesReader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonLinesReader").field("text", &self.text).finish_non_exhaustive()
    }
}

impl<T: DeserializeOwned + 'static> SplitReader for JsonLinesReader<T> {
    type Out = T;
    type Error = Malformed;
    type Position = FilePosition;

    fn read(&mut self, max: usize, out: &mut impl Emit<T, Malformed>) -> Result<Read> {
        for _ in 0..max {
            self.line.clear();
            let parsed = match self.text.next(&mut self.line)? {
                Next::Line if self.line.trim_ascii().is_empty() => continue,
                Next::Line => parse(&self.line),
                Next::TooLong => Err(self.text.too_long()),
                Next::End => return Ok(Read::End),
            };
            match parsed {
                Ok(record) => out.emit(record),
                Err(message) => out.fail(self.text.malformed(self.text.position().line, message)),
            }
        }
        Ok(Read::More)
    }

    #[inline]
    fn position(&self) -> FilePosition {
        self.text.position()
    }

    fn progress(&self) -> Option<Progress> {
        self.text.progress()
    }
}

#[inline]
fn parse<T: DeserializeOwned>(line: &[u8]) -> Result<T, String> {
    let text = std::str::from_utf8(line).map_err(not_utf8)?;
    serde_json::from_str(text).map_err(|error| {
        let message = error.to_string();
        // The parser knows of no other line than this one.
        match message.rsplit_once(" at line ") {
            Some((message, _)) if error.column() > 0 => format!("column {}: {message}", error.column()),
            _ => message,
        }
    })
}
