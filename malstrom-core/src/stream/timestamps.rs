//! `timestamps(..)`: takes the time of each record, and promises what will follow.
//!
//! A promise is made per split, from the greatest time so far; of those the least goes on, together with the records, once
//! per batch.
use super::env::{Clock, Env, Site};
use super::link::Wrap;
use super::signal::{Mark, Signal, SplitNews, sooner};
use super::{At, Push, hands_on};
use crate::contract::form::{Meta, Under};
use crate::contract::time::Time;
use crate::stream::merge::{Input, Merge};
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
    /// The greatest time of the split that is being read.
    greatest: i64,
    current: usize,
    splits: Vec<Split>,
    merge: Merge,
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
    /// Its source makes the promises.
    promised: bool,
    /// Since when it has nothing to give.
    silent: Option<Duration>,
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
            current: 0,
            splits: Vec::new(),
            merge: Merge::new(0),
            clock: env.clock(),
            down,
            site: env.site(self.node),
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
        self.splits.push(Split { number, input, greatest: i64::MIN, promised: false, silent: None });
        self.splits.len() - 1
    }
    /// Reads from the split at this place from now on.
    fn turn_to(&mut self, at: usize) {
        if let Some(split) = self.splits.get_mut(self.current) {
            split.greatest = self.greatest;
        }
        self.current = at;
        self.greatest = self.splits.get(at).map_or(i64::MIN, |split| split.greatest);
    }
    fn remove(&mut self, at: usize) {
        self.splits.swap_remove(at);
        // The last one has moved to its place.
        if self.current == at {
            self.current = usize::MAX;
        } else if self.current == self.splits.len() {
            self.current = at;
        }
    }
    /// What a split says of its times. Returns what that means for all of them.
    fn news(&mut self, number: u64, news: SplitNews) -> Option<Mark> {
        let at = self.place(Some(number));
        let input = self.splits[at].input;
        match news {
            SplitNews::Opens => None,
            SplitNews::Reads => {
                self.turn_to(at);
                None
            }
            SplitNews::Promises(time) => {
                self.splits[at].promised = true;
                self.merge.set(input, Input::At(time))
            }
            SplitNews::Silent => {
                self.splits[at].silent = Some(self.clock.elapsed());
                None
            }
            SplitNews::Rests => self.merge.set(input, Input::Idle),
            SplitNews::Ends => {
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
            Signal::Barrier(_) => Some(signal),
            _ => None,
        };
        if let Some(signal) = signal {
            self.down.signal(signal);
        }
    }
    fn settle(&mut self, arrived: u64) {
        if arrived > 0 {
            if self.current >= self.splits.len() {
                self.current = self.place(None);
            }
            let promise = self.greatest.saturating_sub(self.lag).saturating_sub(1);
            let split = &mut self.splits[self.current];
            split.silent = None;
            if !split.promised
                && let Some(mark) = self.merge.set(split.input, Input::At(promise))
            {
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
                    self.down.signal(Signal::Time(mark));
                }
            }
        }
        sooner(due, self.down.tick(now))
    }
    hands_on!(@state);
    hands_on!(@end);
}
