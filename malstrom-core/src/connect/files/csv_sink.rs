//! Records as rows of CSV.
use super::columns::{self, Columns, NoColumns};
use super::parts::{BUFFER, Parts};
use crate::contract::sink::{Begin, CommitPermit, ExactlyOnce, Interval, Sink};
use crate::contract::snapshot::Guarantee;
use crate::error::{Error, Result};
use serde::Serialize;
use std::cell::RefCell;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

/// Writes CSV files into a directory, which is created if it does not exist.
///
/// # What is visible when
/// Each worker writes parts of its own. A part lies under a name that starts with `.` until it is whole, so readers that skip
/// hidden files, as [`csv`](super::csv()) does, see only what is final. A worker without records writes no part.
///
/// Where snapshots are off, parts are called `part-0000-000000.csv` (worker, number). A part becomes visible when it has
/// reached the size at which the next one begins ([`roll_at`](CsvSink::roll_at)), or when the job ends. If the job fails, its
/// unfinished parts are removed and its published ones stay; a process that is killed leaves the unfinished ones behind
/// under their hidden names.
///
/// Where they are on, the output is exactly-once: whatever fails, each row is there once in the end. Parts are called
/// `part-0000000001-0000-0000.csv` (the interval in which it begins, worker, number). A part is finished when it has reached
/// its size, at the first snapshot at which it has reached its age ([`roll_every`](CsvSink::roll_every)), or when the job
/// ends; and it becomes visible when the snapshot after that is committed. So rows are visible after the age of a part and
/// one or two intervals between snapshots at the latest. When the job is restored, what the snapshot has of unfinished parts
/// becomes visible, and what was written after it is removed and written again.
///
/// # What is in the directory already
/// Nothing that is visible is ever overwritten. Parts of earlier runs are kept, and those of a job that begins anew come
/// beside them: to have only the new ones, empty the directory before. Where snapshots are on, each sink needs a directory of
/// its own, as it removes hidden parts that a failed attempt has left; and a part must not be moved or changed before the
/// next snapshot is committed, since a restored job looks for those that the last one has.
///
/// # Columns
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
    /// Finishes a part when it has reached this many bytes, and begins the next one. The default is 256 MiB.
    #[must_use]
    pub fn roll_at(mut self, bytes: u64) -> Self {
        self.parts.roll_at(bytes);
        self
    }

    /// Where snapshots are on, finishes a part at the first one at which it is this old. The default is a minute. Shorter shows
    /// rows sooner and makes more files; with zero, each snapshot shows what came before it.
    ///
    /// ```
    /// use malstrom_core::connect::files;
    /// use std::time::Duration;
    /// let sink = files::csv_sink::<(String, u64)>("out").roll_at(64 << 20).roll_every(Duration::from_secs(10));
    /// # let _ = sink;
    /// ```
    #[must_use]
    pub fn roll_every(mut self, age: Duration) -> Self {
        self.parts.roll_every(age);
        self
    }

    /// The next part has a header and columns of its own.
    fn forget_finished(&mut self) {
        if !self.parts.is_open() {
            self.part = None;
        }
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
                self.parts.finish()?;
            } else if encoded >= BUFFER {
                self.write_out()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.write_out()
    }

    const GUARANTEE: Guarantee = Guarantee::ExactlyOnce;

    fn begin(&mut self, begin: Begin) -> Result<()> {
        self.parts.begin(&begin)
    }

    fn pre_commit(&mut self, interval: Interval) -> Result<Vec<u8>> {
        self.write_out()?;
        let staged = self.parts.pre_commit(interval)?;
        self.forget_finished();
        Ok(staged)
    }

    fn commit(&mut self, permit: CommitPermit) -> Result<()> {
        self.parts.commit(&permit)
    }

    fn close(&mut self) -> Result<()> {
        self.write_out()?;
        self.parts.close()?;
        self.forget_finished();
        Ok(())
    }
}

impl<T> fmt::Debug for CsvSink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvSink").field("parts", &self.parts).finish_non_exhaustive()
    }
}
