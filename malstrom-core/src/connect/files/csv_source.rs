//! Rows of CSV as records.
use super::explain::{column, count, explain};
use super::fields::Fields;
use super::malformed::Malformed;
use super::paths::{self, FileSplit};
use super::text::{FilePosition, MAX_LINE, Next, Text, without_end};
use crate::contract::source::{Progress, Read, Replays, Source, SplitReader};
use crate::contract::stage::Emit;
use crate::error::{Error, Result};
use csv::StringRecord;
use serde::de::DeserializeOwned;
use std::fmt;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

/// The rows of a CSV file, of all files in a directory, or of all that match a glob. See [`files`](super) for what all
/// sources of files have in common.
///
/// The first row of each file names the columns, and serde matches them with the fields of `T`; columns that `T` does
/// not have are skipped. An `Option` is `None` for an empty field.
///
/// ```
/// use malstrom_core::Source;
/// use malstrom_core::connect::files;
/// #[derive(serde::Deserialize)]
/// struct Weather {
///     origin: String,
///     temp: Option<f64>,
/// }
/// let directory = tempfile::tempdir()?;
/// std::fs::write(directory.path().join("weather.csv"), "origin,temp\nEWR,39.02\nJFK,NA\n")?;
/// let mut source = files::csv::<Weather>(directory.path()).missing("NA");
/// assert_eq!(source.splits()?.len(), 1);
/// # Ok::<(), malstrom_core::Error>(())
/// ```
pub fn csv<T: DeserializeOwned + 'static>(path: impl AsRef<Path>) -> Csv<T> {
    let options = Options { delimiter: b',', header: true, missing: None, max_line: MAX_LINE };
    Csv { path: path.as_ref().to_path_buf(), options, makes: PhantomData }
}

/// The source that [`csv()`] makes. A row is [`Malformed`] if it is no `T`, has too few or too many fields, is not UTF-8, is
/// longer than allowed, or opens a quote that is never closed. Blank lines are skipped, and an empty file has no rows.
///
/// # Errors
/// The job fails if there is nothing to read, if a file cannot be read or decompressed, or if its header is not UTF-8.
pub struct Csv<T> {
    path: PathBuf,
    options: Options,
    makes: PhantomData<fn() -> T>,
}

#[derive(Clone, Debug)]
struct Options {
    delimiter: u8,
    header: bool,
    missing: Option<String>,
    max_line: usize,
}

impl<T> Csv<T> {
    /// Separates fields by this ASCII character instead of a comma.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.options.delimiter = delimiter;
        self
    }

    /// The first row is data. Fields are then matched by position: `T` is a tuple, or a struct with its fields in order.
    #[must_use]
    pub fn no_header(mut self) -> Self {
        self.options.header = false;
        self
    }

    /// Reads a field that is exactly this as an empty one, so that it becomes `None`.
    #[must_use]
    pub fn missing(mut self, word: impl Into<String>) -> Self {
        self.options.missing = Some(word.into());
        self
    }

    /// Allows rows of up to `bytes`. The default is 16 MiB.
    #[must_use]
    pub fn max_line(mut self, bytes: usize) -> Self {
        self.options.max_line = bytes;
        self
    }
}

impl<T> fmt::Debug for Csv<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Csv").field("path", &self.path).field("options", &self.options).finish()
    }
}

impl<T: DeserializeOwned + 'static> Replays for Csv<T> {}
impl<T: DeserializeOwned + 'static> Source for Csv<T> {
    type Out = T;
    type Error = Malformed;
    type Split = FileSplit;
    type Position = FilePosition;
    type Reader = CsvReader<T>;

    fn splits(&mut self) -> Result<Vec<FileSplit>> {
        if !self.options.delimiter.is_ascii() || matches!(self.options.delimiter, b'"' | b'\n' | b'\r') {
            let delimiter = char::from(self.options.delimiter);
            return Err(Error::Config(format!("{delimiter:?} cannot separate the fields of a CSV file")));
        }
        paths::splits(&self.path)
    }

    fn open(&mut self, split: FileSplit, position: Option<FilePosition>) -> Result<CsvReader<T>> {
        CsvReader::open(&split, position, &self.options)
    }

    fn side_by_side(&self) -> usize {
        1
    }
}

/// Reads the rows of one CSV file.
pub struct CsvReader<T> {
    text: Text,
    line: Vec<u8>,
    fields: Fields,
    header: Option<StringRecord>,
    /// How many fields a row must have: as many as the first one.
    width: Option<usize>,
    makes: PhantomData<fn() -> T>,
}

/// What [`CsvReader::row`] found.
enum Row {
    /// A row, now in `fields`.
    Whole,
    /// What cannot be a row, and why.
    Bad(String),
    /// Nothing more.
    End,
}

impl<T: DeserializeOwned + 'static> CsvReader<T> {
    fn open(split: &FileSplit, position: Option<FilePosition>, options: &Options) -> Result<Self> {
        let mut reader = CsvReader {
            text: Text::open(split, None, options.max_line)?,
            line: Vec::new(),
            fields: Fields::new(options.delimiter, options.missing.clone().map(String::into_bytes)),
            header: None,
            width: None,
            makes: PhantomData,
        };
        // First of all, since the columns of a file that was changed are not those of its rows.
        let rest = position.map(|position| Text::open(split, Some(position), options.max_line)).transpose()?;
        if options.header {
            reader.read_header()?;
        }
        // The position before the first row may be the one before the header.
        if let Some(rest) = rest.filter(|rest| rest.position().byte > reader.text.position().byte) {
            if !options.header {
                reader.read_width()?;
            }
            reader.text = rest;
        }
        Ok(reader)
    }

    fn read_header(&mut self) -> Result<()> {
        match self.row()?.1 {
            Row::End => return Ok(()),
            Row::Bad(message) => return Err(self.text.content(format!("the header is malformed: {message}"))),
            Row::Whole => {}
        }
        let Ok(header) = self.fields.with_row(StringRecord::clone) else {
            return Err(self.text.content("the header is not UTF-8".into()));
        };
        if header.iter().any(|name| name.contains('\r')) {
            let message = "the header has a carriage return in it: lines must end in `\\n` or `\\r\\n`";
            return Err(self.text.content(message.into()));
        }
        self.width = Some(header.len());
        self.header = Some(header);
        Ok(())
    }

    fn read_width(&mut self) -> Result<()> {
        loop {
            match self.row()?.1 {
                Row::End => return Ok(()),
                Row::Bad(_) => {}
                Row::Whole => {
                    self.width = self.fields.with_row(StringRecord::len).ok();
                    if self.width.is_some() {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Reads the next row into `fields`, and says on which line it begins.
    #[inline]
    fn row(&mut self) -> Result<(u64, Row)> {
        self.fields.clear();
        loop {
            self.line.clear();
            let begin = self.text.position().line + 1;
            match self.text.next(&mut self.line)? {
                Next::Line if without_end(&self.line).is_empty() => {}
                Next::Line if self.fields.feed(&self.line) => return Ok((begin, Row::Whole)),
                Next::Line => return Ok((begin, self.rest_of_row()?)),
                Next::TooLong => return Ok((begin, Row::Bad(self.text.too_long()))),
                Next::End => return Ok((begin, Row::End)),
            }
        }
    }

    /// Reads on, because a line has ended between quotes.
    #[cold]
    fn rest_of_row(&mut self) -> Result<Row> {
        let mut length = self.line.len();
        loop {
            self.line.clear();
            let next = self.text.next(&mut self.line)?;
            length += self.line.len();
            if next == Next::TooLong || length > self.text.max_line() {
                return Ok(Row::Bad(format!("{}, or a quote is never closed", self.text.too_long())));
            }
            if next == Next::End {
                return Ok(Row::Bad("a quote is never closed".into()));
            }
            if self.fields.feed(&self.line) {
                return Ok(Row::Whole);
            }
        }
    }

    /// Makes a record of the row in `fields`.
    #[inline]
    fn record(&mut self) -> Result<T, String> {
        let (header, width) = (self.header.as_ref(), &mut self.width);
        let record = self.fields.with_row(|row| {
            let expected = *width.get_or_insert(row.len());
            if row.len() != expected {
                let first = if header.is_some() { "header" } else { "first row" };
                return Err(format!("{} where the {first} has {expected}", count(row.len())));
            }
            row.deserialize(header).map_err(|error| explain(&error, header, row))
        });
        record.unwrap_or_else(|error| Err(format!("{} is not UTF-8", column(header, error.field))))
    }
}

impl<T: DeserializeOwned + 'static> SplitReader for CsvReader<T> {
    type Out = T;
    type Error = Malformed;
    type Position = FilePosition;

    fn read(&mut self, max: usize, out: &mut impl Emit<T, Malformed>) -> Result<Read> {
        for _ in 0..max {
            let (line, row) = self.row()?;
            let record = match row {
                Row::Whole => self.record(),
                Row::Bad(message) => Err(message),
                Row::End => return Ok(Read::End),
            };
            match record {
                Ok(record) => out.emit(record),
                Err(message) => out.fail(self.text.malformed(line, message)),
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

impl<T> fmt::Debug for CsvReader<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvReader").field("text", &self.text).finish_non_exhaustive()
    }
}
