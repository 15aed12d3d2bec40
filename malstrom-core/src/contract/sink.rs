//! Sinks: where a stream ends.
use super::snapshot::Guarantee;
use crate::error::Result;
use std::time::Duration;

/// How many records a sink is handed at a time.
pub const SINK_BATCH: usize = 512;

/// What a sink is told where snapshots are on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Begin {
    /// Higher at every start of the job, and after every failure. What carries a lower one and is not in `staged` was
    /// written by an attempt that failed before its snapshot was committed: it is to be removed.
    pub term: u64,
    /// The interval that begins.
    pub interval: u64,
    /// What [`pre_commit`](Sink::pre_commit) returned on each worker for the snapshot that the job is restored from: it is
    /// committed, and is to be made visible if it is not. Only one worker is given it, and only that one cleans up.
    pub staged: Option<Vec<Vec<u8>>>,
}
impl Begin {
    /// At this term and interval, with this staged output.
    pub fn new(term: u64, interval: u64, staged: Option<Vec<Vec<u8>>>) -> Self {
        Begin { term, interval, staged }
    }
}

/// The end of an interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interval {
    /// Its number.
    pub number: u64,
    /// When it ends, since the job began.
    pub now: Duration,
    /// Whether nothing follows here: the job ends, or this worker leaves it.
    pub last: bool,
}
impl Interval {
    /// The end of interval `number`, at `now`.
    pub fn new(number: u64, now: Duration, last: bool) -> Self {
        Interval { number, now, last }
    }
}

/// Says that a snapshot is in the commit log. Only the log gives it out, so nothing is published before.
#[derive(Debug, PartialEq, Eq)]
pub struct CommitPermit {
    interval: u64,
    term: u64,
}
impl CommitPermit {
    /// For the snapshot of this interval, which was committed in this term.
    pub(crate) fn new(interval: u64, term: u64) -> Self {
        CommitPermit { interval, term }
    }
    /// The interval whose snapshot is committed.
    pub fn interval(&self) -> u64 {
        self.interval
    }
    /// The term in which it was.
    pub fn term(&self) -> u64 {
        self.term
    }
}

/// A sink that is [`Guarantee::ExactlyOnce`], which a pipeline with `#[guarantee(exactly_once)]` asks of each of its sinks.
/// The compiler goes by this trait, and [`Sink::GUARANTEE`] must say the same: the job does not start otherwise.
///
/// ```
/// use malstrom_core::{ExactlyOnce, Guarantee, Result, Sink};
/// struct Ledger;
/// impl Sink for Ledger {
///     type In = u64;
///     const GUARANTEE: Guarantee = Guarantee::ExactlyOnce;
///     fn write(&mut self, batch: &mut Vec<u64>) -> Result<()> {
///         // Staged here, handed out by `pre_commit` and published by `commit`.
///         batch.clear();
///         Ok(())
///     }
/// }
/// impl ExactlyOnce for Ledger {}
/// ```
pub trait ExactlyOnce: Sink {}

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

    /// What its output is like after a failure, where snapshots are on. A sink that is
    /// [`ExactlyOnce`](Guarantee::ExactlyOnce) implements the trait [`ExactlyOnce`] as well.
    const GUARANTEE: Guarantee = Guarantee::AtLeastOnce;

    /// Called after [`open`](Sink::open) where snapshots are on: what this worker writes will be asked for by
    /// [`pre_commit`](Sink::pre_commit), and a sink that is [`ExactlyOnce`](Guarantee::ExactlyOnce) shows nothing before
    /// [`commit`](Sink::commit). After a failure, one of the workers is given what was staged and committed then.
    ///
    /// # Errors
    /// As for [`write`](Sink::write).
    fn begin(&mut self, begin: Begin) -> Result<()> {
        let _ = begin;
        Ok(())
    }

    /// An interval ends: returns what is needed to make what was written since the last commit visible, on any worker, even
    /// after this process has died. It is kept in the snapshot. Empty if there is nothing.
    ///
    /// # Errors
    /// As for [`write`](Sink::write).
    fn pre_commit(&mut self, interval: Interval) -> Result<Vec<u8>> {
        let _ = interval;
        self.flush()?;
        Ok(Vec::new())
    }

    /// The snapshot of an interval is committed: makes visible what was staged for it on this worker. May be called again
    /// for the same interval, in another process.
    ///
    /// # Errors
    /// As for [`write`](Sink::write). The job is then restored, and what was staged is committed again.
    fn commit(&mut self, permit: CommitPermit) -> Result<()> {
        let _ = permit;
        Ok(())
    }

    /// The snapshot of an interval was given up: what was staged for it is to be part of what is staged next.
    fn abort(&mut self, interval: u64) {
        let _ = interval;
    }

    /// Called once after the last record and the last flush, not when the job fails. Where snapshots are on, a last one is
    /// taken and committed after that.
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
