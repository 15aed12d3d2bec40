//! The splits of sources: which worker reads which.
use super::{Fabric, Links};
use crate::error::{Error, Result};
use crate::exchange::message::Kind;
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::PoisonError;

/// The splits of one source that nobody reads yet.
struct Pool<W> {
    /// Each with whether another worker has given it back.
    waiting: VecDeque<(W, bool)>,
    /// How many splits a worker may read side by side, so that all get some.
    share: usize,
    /// How many workers have taken their first splits.
    arrived: usize,
    /// How many splits have not ended, of these and of those that are being read.
    left: usize,
    /// How many splits of the source are to be read side by side at most.
    most: usize,
    /// Of which change the share is, and how many workers have given back what others are to read then.
    version: u64,
    gave: usize,
}

impl<W> Pool<W> {
    /// So many workers read it from the change of this version on.
    fn turn_to(&mut self, version: u64, workers: usize) {
        if self.version < version {
            (self.version, self.gave) = (version, 0);
            self.share = self.most.min(self.left.div_ceil(workers.max(1))).max(1);
        }
    }
}

impl Links {
    /// Says that this worker has taken its first splits of source `number`, and told those downstream.
    pub(crate) fn arrive<W: 'static>(fabric: &Fabric, number: usize) -> Result<()> {
        let mut pools = fabric.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = pools.get_mut(&number).and_then(|pool| pool.downcast_mut::<Pool<W>>());
        let all = pool.is_some_and(|pool| {
            pool.arrived += 1;
            pool.arrived == fabric.here.len()
        });
        drop(pools);
        if all {
            fabric.lines.tell(Kind::Arrived, source_number(number)?, &Bytes::new());
            fabric.wake_all();
        }
        Ok(())
    }
    /// Whether all workers have done so.
    pub(crate) fn all_arrived<W: 'static>(fabric: &Fabric, number: usize) -> Result<bool> {
        let number = (number, source_number(number)?);
        let mut pools = fabric.pools.lock().unwrap_or_else(PoisonError::into_inner);
        let pool = pools.get_mut(&number.0).and_then(|pool| pool.downcast_mut::<Pool<W>>());
        Ok(pool.is_some_and(|pool| pool.arrived >= fabric.here.len()) && fabric.lines.all_arrived(number.1))
    }

    /// The next split of source `number` to read, if this worker reads fewer than its share, and whether others wait.
    /// The first to ask in the first process lists them, for all processes. Each has its part of them, of which that many at most
    /// are read side by side.
    pub(crate) fn next_split<W: Send + 'static>(
        fabric: &Fabric,
        number: usize,
        reading: usize,
        list: impl FnOnce(Option<Bytes>) -> Result<Listed<W>>,
    ) -> Result<Next<W>> {
        let mut pools = fabric.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let std::collections::hash_map::Entry::Vacant(place) = pools.entry(number) {
            let ((at, processes), source) = (fabric.lines.places.share(), source_number(number)?);
            let known = if at == 0 { None } else { fabric.lines.splits(source) };
            if at > 0 && known.is_none() {
                return Ok(Next::Unlisted);
            }
            let Listed { waiting, most, all } = list(known)?;
            if at == 0 && processes > 1 {
                fabric.lines.tell(Kind::Splits, source, &all);
            }
            let waiting = waiting.into_iter().skip(at).step_by(processes.max(1));
            let waiting: VecDeque<(W, bool)> = waiting.map(|split| (split, false)).collect();
            let share = most.min(waiting.len().div_ceil(fabric.here.len())).max(1);
            let left = waiting.len();
            place.insert(Box::new(Pool { waiting, share, arrived: 0, left, most, version: 0, gave: 0 }));
        }
        let pool = pools.get_mut(&number).and_then(|pool| pool.downcast_mut::<Pool<W>>());
        Ok(pool.map_or(Next::Split(None, false), |pool| {
            let split = if reading < pool.share { pool.waiting.pop_front() } else { None };
            Next::Split(split.map(|(split, _)| split), !pool.waiting.is_empty())
        }))
    }
    /// A split of source `number` has ended. When it was the last of them, all workers are woken.
    pub(crate) fn split_ends<W: 'static>(fabric: &Fabric, number: usize) {
        let left = Self::in_pool::<W, _>(fabric, number, |pool| {
            pool.left = pool.left.saturating_sub(1);
            pool.left
        });
        if left == Some(0) {
            fabric.wake_all();
        }
    }
    /// Whether no split of source `number` is left in this process that has not ended.
    pub(crate) fn all_ended<W: 'static>(fabric: &Fabric, number: usize) -> bool {
        Self::in_pool::<W, _>(fabric, number, |pool| pool.left) == Some(0)
    }
    /// With the change of this version, so many workers read source `number`: how many splits each is to read.
    pub(crate) fn new_share<W: 'static>(fabric: &Fabric, number: usize, version: u64, workers: usize) -> usize {
        let share = Self::in_pool::<W, _>(fabric, number, |pool| {
            pool.turn_to(version, workers);
            pool.share
        });
        share.unwrap_or(1)
    }
    /// With the change of this version a worker does not read these splits of source `number` any more: others are to.
    pub(crate) fn give_back<W: 'static>(fabric: &Fabric, number: usize, splits: Vec<W>) {
        Self::in_pool::<W, _>(fabric, number, |pool| {
            pool.gave += 1;
            // Before those that nobody has opened: time waits for these.
            splits.into_iter().for_each(|split| pool.waiting.push_front((split, true)));
        });
        fabric.wake_all();
    }
    /// Whether, with the change of this version, all of so many workers have given back what others are to read, and others read it.
    pub(crate) fn have_moved<W: 'static>(fabric: &Fabric, number: usize, version: u64, givers: usize) -> bool {
        let moved = Self::in_pool::<W, _>(fabric, number, |pool| {
            pool.version > version
                || pool.version == version && pool.gave >= givers && !pool.waiting.iter().any(|(_, given)| *given)
        });
        moved.unwrap_or(true)
    }
    fn in_pool<W: 'static, R>(fabric: &Fabric, number: usize, with: impl FnOnce(&mut Pool<W>) -> R) -> Option<R> {
        let mut pools = fabric.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.get_mut(&number).and_then(|pool| pool.downcast_mut::<Pool<W>>()).map(with)
    }
}
fn source_number(number: usize) -> Result<u16> {
    u16::try_from(number).map_err(|_| Error::Config("a pipeline has at most 65,536 stages".into()))
}
/// The splits of a source: what there is to read, and how many of them at most are read side by side.
pub(crate) struct Listed<W> {
    pub(crate) waiting: VecDeque<W>,
    pub(crate) most: usize,
    /// All that were listed, in bytes, for other processes.
    pub(crate) all: Bytes,
}
/// What there is to read for a worker.
pub(crate) enum Next<W> {
    /// It is not known yet. The worker is woken when it is.
    Unlisted,
    /// A split, if there is one for it now, and whether others wait.
    Split(Option<W>, bool),
}
