//! The splits of sources: which worker reads which.
//!
//! Each process has a pool of those that none of its workers reads. A worker takes from it as long as it reads fewer than its share. A
//! change of the workers is made worker by worker, when the barrier passes the source: whoever reads more than its new share gives
//! the rest back. When all workers of a process have, it gives other processes what these are to read, so many of its own splits that
//! all come to have about as many: each reckons for itself, as if all others had as many as it has.
use super::{Fabric, Links};
use crate::error::{Error, Result};
use crate::exchange::changes::Cut;
use crate::exchange::lines::Lines;
use crate::exchange::message::Kind;
use bytes::Bytes;
use std::collections::{BTreeSet, VecDeque};
use std::sync::PoisonError;

/// A split that nobody reads, as it goes to another process.
pub(crate) trait Parked: Sized + Send + 'static {
    /// In bytes.
    fn write(&self) -> Result<Vec<u8>>;
    /// What [`write`](Parked::write) has written.
    fn read(bytes: &[u8]) -> Result<Self>;
    /// Whether somebody has read of it.
    fn is_begun(&self) -> bool;
}

/// The splits of one source that no worker of this process reads.
struct Pool<W> {
    /// Each with whether a worker has given it back, here or elsewhere.
    waiting: VecDeque<(W, bool)>,
    /// How many splits a worker may read side by side, so that all get some, and how many workers there are here.
    share: usize,
    workers: usize,
    /// How many workers have taken their first splits.
    arrived: usize,
    /// How many splits have not ended, of these and of those that are being read.
    left: usize,
    /// How many splits of the source are to be read side by side at most.
    most: usize,
    /// The last change, and how many workers have given back what others are to read then.
    version: u64,
    gave: usize,
    turn: Turn,
    /// As of which change the others know that none is left.
    told: Option<u64>,
    /// None is left anywhere, so that nothing can come any more: there may be nobody here who would take it in.
    over: bool,
}
/// What a change takes of a process.
#[derive(Default)]
struct Turn {
    /// How many workers here give back what others are to read, and how many other processes give something.
    givers: usize,
    due: usize,
    came: usize,
    /// Who gets how many from here, until they have been given.
    exports: Vec<(u32, usize)>,
    /// The other processes that read behind it.
    others: BTreeSet<u32>,
}

impl<W: Parked> Pool<W> {
    fn new(waiting: VecDeque<(W, bool)>, most: usize, workers: usize) -> Self {
        let left = waiting.len();
        let turn = Turn::default();
        let (version, told, over) = (0, None, false);
        let mut pool = Pool { waiting, share: 1, workers, arrived: 0, left, most, version, gave: 0, turn, told, over };
        pool.reckon();
        pool
    }
    fn exports(&self) -> usize {
        self.turn.exports.iter().map(|(_, count)| count).sum()
    }
    /// How many splits each worker here may read.
    fn reckon(&mut self) {
        let mine = self.left.saturating_sub(self.exports());
        self.share = self.most.min(mine.div_ceil(self.workers.max(1))).max(1);
    }
    /// A change has begun to pass the workers here.
    fn turn_to(&mut self, cut: &Cut, fabric: &Fabric) {
        let version = cut.change.new.version();
        if self.version >= version {
            return;
        }
        (self.version, self.gave) = (version, 0);
        let (old, new) = (cut.change.old.members(), cut.change.new.members());
        let here = |workers: &[usize]| workers.iter().filter(|worker| fabric.has(**worker)).count();
        self.workers = here(new);
        self.turn = Turn { givers: here(old), ..Turn::default() };
        if !fabric.alone {
            let me = fabric.lines.here();
            let (before, mut behind) = (fabric.lines.processes_of(old), fabric.lines.processes_of(new));
            let stays = behind.remove(&me);
            self.turn.due = before.iter().filter(|process| **process != me && stays).count();
            if before.contains(&me) {
                self.turn.exports = exports(self.left, me, cut, &fabric.lines);
            }
            self.turn.others = behind;
        }
        self.reckon();
    }
    /// Takes in what other processes have given.
    fn take_in(&mut self, number: usize, fabric: &Fabric) -> Result<()> {
        if fabric.alone {
            return Ok(());
        }
        for (version, given) in fabric.lines.sources.take_given(source_number(number)?, self.version) {
            let splits: Vec<Vec<u8>> = postcard::from_bytes(&given).map_err(Error::custom)?;
            for split in splits {
                let split = W::read(&split)?;
                let begun = split.is_begun();
                self.waiting.push_front((split, begun));
                self.left += 1;
            }
            // What was given with a change before may come late, and somebody is still to give something with this one.
            self.turn.came += usize::from(version == self.version);
            self.reckon();
        }
        self.note_end(number, fabric)
    }
    /// Whether all that moves with the last change is with who is to read it.
    fn is_settled(&self) -> bool {
        let came = self.over || self.turn.came >= self.turn.due;
        self.gave >= self.turn.givers && came && self.turn.exports.is_empty()
    }
    /// Tells the others when none is left.
    fn note_end(&mut self, number: usize, fabric: &Fabric) -> Result<()> {
        if self.left == 0 && self.is_settled() && self.told != Some(self.version) && !fabric.alone {
            self.told = Some(self.version);
            fabric.lines.tell(Kind::Ended, source_number(number)?, self.version, &Bytes::new());
        }
        Ok(())
    }
    /// Gives other processes what they are to read, when all workers here have given back what they do not read any more.
    fn export(&mut self, number: usize, fabric: &Fabric) -> Result<()> {
        if self.gave != self.turn.givers {
            return Ok(());
        }
        for (process, count) in std::mem::take(&mut self.turn.exports) {
            let mut given = Vec::new();
            for _ in 0..count {
                // Those that nobody has opened, before others are closed here only to be opened there.
                let Some((split, _)) = self.waiting.pop_back() else { break };
                given.push(split.write()?);
                self.left -= 1;
            }
            let given = postcard::to_stdvec(&given).map_err(Error::custom)?;
            fabric.lines.tell_one(process, Kind::Given, source_number(number)?, self.version, given.into());
        }
        self.reckon();
        self.note_end(number, fabric)
    }
}
/// How many of its splits a process gives to each of those that read behind a change, in any order.
fn exports(left: usize, me: u32, cut: &Cut, lines: &Lines) -> Vec<(u32, usize)> {
    let (old, new) = (cut.change.old.members(), cut.change.new.members());
    let (before, behind) = (lines.processes_of(old), lines.processes_of(new));
    let joiners: Vec<u32> = cut.change.joiners().filter_map(|worker| lines.process_of(worker)).collect();
    let leavers: Vec<u32> = before.difference(&behind).copied().collect();
    let leaving = cut.change.leavers().count();
    // Worker by worker: who is to get a split, in turn.
    let (takers, range) = if behind.contains(&me) {
        // What those who leave have goes to those who join. Of the rest each gives its part; together they give what they would if one
        // gave it all.
        let want = joiners.len().saturating_sub(leaving);
        let staying = before.intersection(&behind).copied().collect::<Vec<_>>();
        let rank = staying.iter().position(|process| *process == me).unwrap_or(0);
        let upto = |rank: usize| rank * left * want / new.len().max(1);
        (joiners, upto(rank)..upto(rank + 1))
    } else {
        let rank = leavers.iter().position(|process| *process == me).unwrap_or(0);
        let all = new.iter().filter_map(|worker| lines.process_of(*worker)).collect();
        let takers = if joiners.len() >= leaving { joiners } else { all };
        (takers, rank * left..(rank + 1) * left)
    };
    let mut counts: Vec<(u32, usize)> =
        behind.into_iter().filter(|process| *process != me).map(|process| (process, 0)).collect();
    for at in range {
        let taker = takers.get(at % takers.len().max(1));
        counts.iter_mut().filter(|(process, _)| Some(process) == taker).for_each(|(_, count)| *count += 1);
    }
    counts
}

impl Links {
    /// Says that this worker has taken its first splits of source `number`, and told those downstream.
    pub(crate) fn arrive<W: Parked>(fabric: &Fabric, number: usize) -> Result<()> {
        let all = Self::in_pool::<W, _>(fabric, number, |pool| {
            pool.arrived += 1;
            pool.arrived == fabric.here.len()
        });
        if all == Some(true) {
            fabric.lines.tell(Kind::Arrived, source_number(number)?, 0, &Bytes::new());
            fabric.wake_all();
        }
        Ok(())
    }
    /// Whether all workers have done so.
    pub(crate) fn all_arrived<W: Parked>(fabric: &Fabric, number: usize) -> Result<bool> {
        let source = source_number(number)?;
        let here = Self::in_pool::<W, _>(fabric, number, |pool| pool.arrived >= fabric.here.len());
        Ok(here == Some(true) && fabric.lines.all_arrived(source))
    }

    /// The next split of source `number` to read, if this worker reads fewer than its share, and whether others wait.
    /// The first to ask in the first process lists them, for all processes. Each has its part of them, of which that many at most
    /// are read side by side. Nobody gets any who has not come to the last change, of which some may be, as `version` says: what has been
    /// read of them before that is still under way.
    pub(crate) fn next_split<W: Parked>(
        fabric: &Fabric,
        number: usize,
        (reading, version): (usize, u64),
        list: impl FnOnce(Option<Bytes>) -> Result<Listed<W>>,
    ) -> Result<Next<W>> {
        let mut pools = fabric.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let std::collections::hash_map::Entry::Vacant(place) = pools.entry(number) {
            let ((at, processes), source) = (fabric.share, source_number(number)?);
            let known = if at == 0 { None } else { fabric.lines.sources.splits(source) };
            if at > 0 && known.is_none() {
                return Ok(Next::Unlisted);
            }
            let Listed { waiting, most, all } = list(known)?;
            if at == 0 && processes > 1 {
                fabric.lines.tell(Kind::Splits, source, 0, &all);
            }
            let waiting = waiting.into_iter().skip(at).step_by(processes.max(1));
            let waiting = waiting.map(|split| (split, false)).collect();
            place.insert(Box::new(Pool::<W>::new(waiting, most, fabric.here.len())));
        }
        let Some(pool) = pools.get_mut(&number).and_then(|pool| pool.downcast_mut::<Pool<W>>()) else {
            return Ok(Next::Split(None, false));
        };
        pool.take_in(number, fabric)?;
        let free = |pool: &Pool<W>| pool.waiting.len() > pool.exports();
        let takes = free(pool) && reading < pool.share && version >= pool.version;
        let split = if takes { pool.waiting.pop_front() } else { None };
        Ok(Next::Split(split.map(|(split, _)| split), free(pool)))
    }
    /// A split of source `number` has ended. When it was the last of them, all workers are woken.
    pub(crate) fn split_ends<W: Parked>(fabric: &Fabric, number: usize) -> Result<()> {
        let ended = Self::in_pool::<W, _>(fabric, number, |pool| {
            pool.left = pool.left.saturating_sub(1);
            pool.note_end(number, fabric)?;
            Ok::<bool, Error>(pool.left == 0)
        });
        if ended.transpose()? == Some(true) {
            fabric.wake_all();
        }
        Ok(())
    }
    /// Whether no split of source `number` is left that has not ended, and none can come.
    pub(crate) fn all_ended<W: Parked>(fabric: &Fabric, number: usize) -> Result<bool> {
        let source = source_number(number)?;
        let ended = Self::in_pool::<W, _>(fabric, number, |pool| {
            let told = |process: &u32| fabric.lines.sources.has_ended(source, *process, pool.version);
            let others = || match pool.version {
                0 => fabric.lines.first().iter().all(told),
                _ => pool.turn.others.iter().all(told),
            };
            let ended = pool.left == 0 && pool.is_settled() && (fabric.alone || others());
            pool.over |= ended;
            ended
        });
        Ok(ended == Some(true))
    }
    /// A change passes this worker, which reads so many splits of source `number`: how many of them it goes on reading. If it is in a
    /// process that joins others, `joins` is how many are read side by side at most.
    pub(crate) fn keeps<W: Parked>(
        fabric: &Fabric,
        number: usize,
        cut: &Cut,
        (worker, reads): (usize, usize),
        joins: Option<usize>,
    ) -> usize {
        let mut pools = fabric.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(most) = joins.filter(|_| !fabric.alone) {
            // It has none yet, and lists none.
            pools.entry(number).or_insert_with(|| Box::new(Pool::<W>::new(VecDeque::new(), most, 0)));
        }
        let pool = pools.get_mut(&number).and_then(|pool| pool.downcast_mut::<Pool<W>>());
        // Whoever reads something has seen it listed.
        let Some(pool) = pool else { return reads };
        pool.turn_to(cut, fabric);
        if !cut.change.new.has(worker) {
            return 0;
        }
        let short = pool.exports().saturating_sub(pool.waiting.len());
        reads.min(pool.share).min(reads.saturating_sub(short))
    }
    /// With the last change a worker does not read these splits of source `number` any more: others are to.
    pub(crate) fn give_back<W: Parked>(fabric: &Fabric, number: usize, splits: Vec<W>) -> Result<()> {
        let given = Self::in_pool::<W, _>(fabric, number, |pool| {
            pool.gave += 1;
            // Before those that nobody has opened: time waits for these.
            splits.into_iter().for_each(|split| pool.waiting.push_front((split, true)));
            pool.export(number, fabric)
        });
        fabric.wake_all();
        given.unwrap_or(Ok(()))
    }
    /// Whether, with the change of this version, all have given what others are to read, and what came here is read.
    pub(crate) fn have_moved<W: Parked>(fabric: &Fabric, number: usize, version: u64) -> bool {
        let moved = Self::in_pool::<W, _>(fabric, number, |pool| {
            pool.version > version
                || pool.version == version && pool.is_settled() && !pool.waiting.iter().any(|(_, given)| *given)
        });
        moved.unwrap_or(true)
    }
    fn in_pool<W: Parked, R>(fabric: &Fabric, number: usize, with: impl FnOnce(&mut Pool<W>) -> R) -> Option<R> {
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

#[cfg(test)]
mod tests;
