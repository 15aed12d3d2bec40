//! Lines of text as records.
use super::paths::{self, FileSplit};
use super::text::{FilePosition, MAX_LINE, Next, Text, not_utf8, without_end};
use crate::contract::never::Never;
use crate::contract::source::{Progress, Read, Replays, Source, SplitReader};
use crate::contract::stage::Emit;
use crate::error::Result;
use std::path::{Path, PathBuf};

/// The lines of a file, of all files in a directory, or of all that match a glob. See [`files`](super) for what all
/// sources of files have in common.
///
/// ```
/// use malstrom_core::Source;
/// use malstrom_core::connect::files;
/// let directory = tempfile::tempdir()?;
/// std::fs::write(directory.path().join("a.txt"), "one\ntwo\n")?;
/// let mut source = files::lines(directory.path());
/// assert_eq!(source.splits()?.len(), 1);
/// # Ok::<(), malstrom_core::Error>(())
/// ```
pub fn lines(path: impl AsRef<Path>) -> Lines {
    Lines { path: path.as_ref().to_path_buf(), max_line: MAX_LINE }
}

/// The source that [`lines`] makes. Its records are the lines without the characters that end them.
///
/// # Errors
/// The job fails if there is nothing to read, if a file cannot be read or decompressed, or if a line is not UTF-8 or
/// longer than allowed.
#[derive(Clone, Debug)]
pub struct Lines {
    path: PathBuf,
    max_line: usize,
}

impl Lines {
    /// Allows lines of up to `bytes`, not counting the characters that end them. The default is 16 MiB.
    #[must_use]
    pub fn max_line(mut self, bytes: usize) -> Self {
        self.max_line = bytes;
        self
    }
}

impl Replays for Lines {}
impl Source for Lines {
    type Out = String;
    type Error = Never;
    type Split = FileSplit;
    type Position = FilePosition;
    type Reader = LinesReader;

    fn splits(&mut self) -> Result<Vec<FileSplit>> {
        paths::splits(&self.path)
    }

    fn open(&mut self, split: FileSplit, position: Option<FilePosition>) -> Result<LinesReader> {
        Ok(LinesReader { text: Text::open(&split, position, self.max_line)? })
    }

    fn side_by_side(&self) -> usize {
        1
    }
}

/// Reads the lines of one file.
#[derive(Debug)]
pub struct LinesReader {
    text: Text,
}

impl SplitReader for LinesReader {
    type Out = String;
    type Error = Never;
    type Position = FilePosition;

    #[inline]
    fn read(&mut self, max: usize, out: &mut impl Emit<String, Never>) -> Result<Read> {
        for _ in 0..max {
            // The line is read into what becomes the record, so that nothing is copied twice.
            let mut line = Vec::new();
            match self.text.next(&mut line)? {
                Next::Line => {}
                Next::TooLong => return Err(self.text.content(self.text.too_long())),
                Next::End => return Ok(Read::End),
            }
            line.truncate(without_end(&line).len());
            match String::from_utf8(line) {
                Ok(line) => out.emit(line),
                Err(error) => return Err(self.text.content(not_utf8(error.utf8_error()))),
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
