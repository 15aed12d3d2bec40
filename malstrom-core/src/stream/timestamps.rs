//! `timestamps(..)`: takes the time of each record, and promises what will follow.
//!
//! A promise is made per split, from the greatest time so far; of those the least goes on, together with the records, once
//! per batch.
mod saved;

use super::env::{Clock, Env, Site};
use super::link::Wrap;
use super::signal::{End, Flow, Mark, Signal, SplitNews, sooner};
use super::{At, Push, hands_on};
use crate::contract::extract::time::Watermark;
use crate::contract::form::{Meta, Under};
use crate::contract::snapshot::{Barrier, Task};
use crate::contract::time::{Time, Timestamp};
use crate::state::saved::Figures;
use crate::stream::merge::{Input, Merge};
use saved::{Known, Restored, Row};
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

pub(crate) struct TimestampsStage<F, T> {
    pub(crate) f: F,
    pub(crate) lag: i64,
    pub(crate) idle: Option<Duration>,
    pub(crate) node: usize,
    pub(crate) time: PhantomData<fn() -> T>,
}
struct TimestampsPush<F, T, P> {
    f: F,
    lag: i64,
    idle: Option<Duration>,
    /// The greatest time of the split that is being read, and its place. No place if it is not known which one that is.
    greatest: i64,
    current: usize,
    splits: Vec<Split>,
    merge: Merge,
    restored: Restored,
    /// What follows from what was restored, until it is told.
    resumed: Option<Mark>,
    /// Where it is written how far the splits have come, if it is.
    figures: Option<Figures<Row>>,
    clock: Rc<Clock>,
    down: P,
    site: Site,
    time: PhantomData<fn() -> T>,
}
/// What is known of one split.
#[derive(Debug)]
struct Split {
    number: Option<u64>,
    /// Its place in the merge.
    input: usize,
    greatest: i64,
    /// What its source has promised, if that makes the promises.
    promised: Option<i64>,
    /// Since when it has nothing to give.
    silent: Option<Duration>,
}

/// What people are shown of a mark.
fn shown(mark: Mark) -> Watermark {
    match mark {
        Mark::At(i64::MIN) => Watermark::Unknown,
        Mark::At(time) => Watermark::At(Timestamp::from_micros(time)),
        Mark::Idle(_) => Watermark::Idle,
    }
}

impl<M: Meta, I: 'static, T: Time, F: FnMut(&I) -> T + 'static> Wrap<M, I, Under<M::Key, i64>, I>
    for TimestampsStage<F, T>
{
    fn wrap<P: Push<Under<M::Key, i64>, I>>(self, env: &Env, down: P) -> impl Push<M, I> {
        TimestampsPush::<F, T, P> {
            f: self.f,
            lag: self.lag,
            idle: self.idle,
            greatest: i64::MIN,
            current: usize::MAX,
            splits: Vec::new(),
            merge: Merge::new(0),
            restored: Restored::new(env),
            resumed: None,
            figures: env.tracks().then(|| Figures::new(env.owner(self.node))),
            clock: env.clock(),
            down,
            site: env.site_with_ticks(self.node, T::TICKS),
            time: PhantomData,
        }
    }
}

impl<F, T, P> TimestampsPush<F, T, P> {
    /// The place of a split, which is new if it was not known.
    fn place(&mut self, number: Option<u64>) -> usize {
        if let Some(at) = self.splits.iter().position(|split| split.number == number) {
            return at;
        }
        let input = self.merge.add();
        let known = number.and_then(|number| self.restored.of(number));
        let Known { greatest, promised } = known.unwrap_or(Known { greatest: i64::MIN, promised: None });
        self.splits.push(Split { number, input, greatest, promised, silent: None });
        self.splits.len() - 1
    }
    /// What the split at this place has promised before the job was restored.
    fn resume(&mut self, at: usize) -> Option<Mark> {
        let Split { input, greatest, promised, .. } = *self.splits.get(at)?;
        let promise = match promised {
            Some(promised) => promised,
            None if greatest == i64::MIN => return None,
            None => self.promise(greatest),
        };
        self.merge.set(input, Input::At(promise))
    }
    /// What can be promised behind a record of this time.
    fn promise(&self, greatest: i64) -> i64 {
        greatest.saturating_sub(self.lag).saturating_sub(1)
    }
    /// Reads from the split at this place from now on.
    fn turn_to(&mut self, at: usize) {
        if let Some(split) = self.splits.get_mut(self.current) {
            split.greatest = self.greatest;
        }
        self.current = at;
        self.greatest = self.splits.get(at).map_or(i64::MIN, |split| split.greatest);
    }
    /// A barrier passes: this is how far all have come.
    fn flip(&mut self, barrier: Barrier) {
        if self.figures.is_none() {
            return;
        }
        if self.current >= self.splits.len() && self.greatest > i64::MIN {
            self.current = self.place(None);
        }
        self.turn_to(self.current);
        let known = |split: &Split| (split.number, Known { greatest: split.greatest, promised: split.promised });
        let row = self.restored.row(self.splits.iter().map(known));
        if let Some(figures) = &mut self.figures {
            figures.flip(barrier, row);
        }
    }
    fn remove(&mut self, at: usize) {
        self.splits.swap_remove(at);
        // The last one has moved to its place.
        if self.current == at {
            (self.current, self.greatest) = (usize::MAX, i64::MIN);
        } else if self.current == self.splits.len() {
            self.current = at;
        }
    }
    /// What a split says of its times. Returns what that means for all of them.
    fn news(&mut self, number: u64, news: SplitNews) -> Option<Mark> {
        let at = self.place(Some(number));
        let input = self.splits[at].input;
        match news {
            SplitNews::Opens => self.resume(at),
            SplitNews::Holds => {
                self.merge.forget();
                None
            }
            SplitNews::Reads => {
                self.turn_to(at);
                None
            }
            SplitNews::Promises(time) => {
                // A source that goes on behind a position may not know what it has promised.
                let time = self.splits[at].promised.map_or(time, |before| before.max(time));
                self.splits[at].promised = Some(time);
                self.merge.set(input, Input::At(time))
            }
            SplitNews::Silent => {
                self.splits[at].silent = Some(self.clock.elapsed());
                None
            }
            SplitNews::Rests => self.merge.set(input, Input::Idle),
            SplitNews::Ends | SplitNews::Moves => {
                self.restored.forget(number);
                self.remove(at);
                self.merge.set(input, Input::Ended)
            }
        }
    }
}
impl<M, I, T, F, P> Push<M, I> for TimestampsPush<F, T, P>
where
    M: Meta,
    T: Time,
    F: FnMut(&I) -> T + 'static,
    P: Push<Under<M::Key, i64>, I>,
{
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, record: I) {
        let guard = self.site.guard();
        let time = (self.f)(&record).to_ticks();
        guard.disarm();
        self.greatest = self.greatest.max(time);
        self.down.push(at.with(time), record);
    }
    fn signal(&mut self, signal: Signal) {
        // What its input promised, it promised of other times.
        let signal = match signal {
            Signal::Split(number, news) => self.news(number, news).map(Signal::Time),
            Signal::Barrier(barrier) => {
                self.flip(barrier);
                Some(signal)
            }
            _ => None,
        };
        if let Some(signal) = signal {
            if let Signal::Time(mark) = signal {
                self.site.show(shown(mark));
            }
            self.down.signal(signal);
        }
    }
    fn settle(&mut self, arrived: u64) {
        if arrived > 0 {
            if self.current >= self.splits.len() {
                self.current = self.place(None);
            }
            let promise = self.promise(self.greatest);
            let split = &mut self.splits[self.current];
            split.silent = None;
            if split.promised.is_none()
                && let Some(mark) = self.merge.set(split.input, Input::At(promise))
            {
                self.site.show(shown(mark));
                self.down.signal(Signal::Time(mark));
            }
        }
        self.site.add(|c| {
            c.records_in += arrived;
            c.records_out += arrived;
        });
        self.down.settle(arrived);
    }
    fn tick(&mut self, now: Duration) -> Option<Duration> {
        let mut due = None;
        if let Some(mark) = self.resumed.take() {
            self.site.show(shown(mark));
            self.down.signal(Signal::Time(mark));
        }
        if let Some(idle) = self.idle {
            for split in &mut self.splits {
                let Some(since) = split.silent else { continue };
                let until = since.saturating_add(idle);
                if until > now {
                    due = sooner(due, Some(until));
                    continue;
                }
                split.silent = None;
                if let Some(mark) = self.merge.set(split.input, Input::Idle) {
                    self.site.show(shown(mark));
                    self.down.signal(Signal::Time(mark));
                }
            }
        }
        sooner(due, self.down.tick(now))
    }
    hands_on!(@state);
    fn pump(&mut self) -> Flow {
        self.down.pump()
    }
    fn flush(&mut self) -> bool {
        self.down.flush()
    }
    fn finish(&mut self, end: End) {
        if end == End::Complete {
            self.site.show(Watermark::Ended);
        }
        self.down.finish(end);
    }
    fn persist(&mut self, mut task: Task<'_, '_>) {
        if let Some(figures) = &mut self.figures {
            let rows = figures.persist(task.again());
            if let Task::Take(..) = task {
                self.restored.receive(&rows);
            } else if let Some(greatest) = self.restored.take(&rows) {
                let at = self.place(None);
                self.splits[at].greatest = greatest;
                self.turn_to(at);
                self.resumed = self.resume(at);
            }
        }
        self.down.persist(task);
    }
    hands_on!(@passed);
}

#[cfg(test)]
mod tests;
