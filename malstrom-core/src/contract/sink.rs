//! Sinks: where a stream ends.
use crate::error::Result;

/// How many records a sink is handed at a time.
pub const SINK_BATCH: usize = 512;

/// Where a stream ends. Every worker has its own copy of a sink, made by the pipeline function.
///
/// A sink that keeps records back must write them out in [`flush`](Sink::flush).
///
/// ```
/// use malstrom_core::{Result, Sink};
/// struct Total(u64);
/// impl Sink for Total {
///     type In = u64;
///     fn write(&mut self, batch: &mut Vec<u64>) -> Result<()> {
///         self.0 += batch.drain(..).sum::<u64>();
///         Ok(())
///     }
/// }
/// let mut total = Total(0);
/// total.write(&mut vec![1, 2, 3])?;
/// assert_eq!(total.0, 6);
/// # Ok::<(), malstrom_core::Error>(())
/// ```
pub trait Sink: 'static {
    /// The records it takes.
    type In: 'static;

    /// Takes a batch by draining it; the emptied vector is used again.
    ///
    /// # Errors
    /// What went wrong. The job then fails, naming this sink.
    fn write(&mut self, batch: &mut Vec<Self::In>) -> Result<()>;

    /// Called by each worker before the first record, with its index and the number of workers.
    ///
    /// # Errors
    /// As for [`write`](Sink::write).
    fn open(&mut self, worker: usize, workers: usize) -> Result<()> {
        let _ = (worker, workers);
        Ok(())
    }

    /// Makes what was written visible. Called when a worker runs out of input, and after the last record.
    ///
    /// # Errors
    /// As for [`write`](Sink::write).
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    /// Called once after the last record and the last flush, not when the job fails.
    ///
    /// # Errors
    /// As for [`write`](Sink::write).
    fn close(&mut self) -> Result<()> {
        Ok(())
    }

    /// Whether [`accept`](Sink::accept) does all the work and nothing is ever left for [`write`](Sink::write).
    const RECORD_BY_RECORD: bool = false;

    /// Takes one record inside the fused loop. The default collects it for [`write`](Sink::write); a sink that has
    /// almost nothing to do per record can do it here, leave `batch` alone and say
    /// [`RECORD_BY_RECORD`](Sink::RECORD_BY_RECORD).
    #[inline(always)]
    fn accept(&mut self, record: Self::In, batch: &mut Vec<Self::In>) {
        batch.push(record);
    }
}
