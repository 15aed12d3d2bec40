//! What the readers of text share: opening at a position, decompression, lines of bounded length, progress.
use super::malformed::Malformed;
use super::paths::FileSplit;
use crate::contract::source::Progress;
use crate::error::{Error, Result};
use flate2::bufread::MultiGzDecoder;
use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::rc::Rc;

/// How much is read from a file at a time.
const BUFFER: usize = 256 << 10;
/// How long a line may be unless the program says otherwise.
pub(super) const MAX_LINE: usize = 16 << 20;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How far a file has been read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FilePosition {
    /// The bytes before it, counted after decompression.
    pub byte: u64,
    /// The lines before it.
    pub line: u64,
    /// How many bytes the file had on disk when the job began to read it. It must still have them when it is read on.
    pub size: u64,
}

crate::record_by_fields!(FilePosition { byte: u64, line: u64, size: u64 });

/// A text file that is read line by line.
pub(super) struct Text {
    path: String,
    input: BufReader<Box<dyn Read>>,
    at: FilePosition,
    max_line: usize,
    /// How many bytes of the compressed file were used.
    compressed: Option<Rc<Cell<u64>>>,
}

/// What [`Text::next`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A line.
    Line,
    /// A line that is longer than allowed; it has been skipped.
    TooLong,
    /// Nothing more.
    End,
}

impl Text {
    pub(super) fn open(split: &FileSplit, from: Option<FilePosition>, max_line: usize) -> Result<Text> {
        let FileSplit { path } = split.clone();
        Text::open_at(&path, from.filter(|from| from.byte > 0), max_line).map_err(Error::file("open", &path))
    }

    fn open_at(path: &str, from: Option<FilePosition>, max_line: usize) -> io::Result<Text> {
        let file = File::open(path)?;
        let about = file.metadata()?;
        let mut at = FilePosition { size: about.len(), ..FilePosition::default() };
        if let Some(from) = from {
            if !about.is_file() {
                return Err(changed("it is not a file on disk, so what was read of it cannot be had again"));
            }
            if about.len() != from.size {
                let word = if about.len() < from.size { "shorter" } else { "longer" };
                let (now, before) = (about.len(), from.size);
                return Err(changed(&format!(
                    "it is {word} than when the job began to read it ({now} bytes instead of {before})"
                )));
            }
            at = from;
        }
        // From the byte before, to see whether a line ends there.
        let (input, compressed) = input(path, file, at.byte.saturating_sub(1))?;
        let mut input = BufReader::with_capacity(BUFFER, input);
        if at.byte > 0 {
            let mut end = [0];
            let read = input.read(&mut end)?;
            if read == 0 || end != *b"\n" && !input.fill_buf()?.is_empty() {
                return Err(changed(&format!(
                    "it is not what it was: no line ends at byte {}, up to which it was read",
                    at.byte
                )));
            }
        }
        Ok(Text { path: path.to_owned(), input, at, max_line, compressed })
    }

    /// Appends the next line to `line`, with the characters that end it.
    #[inline]
    pub(super) fn next(&mut self, line: &mut Vec<u8>) -> Result<Next> {
        let before = line.len();
        // Room for the longest line and its end, so that one byte more is too long.
        let room = (self.max_line as u64).saturating_add(2);
        let mut read = match self.input.by_ref().take(room).read_until(b'\n', line) {
            Ok(read) => read as u64,
            Err(cause) => return Err(self.failed(cause)),
        };
        if read == 0 {
            return Ok(Next::End);
        }
        let body = without_end(&line[before..]).len();
        let too_long = body > self.max_line;
        if too_long && line.last() != Some(&b'\n') {
            read += match self.input.skip_until(b'\n') {
                Ok(skipped) => skipped as u64,
                Err(cause) => return Err(self.failed(cause)),
            };
        }
        let first = self.at.byte == 0;
        self.at.byte += read;
        self.at.line += 1;
        if first && line[before..].starts_with(BYTE_ORDER_MARK) {
            line.drain(before..before + BYTE_ORDER_MARK.len());
            if line.len() == before {
                return Ok(Next::End);
            }
        }
        Ok(if too_long { Next::TooLong } else { Next::Line })
    }

    #[inline]
    pub(super) fn position(&self) -> FilePosition {
        self.at
    }

    pub(super) fn max_line(&self) -> usize {
        self.max_line
    }

    pub(super) fn progress(&self) -> Option<Progress> {
        let done = match &self.compressed {
            Some(compressed) => compressed.get(),
            None => self.at.byte,
        };
        let name = Path::new(&self.path).file_name();
        Some(Progress {
            split: name.map_or_else(|| self.path.clone(), |name| name.to_string_lossy().into_owned()),
            done: done.min(self.at.size),
            total: self.at.size,
        })
    }

    /// The row that began at `line` is bad.
    pub(super) fn malformed(&self, line: u64, message: String) -> Malformed {
        Malformed { path: self.path.clone(), line, message }
    }

    /// The file is bad, at its last line.
    pub(super) fn content(&self, message: String) -> Error {
        Error::Content { path: self.path.clone().into(), line: self.at.line, message }
    }

    /// What to say about a line that is too long.
    pub(super) fn too_long(&self) -> String {
        format!("longer than {} bytes; `.max_line(n)` allows more", self.max_line)
    }

    fn failed(&self, cause: io::Error) -> Error {
        Error::file("read", &self.path)(match cause.kind() {
            io::ErrorKind::UnexpectedEof if self.compressed.is_some() => {
                io::Error::new(cause.kind(), format!("the compressed data is cut off ({cause})"))
            }
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if self.compressed.is_some() => {
                io::Error::new(cause.kind(), format!("it is not a gzip file, or it is damaged ({cause})"))
            }
            _ => cause,
        })
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Text").field("path", &self.path).field("at", &self.at).finish_non_exhaustive()
    }
}

/// A line without the characters that end it.
#[inline]
pub(super) fn without_end(line: &[u8]) -> &[u8] {
    match line {
        [body @ .., b'\r', b'\n'] | [body @ .., b'\n'] => body,
        body => body,
    }
}

/// Why `error` makes a line unusable.
pub(super) fn not_utf8(error: std::str::Utf8Error) -> String {
    format!("not UTF-8 after byte {} of the line", error.valid_up_to())
}

type Input = (Box<dyn Read>, Option<Rc<Cell<u64>>>);

/// A file from a byte of its text on, with the count of what is used if it is compressed.
fn input(path: &str, mut file: File, from: u64) -> io::Result<Input> {
    if !Path::new(path).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz")) {
        if from > 0 {
            file.seek(SeekFrom::Start(from))?;
        }
        return Ok((Box::new(file), None));
    }
    let count = Rc::new(Cell::new(0));
    let file = BufReader::with_capacity(BUFFER, file);
    let mut text = MultiGzDecoder::new(Counted { file, count: Rc::clone(&count) });
    // What is cut off ends before `from`, which is then found to be no end of a line.
    io::copy(&mut text.by_ref().take(from), &mut io::sink())?;
    Ok((Box::new(text), Some(count)))
}

fn changed(how: &str) -> io::Error {
    let what = "files must stay as they are while a job reads them: put this one back as it was, or begin anew without the \
                snapshot (new lines belong in new files)";
    io::Error::new(io::ErrorKind::InvalidData, format!("{how}; {what}"))
}

/// Counts what is used of a file.
struct Counted {
    file: BufReader<File>,
    count: Rc<Cell<u64>>,
}

impl BufRead for Counted {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.file.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.count.set(self.count.get() + amount as u64);
        self.file.consume(amount);
    }
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.fill_buf()?.read(buffer)?;
        self.consume(read);
        Ok(read)
    }
}
