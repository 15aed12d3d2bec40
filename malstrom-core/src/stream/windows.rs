//! Stages on streams that are cut into windows.
//!
//! A `Host` keeps state per key and window, and hands it on when windows close. `HostPush` puts it into a fused chain:
//! it holds back a signal until all that the signal closes has been handed on, a slice at a time. So when a barrier passes,
//! nothing is half done that would have to be saved.
mod around;
pub(crate) mod counted;
pub(crate) mod figures;
mod host;
pub(crate) mod join;
pub mod late;
pub mod operators;
pub(crate) mod panes;
pub mod sessions;
pub(crate) mod tables;

pub(crate) use around::{Around, Branches, Rest};
pub use host::Horizon;
pub(crate) use host::{Host, horizon};

use super::aggregate::unwritten;
use super::env::{Clock, Env, Site};
use super::link::Wrap;
use super::signal::{End, Flow, Mark, Signal};
use super::timing::{Progress, SLICE};
use super::{At, Push};
use crate::contract::extract::time::Watermark;
use crate::contract::form::Meta;
use crate::contract::snapshot::{Barrier, Task};
use crate::error::Error;
use crate::state::saved::Figures;
use crate::state::table::Ranks;
use figures::{Reached, Row};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// How values `V` of operator `node` are written, where snapshots are on. If that is not known, the job cannot start.
pub(crate) fn codec<V, C>(env: &Env, node: usize, codec: impl FnOnce() -> Option<C>) -> Option<C> {
    if !env.tracks() {
        return None;
    }
    let codec = codec();
    if codec.is_none() {
        let site = env.site(node);
        site.fail(unwritten::<V>(&site.id));
    }
    codec
}

/// A host as a stage; `make` makes it on a worker.
pub(crate) struct HostStage<B, X> {
    pub(crate) make: B,
    pub(crate) around: X,
    pub(crate) node: usize,
}
pub(crate) struct HostPush<H, X, P> {
    host: H,
    rest: Rest<X, P>,
    /// Signals of which something is left to do, the first of them in force.
    held: VecDeque<Signal>,
    kept: Option<Kept>,
}
/// What is written of a host that belongs to no key.
struct Kept {
    figures: Figures<Row>,
    ranks: Ranks,
}
impl<M, T, H, B, X> Wrap<M, T, M, H::Out> for HostStage<B, X>
where
    M: Meta,
    T: 'static,
    H: Host<M, T, X>,
    B: FnOnce(&Env) -> H + 'static,
    X: Around<M>,
{
    fn wrap<P: Push<M, H::Out>>(self, env: &Env, down: P) -> impl Push<M, T> {
        let kept = || Kept { figures: Figures::new(env.owner(self.node)), ranks: env.ranks() };
        let kept = env.tracks().then(kept);
        let push = HostPush::new((self.make)(env), self.around, down, env.clock(), env.site(self.node));
        HostPush { kept, ..push }
    }
}

impl<H, X, P> HostPush<H, X, P> {
    /// A host of which nothing is saved.
    pub(crate) fn new(host: H, around: X, down: P, clock: Rc<Clock>, site: Site) -> Self {
        let rest = Rest { around, down, emitted: 0, progress: Progress::new(site.shown()), clock, site };
        HostPush { host, rest, held: VecDeque::new(), kept: None }
    }
    /// Puts a signal in force. Whether there is something to do for it.
    fn begin<M: Meta, T>(&mut self, signal: Signal) -> bool
    where
        H: Host<M, T, X>,
    {
        self.rest.progress.note(signal);
        self.host.horizon(signal).is_some_and(|horizon| self.host.due(horizon))
    }
    fn hand_on<M: Meta, T>(&mut self, signal: Signal)
    where
        H: Host<M, T, X>,
        X: Around<M>,
        P: Push<M, H::Out>,
    {
        match signal {
            Signal::End(end) => {
                self.rest.around.finish(end);
                self.rest.down.finish(end);
            }
            signal => {
                if let Signal::Barrier(barrier) = signal {
                    self.flip::<M, T>(barrier);
                }
                let signal = match signal {
                    Signal::Time(Mark::At(time)) => Signal::Time(Mark::At(self.host.promise(time))),
                    Signal::Time(Mark::Idle(time)) => Signal::Time(Mark::Idle(self.host.promise(time))),
                    other => other,
                };
                self.rest.around.signal(signal);
                self.rest.down.signal(signal);
            }
        }
    }
    fn flip<M: Meta, T>(&mut self, barrier: Barrier)
    where
        H: Host<M, T, X>,
    {
        let HostPush { host, rest, kept: Some(kept), .. } = self else { return };
        let (windows, lateness) = host.terms();
        let (saved, arrivals) = (rest.progress.saved(), host.arrivals().map_or(0, |last| *last));
        kept.figures.flip(barrier, (windows, lateness, saved, arrivals, figures::runs(&kept.ranks)));
        host.flip(barrier);
    }
    /// Takes in what was saved that belongs to no key.
    fn resume<M: Meta, T>(&mut self, rows: Vec<Row>, halvings: u32) -> Result<Reached, Error>
    where
        H: Host<M, T, X>,
    {
        let key_groups = self.kept.as_ref().map(|kept| kept.ranks.key_groups()).unwrap_or_default();
        let reached =
            Reached::of(&rows, &self.host.terms().0, halvings, key_groups).map_err(|error| Error::Restore {
                operator: self.rest.site.id.to_string(),
                what: "the windows".to_owned(),
                cause: Box::new(error),
            })?;
        self.rest.progress.resume(rows.iter().map(|(_, _, saved, ..)| *saved));
        if let Some(last) = self.host.arrivals() {
            *last = rows.iter().map(|(_, _, _, arrivals, _)| *arrivals).fold(*last, u64::max);
        }
        Ok(reached)
    }
    /// What was restored or taken in may have windows that others had closed, at the time that is now that of all.
    fn catch_up<M: Meta, T>(&mut self)
    where
        H: Host<M, T, X>,
    {
        let Progress { time, watermark, .. } = self.rest.progress;
        if watermark == Watermark::Ended {
            return;
        }
        let mark = if watermark == Watermark::Idle { Mark::Idle(time) } else { Mark::At(time) };
        let signal = Signal::Time(mark);
        if time > i64::MIN && self.begin::<M, T>(signal) {
            self.held.push_back(signal);
        }
    }
}

impl<M, T, H, X, P> Push<M, T> for HostPush<H, X, P>
where
    M: Meta,
    T: 'static,
    H: Host<M, T, X>,
    X: Around<M>,
    P: Push<M, H::Out>,
{
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, record: T) {
        if self.rest.around.stopped() {
            return;
        }
        self.host.record(at, record, &mut self.rest);
    }
    fn signal(&mut self, signal: Signal) {
        if !self.held.is_empty() || self.begin::<M, T>(signal) {
            self.held.push_back(signal);
        } else {
            self.hand_on::<M, T>(signal);
        }
    }
    #[inline(always)]
    fn touch(&self, hash: u64) {
        self.host.touch(hash);
        self.rest.down.touch(hash);
    }
    #[inline(always)]
    fn worth_touching(&self) -> bool {
        self.host.worth_touching() || self.rest.down.worth_touching()
    }
    #[inline(always)]
    fn full(&self) -> bool {
        self.rest.down.full()
    }
    fn pump(&mut self) -> Flow {
        let flow = self.rest.down.pump().and(self.rest.around.pump());
        let Some(signal) = self.held.front().copied().filter(|_| flow.is_free()) else { return flow };
        let horizon = self.host.horizon(signal);
        let site = self.rest.site.clone();
        let guard = site.guard();
        for _ in 0..SLICE {
            if !horizon.is_some_and(|horizon| self.host.close(horizon, &mut self.rest)) {
                self.held.pop_front();
                self.hand_on::<M, T>(signal);
                if let Some(next) = self.held.front().copied() {
                    self.begin::<M, T>(next);
                }
                break;
            }
            if self.rest.down.full() || self.rest.around.stopped() {
                break;
            }
        }
        guard.disarm();
        match self.rest.down.pump().and(self.rest.around.pump()) {
            Flow::Full => Flow::Full,
            _ => Flow::Busy,
        }
    }
    fn tick(&mut self, now: Duration) -> Option<Duration> {
        self.rest.down.tick(now)
    }
    fn settle(&mut self, arrived: u64) {
        self.host.settled(arrived, &mut self.rest);
        let emitted = std::mem::take(&mut self.rest.emitted);
        self.rest.site.add(|c| {
            c.records_in += arrived;
            c.records_out += emitted;
        });
        self.rest.around.settle(&self.rest.site);
        self.rest.down.settle(emitted);
    }
    fn flush(&mut self) -> bool {
        self.host.flush(&mut self.rest) | self.rest.down.flush() | self.rest.around.flush()
    }
    fn finish(&mut self, end: End) {
        self.signal(Signal::End(end));
    }
    fn persist(&mut self, mut task: Task<'_, '_>) {
        if let Some(kept) = &mut self.kept {
            let (rows, mut reached) = (kept.figures.persist(task.again()), Reached::default());
            match &task {
                Task::Give(_, groups) => kept.ranks = kept.ranks.without(groups),
                Task::Take(_, groups) => kept.ranks = kept.ranks.moved(groups),
                Task::Save(_) | Task::Settle(_) | Task::Load(_) => {}
            }
            let others = !rows.is_empty();
            if let Task::Load(book) | Task::Take(book, _) = &mut task {
                match self.resume::<M, T>(rows, book.halvings()) {
                    Ok(resumed) => reached = resumed,
                    Err(error) => book.fail(error),
                }
            }
            self.host.persist(task.again(), &reached);
            if others {
                self.catch_up::<M, T>();
            }
        }
        self.rest.down.persist(task);
    }
    fn passed(&self) -> u64 {
        self.rest.down.passed()
    }
}

#[cfg(test)]
mod tests;
