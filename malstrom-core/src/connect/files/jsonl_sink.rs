//! Records as lines of JSON.
use super::parts::{BUFFER, Parts};
use crate::contract::sink::{Begin, CommitPermit, ExactlyOnce, Interval, Sink};
use crate::contract::snapshot::Guarantee;
use crate::error::{Error, Result};
use serde::Serialize;
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;
use std::time::Duration;

/// Writes files with a JSON value per line into a directory, in parts as [`csv_sink`](super::csv_sink) does, which says what
/// is visible when. Where snapshots are on, each value is there once in the end, whatever fails.
///
/// ```
/// use malstrom_core::Sink;
/// use malstrom_core::connect::files;
/// let directory = tempfile::tempdir()?;
/// let mut sink = files::jsonl_sink(directory.path());
/// sink.open(0, 1)?;
/// sink.write(&mut vec![Some(1), None])?;
/// sink.close()?;
/// let written = std::fs::read_to_string(directory.path().join("part-0000-000000.jsonl"))?;
/// assert_eq!(written, "1\nnull\n");
/// # Ok::<(), malstrom_core::Error>(())
/// ```
pub fn jsonl_sink<T: Serialize + 'static>(directory: impl AsRef<Path>) -> JsonlSink<T> {
    JsonlSink { parts: Parts::new(directory.as_ref(), "jsonl"), encoded: Vec::new(), takes: PhantomData }
}

/// The sink that [`jsonl_sink`] makes.
///
/// # Errors
/// The job fails if a file cannot be written (permissions, a full disk), or if a record has no form in JSON (a map
/// whose keys are neither strings nor numbers).
pub struct JsonlSink<T> {
    parts: Parts,
    encoded: Vec<u8>,
    takes: PhantomData<fn(T)>,
}

impl<T> JsonlSink<T> {
    /// Finishes a part when it has reached this many bytes, and begins the next one. The default is 256 MiB.
    #[must_use]
    pub fn roll_at(mut self, bytes: u64) -> Self {
        self.parts.roll_at(bytes);
        self
    }

    /// Where snapshots are on, finishes a part at the first one at which it is this old. The default is a minute. Shorter shows
    /// rows sooner and makes more files; with zero, each snapshot shows what came before it.
    #[must_use]
    pub fn roll_every(mut self, age: Duration) -> Self {
        self.parts.roll_every(age);
        self
    }
}

impl<T: Serialize + 'static> ExactlyOnce for JsonlSink<T> {}
impl<T: Serialize + 'static> Sink for JsonlSink<T> {
    type In = T;

    fn open(&mut self, worker: usize, _workers: usize) -> Result<()> {
        self.parts.open(worker)
    }

    fn write(&mut self, batch: &mut Vec<T>) -> Result<()> {
        for record in batch.drain(..) {
            serde_json::to_writer(&mut self.encoded, &record)
                .map_err(|error| Error::custom(format!("a record cannot be written as JSON: {error}")))?;
            self.encoded.push(b'\n');
            if self.parts.is_full_with(self.encoded.len()) {
                self.parts.write(&mut self.encoded)?;
                self.parts.finish()?;
            } else if self.encoded.len() >= BUFFER {
                self.parts.write(&mut self.encoded)?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        self.parts.write(&mut self.encoded)
    }

    const GUARANTEE: Guarantee = Guarantee::ExactlyOnce;

    fn begin(&mut self, begin: Begin) -> Result<()> {
        self.parts.begin(&begin)
    }

    fn pre_commit(&mut self, interval: Interval) -> Result<Vec<u8>> {
        self.parts.write(&mut self.encoded)?;
        self.parts.pre_commit(interval)
    }

    fn commit(&mut self, permit: CommitPermit) -> Result<()> {
        self.parts.commit(&permit)
    }

    fn close(&mut self) -> Result<()> {
        self.parts.write(&mut self.encoded)?;
        self.parts.close()
    }
}

impl<T> fmt::Debug for JsonlSink<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonlSink").field("parts", &self.parts).finish_non_exhaustive()
    }
}
