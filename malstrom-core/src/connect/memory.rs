//! Sources and sinks in the memory of the process: generators, and collectors for tests.
use crate::contract::iter::IterReader;
use crate::contract::never::Never;
use crate::contract::sink::Sink;
use crate::contract::source::{Replays, Source};
use crate::error::{Error, Result};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A sink that keeps what all workers write, for tests and small results.
///
/// It shows records as soon as they are written. So it is at-least-once where snapshots are on: after a failure, what was written
/// since the last snapshot is written again.
///
/// ```
/// use malstrom_core::Sink;
/// use malstrom_core::connect::memory;
/// let numbers = memory::collector::<u32>();
/// let mut sink = numbers.clone(); // each worker has such a copy
/// sink.write(&mut vec![1, 2])?;
/// assert_eq!(numbers.take(), [1, 2]);
/// assert!(numbers.take().is_empty());
/// # Ok::<(), malstrom_core::Error>(())
/// ```
pub fn collector<T: Send + 'static>() -> Collector<T> {
    Collector { records: Arc::new(Mutex::new(Vec::new())) }
}

/// The sink that [`collector`] makes. Its clones collect into one place.
pub struct Collector<T> {
    records: Arc<Mutex<Vec<T>>>,
}

impl<T> Collector<T> {
    /// Takes out what was collected so far, batches in the order in which workers wrote them.
    #[must_use]
    pub fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.lock())
    }

    /// A panic elsewhere cannot have left the records half changed, so a poisoned lock is as good as any.
    fn lock(&self) -> MutexGuard<'_, Vec<T>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Clone for Collector<T> {
    fn clone(&self) -> Self {
        Collector { records: Arc::clone(&self.records) }
    }
}

impl<T> fmt::Debug for Collector<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("records", &self.lock().len()).finish()
    }
}

impl<T: Send + 'static> Sink for Collector<T> {
    type In = T;

    fn write(&mut self, batch: &mut Vec<T>) -> Result<()> {
        self.lock().append(batch);
        Ok(())
    }
}

/// A source of `n` splits, each read from an iterator of its own, which are spread over the workers.
///
/// A restored job takes the records before its position from the iterator again and drops them, so `split(i)` must
/// give the same records each time.
///
/// ```
/// use malstrom_core::Source;
/// use malstrom_core::connect::memory;
/// let mut source = memory::splits(4, |split| (0..1_000_u64).map(move |n| n * 4 + split as u64));
/// assert_eq!(source.splits()?.len(), 4);
/// # Ok::<(), malstrom_core::Error>(())
/// ```
pub fn splits<F, I>(n: usize, split: F) -> Splits<F>
where
    F: Fn(usize) -> I + 'static,
    I: IntoIterator,
    I::IntoIter: 'static,
{
    Splits { n, split }
}

/// The source that [`splits`] makes.
pub struct Splits<F> {
    n: usize,
    split: F,
}

impl<F> fmt::Debug for Splits<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Splits").field("n", &self.n).finish_non_exhaustive()
    }
}

impl<F, I> Replays for Splits<F>
where
    F: Fn(usize) -> I + 'static,
    I: IntoIterator,
    I::IntoIter: 'static,
    I::Item: 'static,
{
}
impl<F, I> Source for Splits<F>
where
    F: Fn(usize) -> I + 'static,
    I: IntoIterator,
    I::IntoIter: 'static,
    I::Item: 'static,
{
    type Out = I::Item;
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = IterReader<I::IntoIter>;

    /// The splits' numbers, from 0. It never fails.
    fn splits(&mut self) -> Result<Vec<u64>> {
        Ok((0..self.n as u64).collect())
    }

    /// Asks the closure for the split's iterator.
    ///
    /// # Errors
    /// If there is no such split, as when a restored job has fewer than before.
    fn open(&mut self, split: u64, position: Option<u64>) -> Result<Self::Reader> {
        let index = usize::try_from(split).ok().filter(|index| *index < self.n).ok_or_else(|| {
            Error::Config(format!("there is no split {split}: the source has {} of them, counted from 0", self.n))
        })?;
        Ok(IterReader::new((self.split)(index).into_iter(), position))
    }
}
