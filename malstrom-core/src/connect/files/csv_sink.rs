//! Records as rows of CSV.
use super::columns::{self, Columns, NoColumns};
use super::parts::{BUFFER, Parts};
use crate::contract::sink::{ExactlyOnce, Sink};
use crate::error::{Error, Result};
use serde::Serialize;
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::path::Path;
use std::rc::Rc;

/// Writes CSV files into a directory, which is created if it does not exist.
///
/// Each worker writes parts of its own, `part-0000-000000.csv` (worker, number). A part lies under a name that starts
/// with `.` until it is whole: when the job ends, or when it has reached the size at which the next one begins
/// ([`roll_at`](CsvSink::roll_at)). A worker without records writes none. Parts of earlier runs are kept: the numbers
/// go on after theirs. If the job fails, its unfinished parts are removed and its published ones stay; a process
/// that is killed leaves the unfinished ones behind under their hidden names.
///
/// A struct gives a header, once per part; tuples and single values do not. What is nested in structs and tuples lies side by
/// side: a column has the name of its field, and where two have the same, those of the fields around it before it
/// (`from_id`, `to_id`); an element of a tuple has that of the tuple and its place (`pair_0`). So a `Windowed` count has the
/// columns `key,start,end,value`, and one whose key is a struct those of its fields in place of `key`. A struct with such
/// fields reads it back. Sequences and maps within a record, and variants with fields, have no columns.
///
/// The columns of a part are those of its first record. A `None` in place of a struct is as many empty fields as the struct
/// has; but if the first record has it there, nobody knows how many, and a later one that has the struct is refused.
///
/// ```
/// use malstrom_core::Sink;
/// use malstrom_core::connect::files;
/// #[derive(serde::Serialize)]
/// struct Count {
///     word: String,
///     n: u64,
/// }
/// let directory = tempfile::tempdir()?;
/// let mut sink = files::csv_sink(directory.path());
/// sink.open(0, 1)?;
/// sink.write(&mut vec![Count { word: "sea".into(), n: 3 }])?;
/// sink.close()?;
/// let written = std::fs::read_to_string(directory.path().join("part-0000-000000.csv"))?;
/// assert_eq!(written, "word,n\nsea,3\n");
/// # Ok::<(), malstrom_core::Error>(())
/// ```
pub fn csv_sink<T: Serialize + 'static>(directory: impl AsRef<Path>) -> CsvSink<T> {
    let parts = Parts::new(directory.as_ref(), "csv");
    CsvSink { parts, encoded: Encoded::default(), part: None, text: String::new(), takes: PhantomData }
}

/// The sink that [`csv_sink`] makes.
///
/// # Errors
/// The job fails if a file cannot be written (permissions, a full disk), or if a record has no form in CSV (a map, a
/// sequence within a struct).
pub struct CsvSink<T> {
    parts: Parts,
    encoded: Encoded,
    part: Option<Part>,
    /// Scratch.
    text: String,
    takes: PhantomData<fn(T)>,
}

/// How the part that is being written is laid out, and what writes it to [`CsvSink::encoded`].
struct Part {
    columns: Columns,
    writer: csv::Writer<Encoded>,
}
impl Part {
    /// A part that begins with this record.
    fn of<T: Serialize>(record: &T, to: Encoded) -> Result<Self> {
        let columns = Columns::of(record).map_err(unfit)?;
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(to);
        if let Some(names) = columns.names() {
            writer.write_record(names).map_err(no_csv)?;
        }
        Ok(Part { columns, writer })
    }
    fn write<T: Serialize>(&mut self, record: &T, text: &mut String) -> Result<()> {
        let Part { columns, writer } = self;
        let mut written = Ok(());
        let field = |field: &[u8]| {
            if written.is_ok() {
                written = writer.write_field(field);
            }
        };
        columns::write(record, columns, text, field).map_err(unfit)?;
        written.and_then(|()| writer.write_record(None::<&[u8]>)).map_err(no_csv)?;
        // Only then is the size known. It copies the row from the writer's buffer to ours.
        Ok(writer.flush()?)
    }
}
#[cold]
fn unfit(error: NoColumns) -> Error {
    Error::custom(format!("a record cannot be written as CSV: {error}"))
}
#[cold]
fn no_csv(error: csv::Error) -> Error {
    Error::custom(format!("a record cannot be written as CSV: {error}"))
}

/// What the writer has written: the csv crate keeps its output to itself otherwise.
#[derive(Clone, Debug, Default)]
struct Encoded(Rc<RefCell<Vec<u8>>>);

impl io::Write for Encoded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<T> CsvSink<T> {
    /// Publishes a part when it has reached this many bytes, and begins the next one. The default is 256 MiB.
    #[must_use]
    pub fn roll_at(mut self, bytes: u64) -> Self {
        self.parts.roll_at(bytes);
        self
    }

    fn write_out(&mut self) -> Result<()> {
        self.parts.write(&mut self.encoded.0.borrow_mut())
    }
}

impl<T: Serialize + 'static> ExactlyOnce for CsvSink<T> {}
impl<T: Serialize + 'static> Sink for CsvSink<T> {
    type In = T;

    fn open(&mut self, worker: usize, _workers: usize) -> Result<()> {
        self.parts.open(worker)
    }

    fn write(&mut self, batch: &mut Vec<T>) -> Result<()> {
        for record in batch.drain(..) {
            let part = match &mut self.part {
                Some(part) => part,
                none => none.insert(Part::of(&record, self.encoded.clone())?),
            };
            part.write(&record, &mut self.text)?;
            let encoded = self.encoded.0.borrow().len();
            if self.parts.is_full_with(encoded) {
                self.part = None;
                self.write_out()?;
                self.parts.publish()?;
            } else if encoded >= BUFFER {
                self.write_out()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.write_out()
    }

    fn close(&mut self) -> Result<()> {
        self.part = None;
        self.write_out()?;
        self.parts.publish()
    }
}

impl<T> fmt::Debug for CsvSink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvSink").field("parts", &self.parts).finish_non_exhaustive()
    }
}
