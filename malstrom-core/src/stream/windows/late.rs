//! `window(..)` itself: what comes too late for all of its windows leaves the stream here.
use super::super::call::FailJob;
use super::super::env::{Env, Site};
use super::super::link::Wrap;
use super::super::signal::{End, Flow, Mark, Signal};
use super::super::timing::Progress;
use super::super::{At, Push, hands_on};
use super::Horizon;
use super::sessions::SessionTable;
use crate::contract::code::OfRecord;
use crate::contract::form::{Meta, Stamp};
use crate::contract::key::PartitionKey;
use crate::contract::snapshot::{Barrier, Task};
use crate::contract::time::Timestamp;
use crate::contract::window::Late;
use crate::contract::windows::{Aligned, Counts, Sessions, Spec, Times};
use crate::error::Error;
use crate::state::saved::Figures;
use std::fmt;
use std::time::Duration;

/// Tells which records are late.
pub trait Judge<K>: 'static {
    /// Whether a record is late, at this watermark.
    fn is_late(&mut self, hash: u64, key: &K, time: i64, watermark: i64) -> bool;
    /// Event time has come so far.
    fn advance(&mut self, _: Horizon) {}
    /// A barrier passes.
    fn flip(&mut self, _: Barrier) {}
    /// Does something about what it goes by.
    fn persist(&mut self, _: Task<'_, '_>) {}
}
/// How a kind of windows tells which records are late.
pub trait Judges<K>: Copy + 'static {
    /// What tells.
    type Judge: Judge<K>;
    /// Makes it, for operator `node`.
    fn judge(spec: Spec<Self>, env: &Env, node: usize) -> Self::Judge;
}
impl<K, N: Times> Judge<K> for Spec<Aligned<N>> {
    #[inline(always)]
    fn is_late(&mut self, _: u64, _: &K, time: i64, watermark: i64) -> bool {
        // What is ahead of the watermark needs no division to be on time.
        time <= watermark && self.windows.is_late(time, self.lateness, watermark)
    }
}
impl<K, N: Times> Judges<K> for Aligned<N> {
    type Judge = Spec<Self>;
    fn judge(spec: Spec<Self>, _: &Env, _: usize) -> Spec<Self> {
        spec
    }
}
impl<K> Judge<K> for Spec<Counts> {
    #[inline(always)]
    fn is_late(&mut self, _: u64, _: &K, _: i64, _: i64) -> bool {
        false
    }
}
impl<K> Judges<K> for Counts {
    type Judge = Spec<Self>;
    fn judge(spec: Spec<Self>, _: &Env, _: usize) -> Spec<Self> {
        spec
    }
}
impl<K: PartitionKey> Judge<K> for SessionTable<K, ()> {
    fn is_late(&mut self, hash: u64, key: &K, time: i64, watermark: i64) -> bool {
        if SessionTable::is_late(self, hash, key, time, watermark) {
            return true;
        }
        self.enter((hash, key), time, watermark, || (), |(), ()| ());
        false
    }
    fn advance(&mut self, horizon: Horizon) {
        while self.step(horizon, |_| Some(())).is_some() {}
    }
    fn flip(&mut self, barrier: Barrier) {
        SessionTable::flip(self, barrier);
    }
    fn persist(&mut self, task: Task<'_, '_>) {
        SessionTable::persist(self, task);
    }
}
impl<K: PartitionKey> Judges<K> for Sessions {
    type Judge = SessionTable<K, ()>;
    fn judge(spec: Spec<Self>, env: &Env, node: usize) -> Self::Judge {
        SessionTable::new(spec, env, node, env.tracks().then(OfRecord::new))
    }
}

/// What happens to late records.
pub trait OnLate<M: Meta, T>: 'static {
    /// Takes one.
    fn late(&mut self, at: At<'_, M>, late: Late<T>, site: &Site);
    /// Whether nothing may pass any more, because the job has failed.
    #[inline(always)]
    fn stopped(&self) -> bool {
        false
    }
    /// Takes the news of some that were combined before they came here, and are no records any more.
    fn late_unseen(&mut self, _time: i64, _watermark: i64, _site: &Site) {}
    /// How many records `record` stands for, beside itself.
    #[inline(always)]
    fn further(&self, _record: &T) -> u64 {
        0
    }
    /// Whether they are dropped.
    fn drops(&self) -> bool {
        false
    }
    /// Whether each of them is wanted.
    fn wants_records(&self) -> bool {
        false
    }
    /// See [`Push::pump`].
    fn pump(&mut self) -> Flow {
        Flow::Free
    }
    /// See [`Push::flush`].
    fn flush(&mut self) -> bool {
        false
    }
    /// An interval ends.
    fn barrier(&mut self, _: Barrier) {}
    /// See [`Push::finish`].
    fn finish(&mut self, _: End) {}
}
fn fail(site: &Site, what: fmt::Arguments<'_>, watermark: Timestamp) {
    let message = format!("{what}, at watermark {watermark}");
    site.fail(Error::Operator { operator: site.id.to_string(), message });
}
/// `window(..)?`: the first one ends the job.
impl<M: Meta, T> OnLate<M, T> for FailJob {
    #[cold]
    fn late(&mut self, at: At<'_, M>, late: Late<T>, site: &Site) {
        let time = Timestamp::from_micros(at.stamp.ticks().unwrap_or(0));
        if self.stop() {
            fail(site, format_args!("a record of {time} came when all of its windows had closed"), late.watermark);
        }
    }
    #[cold]
    fn late_unseen(&mut self, time: i64, watermark: i64, site: &Site) {
        let [time, watermark] = [time, watermark].map(Timestamp::from_micros);
        if self.stop() {
            let what = format_args!("a record of {time} or before came when all of its windows had closed");
            fail(site, what, watermark);
        }
    }
    #[inline(always)]
    fn stopped(&self) -> bool {
        self.has_stopped()
    }
}
/// `else drop`.
#[derive(Debug, Default)]
pub struct DropLate;
impl<M: Meta, T> OnLate<M, T> for DropLate {
    fn late(&mut self, _: At<'_, M>, _: Late<T>, _: &Site) {}
    fn drops(&self) -> bool {
        true
    }
}

pub(crate) struct WindowStage<W, O> {
    pub(crate) spec: Spec<W>,
    pub(crate) on_late: O,
    pub(crate) node: usize,
}
struct WindowPush<J, O, P> {
    judge: J,
    on_late: O,
    progress: Progress,
    late: u64,
    /// How many records came beside those that were pushed.
    further: u64,
    /// Where it is written how far time has come, if it is.
    figures: Option<Figures<(i64, u8)>>,
    down: P,
    site: Site,
}
impl<M, T, W, O> Wrap<M, T, M, T> for WindowStage<W, O>
where
    M: Meta,
    T: 'static,
    W: Judges<M::Key>,
    O: OnLate<M, T>,
{
    fn wrap<P: Push<M, T>>(self, env: &Env, down: P) -> impl Push<M, T> {
        let timed = M::Stamp::of(0).ticks().is_some();
        WindowPush {
            judge: W::judge(self.spec, env, self.node),
            on_late: self.on_late,
            progress: Progress::new(env.site(self.node).shown()),
            late: 0,
            further: 0,
            figures: (env.tracks() && timed).then(|| Figures::new(env.owner(self.node))),
            down,
            site: env.site(self.node),
        }
    }
}
impl<M, T, J, O, P> Push<M, T> for WindowPush<J, O, P>
where
    M: Meta,
    T: 'static,
    J: Judge<M::Key>,
    O: OnLate<M, T>,
    P: Push<M, T>,
{
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, record: T) {
        if self.on_late.stopped() {
            return;
        }
        if let Some(time) = at.stamp.ticks()
            && self.judge.is_late(at.hash, at.key, time, self.progress.time)
        {
            let further = self.on_late.further(&record);
            self.further += further;
            self.late += 1 + further;
            let watermark = Timestamp::from_micros(self.progress.time);
            self.on_late.late(at, Late { record, watermark }, &self.site);
            return;
        }
        self.further += self.on_late.further(&record);
        self.down.push(at, record);
    }
    fn signal(&mut self, signal: Signal) {
        self.progress.note(signal);
        if let Signal::Time(Mark::At(time) | Mark::Idle(time)) = signal {
            self.judge.advance(Horizon::Watermark(time));
        }
        if let Signal::Barrier(barrier) = signal {
            if let Some(figures) = &mut self.figures {
                figures.flip(barrier, self.progress.saved());
            }
            self.judge.flip(barrier);
            self.on_late.barrier(barrier);
        }
        self.down.signal(signal);
    }
    hands_on!(@state);
    fn pump(&mut self) -> Flow {
        self.down.pump().and(self.on_late.pump())
    }
    fn tick(&mut self, now: Duration) -> Option<Duration> {
        self.down.tick(now)
    }
    fn settle(&mut self, arrived: u64) {
        let late = std::mem::take(&mut self.late);
        let arrived = arrived + std::mem::take(&mut self.further);
        self.site.add(|c| {
            c.records_in += arrived;
            c.records_out += arrived - late;
            c.late += late;
            c.dropped += if self.on_late.drops() { late } else { 0 };
        });
        self.down.settle(arrived - late);
    }
    fn flush(&mut self) -> bool {
        self.down.flush() | self.on_late.flush()
    }
    fn finish(&mut self, end: End) {
        self.on_late.finish(end);
        self.down.finish(end);
    }
    fn persist(&mut self, mut task: Task<'_, '_>) {
        if let Some(figures) = &mut self.figures {
            let workers = figures.persist(task.again());
            self.progress.resume(workers.into_iter());
            self.judge.persist(task.again());
        }
        self.down.persist(task);
    }
    hands_on!(@passed);
}
