//! Records as rows of CSV.
use super::parts::{BUFFER, Parts};
use crate::contract::sink::Sink;
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
/// A struct gives a header, once per part; tuples and single values do not.
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
    CsvSink { parts, encoded: Encoded::default(), writer: None, takes: PhantomData }
}

/// The sink that [`csv_sink`] makes.
///
/// # Errors
/// The job fails if a file cannot be written (permissions, a full disk), or if a record has no form in CSV (a map, a
/// struct within a struct).
pub struct CsvSink<T> {
    parts: Parts,
    encoded: Encoded,
    /// Writes to `encoded`. Each part has its own, which knows whether the header was written.
    writer: Option<csv::Writer<Encoded>>,
    takes: PhantomData<fn(T)>,
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

impl<T: Serialize + 'static> Sink for CsvSink<T> {
    type In = T;

    fn open(&mut self, worker: usize, _workers: usize) -> Result<()> {
        self.parts.open(worker)
    }

    fn write(&mut self, batch: &mut Vec<T>) -> Result<()> {
        for record in batch.drain(..) {
            let writer = self.writer.get_or_insert_with(|| csv::Writer::from_writer(self.encoded.clone()));
            writer
                .serialize(record)
                .map_err(|error| Error::custom(format!("a record cannot be written as CSV: {error}")))?;
            // Only then is the size known. It copies the row from the writer's buffer to ours.
            writer.flush()?;
            let encoded = self.encoded.0.borrow().len();
            if self.parts.is_full_with(encoded) {
                self.writer = None;
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
        self.writer = None;
        self.write_out()?;
        self.parts.publish()
    }
}

impl<T> fmt::Debug for CsvSink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvSink").field("parts", &self.parts).finish_non_exhaustive()
    }
}
