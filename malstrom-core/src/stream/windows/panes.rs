//! Aggregates in windows of one size (`tumbling`, `sliding`, `global`).
//!
//! Windows share panes: a record is added to one pane, however many windows it belongs to. A window of a few panes that
//! closes is read off all of them side by side. One of many is put together by two stacks: suffixes of older panes, merged
//! once when the stack is filled, and one running merge of the newer ones. So a window costs a few merges per key, however
//! many panes it has. Aggregates whose states do not merge (`fold`) have a pane per window instead, and a record goes to
//! each.
mod runs;
mod stacks;

use super::figures::{Closed, Reached};
use super::tables::Tables;
use super::{Horizon, Host, Rest, codec};
use crate::contract::form::{Meta, Stamp};
use crate::contract::key::PartitionKey;
use crate::contract::record::CodecError;
use crate::contract::snapshot::{Barrier, Task};
use crate::contract::window::Window;
use crate::contract::windows::{Aligned, Lateness, Pane, Spec, Times};
use crate::state::table::Ranks;
use crate::stream::aggregate::Aggregate;
use crate::stream::env::{Env, Site};
use crate::stream::{At, Push};
use runs::{Copying, MOST, Runs};
use stacks::{Filling, Stacks};
use std::marker::PhantomData;

/// How many emptied tables are kept for panes to come.
const SPARE: usize = 4;
/// How many merges a step may come to.
const AT_A_TIME: usize = 4;

pub(crate) struct PaneHost<K, T, A: Aggregate<K, T>, N, L> {
    aggregate: A,
    spec: Spec<Aligned<N>>,
    ranks: Ranks,
    /// By index.
    panes: Tables<K, A::Kept, Pane>,
    /// The pane of the last record, if it is still the one at this place.
    hot: Option<usize>,
    closed: Closed,
    closing: Option<Closing>,
    runs: Runs<K, A::Kept>,
    stacks: Stacks<K, A::Kept>,
    types: PhantomData<fn(T, L)>,
}
/// A window that is being handed on.
struct Closing {
    window: i128,
    /// As users see it, and its last tick.
    shown: Window,
    last: i64,
    /// What is left to do before its first key can be.
    building: Option<Building>,
    /// Whether it is in the stacks.
    stacked: bool,
    /// How many merges were done for the last keys beyond one for each, which count as steps.
    debt: usize,
    /// How many slots have been handed on, of the older panes and then of the newer ones.
    older: usize,
    newer: usize,
}
/// How a window is put together.
enum Building {
    Runs(Copying),
    Stacks(Filling),
}
impl<K: PartitionKey, T: 'static, A: Aggregate<K, T>, N: Times, L: Lateness> PaneHost<K, T, A, N, L> {
    /// That of operator `node`.
    pub(crate) fn new(aggregate: A, spec: Spec<Aligned<N>>, env: &Env, node: usize) -> Self {
        let codec = codec::<A::Kept, _>(env, node, || aggregate.codec());
        PaneHost {
            aggregate,
            spec,
            ranks: env.ranks(),
            panes: Tables::new(env, node, SPARE, codec),
            hot: None,
            closed: Closed::default(),
            closing: None,
            runs: Runs::new(),
            stacks: Stacks::new(env.ranks()),
            types: PhantomData,
        }
    }
    /// Whether windows are put together from panes, or have one each.
    const SHARED: bool = A::MERGES || !N::MANY;

    /// The first and the last window that a pane is part of.
    fn windows(&self, index: i128) -> (i128, i128) {
        if Self::SHARED { self.spec.windows.windows(index) } else { (index, index) }
    }
    /// Adds a record to a pane that is not the one of the record before, or that may have closed for some windows.
    #[cold]
    #[inline(never)]
    fn add<M, P, X>(&mut self, at: At<'_, M>, time: i64, record: T, rest: &mut Rest<X, P>)
    where
        M: Meta<Key = K>,
        P: Push<M, A::Closed>,
    {
        let watermark = rest.progress.time;
        // Around the end of a pane, records of two panes mix: no division is needed to find one that is there.
        if Self::SHARED
            && time > watermark
            && let Some(place) = self.panes.list().iter().position(|filled| filled.of.holds(time))
        {
            self.hot = Some(place);
            return self.apply(place, at, record, &rest.site);
        }
        let now = Horizon::Watermark(watermark);
        let spec = self.spec.windows;
        let pane = spec.pane(time);
        let windows = spec.windows(pane.index);
        if Self::SHARED {
            let place = self.panes.place(pane.index, || pane);
            self.hot = Some(place);
            self.runs.forget(pane.index);
            self.stacks.forget(pane.index);
            self.apply(place, at, record, &rest.site);
        } else {
            let mut record = Some(record);
            for window in windows.0..=windows.1 {
                if now.is_over(&self.spec, window) {
                    continue;
                }
                let place = self.panes.place(window, || pane);
                let copy = if window < windows.1 { record.as_ref().and_then(|r| self.aggregate.copy(r)) } else { None };
                if let Some(record) = copy.or_else(|| record.take()) {
                    self.apply(place, at, record, &rest.site);
                }
            }
        }
        if L::ANY && time <= watermark {
            for window in windows.0..=windows.1 {
                if now.closes(spec.last(window)) && !now.is_over(&self.spec, window) {
                    self.correct(window, at, rest);
                }
            }
        }
    }
    #[inline(always)]
    fn apply<M: Meta<Key = K>>(&mut self, place: usize, at: At<'_, M>, record: T, site: &Site) {
        let guard = site.guard();
        if let Some(filled) = self.panes.at(place) {
            let kept = filled.table.entry(at.hash, at.key, || self.aggregate.fresh());
            self.aggregate.add(kept, record);
        }
        guard.disarm();
    }
    /// Hands on the result of a window that had closed before, for one key.
    fn correct<M, P, X>(&mut self, window: i128, at: At<'_, M>, rest: &mut Rest<X, P>)
    where
        M: Meta<Key = K>,
        P: Push<M, A::Closed>,
    {
        let (from, to) = if Self::SHARED { self.spec.windows.panes(window) } else { (window, window + 1) };
        let mut all: Option<A::Kept> = None;
        let guard = rest.site.guard();
        for filled in self.panes.list() {
            if (from..to).contains(&filled.number)
                && let Some(kept) = filled.table.peek(at.hash, at.key)
            {
                match &mut all {
                    None => all = Some(kept.clone()),
                    Some(all) => self.aggregate.merge(all, kept.clone()),
                }
            }
        }
        guard.disarm();
        if let Some(mut kept) = all {
            // Each record that came since the window has closed had it handed on.
            self.aggregate.told_but_last(&mut kept);
            let (shown, last) = (self.spec.windows.window(window), self.spec.windows.last(window));
            self.emit::<M, P, X>((shown, last), at.hash, at.key, kept, rest);
        }
    }
    #[inline]
    fn emit<M, P, X>(&mut self, (shown, last): (Window, i64), hash: u64, key: &K, kept: A::Kept, rest: &mut Rest<X, P>)
    where
        M: Meta<Key = K>,
        P: Push<M, A::Closed>,
    {
        self.aggregate.close(kept, key, shown, |out| rest.emit::<M, _>(hash, key, last, out));
    }
    /// The next window that closes.
    fn next(&self) -> Option<i128> {
        self.panes.windows().find_map(|index| {
            let (first, last) = self.windows(index);
            let next = self.closed.upto().map_or(first, |closed| first.max(closed + 1));
            (next <= last).then_some(next)
        })
    }
    /// Begins to hand on a window, which has to be put together if it has several panes.
    fn begin(&mut self, window: i128) {
        let (shown, last) = (self.spec.windows.window(window), self.spec.windows.last(window));
        let mut closing = Closing { window, shown, last, building: None, stacked: false, debt: 0, older: 0, newer: 0 };
        if Self::SHARED && N::MANY {
            let (from, to) = self.spec.windows.panes(window);
            let place = |index| self.panes.list().partition_point(|filled| filled.number < index);
            let (first, end) = (place(from), place(to));
            closing.stacked = end - first > MOST;
            closing.building = Some(if closing.stacked {
                self.runs.clear();
                Building::Stacks(self.stacks.begin(self.panes.list(), (from, to)))
            } else {
                self.stacks.clear();
                Building::Runs(self.runs.begin((from, to), first))
            });
        }
        self.closing = Some(closing);
    }
    /// Puts some more of the window together.
    fn fill(&mut self) {
        let Some(closing) = &mut self.closing else { return };
        let more = match &mut closing.building {
            Some(Building::Runs(copying)) => self.runs.copy(copying, self.panes.list()),
            Some(Building::Stacks(filling)) => {
                self.stacks.fill::<T, A, _>(filling, self.panes.list(), &mut self.aggregate)
            }
            None => false,
        };
        if !more {
            closing.building = None;
        }
    }
    /// Hands on the next key of the window that is closing. `false` if there is none left.
    fn step<M, P, X>(&mut self, rest: &mut Rest<X, P>) -> bool
    where
        M: Meta<Key = K>,
        P: Push<M, A::Closed>,
    {
        let Some(closing) = &mut self.closing else { return false };
        let (number, window) = (closing.window, (closing.shown, closing.last));
        if !Self::SHARED || !N::MANY {
            let index = if Self::SHARED { self.spec.windows.panes(number).0 } else { number };
            let Some(table) = self.panes.get(index) else { return false };
            while closing.older < table.slots() {
                closing.older += 1;
                let slot = table.slots() - closing.older;
                // Without lateness, nobody will ask for it again.
                let next = match L::ANY {
                    false => table.clear_slot(slot),
                    true => table.slot(slot).map(|(hash, key, kept)| (hash, key.clone(), kept.clone())),
                };
                if let Some((hash, key, kept)) = next.filter(|(hash, ..)| !self.closed.is_ahead(number, *hash)) {
                    self.emit::<M, P, X>(window, hash, &key, kept, rest);
                    return true;
                }
            }
            return false;
        }
        if !closing.stacked {
            if closing.debt >= AT_A_TIME {
                closing.debt -= AT_A_TIME;
                return true;
            }
            while let Some((hash, key, kept, merges)) = self.runs.next::<T, A>(&mut self.aggregate) {
                closing.debt += merges;
                if !self.closed.is_ahead(number, hash) {
                    self.emit::<M, P, X>(window, hash, &key, kept, rest);
                    return true;
                }
            }
            return false;
        }
        let (mut older, newer) = self.stacks.tables();
        if let Some(older) = &older {
            while closing.older < older.slots() {
                closing.older += 1;
                let next = older.slot(closing.older - 1).filter(|(hash, ..)| !self.closed.is_ahead(number, *hash));
                let Some((hash, key, kept)) = next else { continue };
                let (key, mut kept) = (key.clone(), kept.clone());
                if let Some(later) = newer.get(hash, &key) {
                    self.aggregate.merge(&mut kept, later.clone());
                }
                self.emit::<M, P, X>(window, hash, &key, kept, rest);
                return true;
            }
        }
        while closing.newer < newer.slots() {
            closing.newer += 1;
            let next = newer.slot(closing.newer - 1).filter(|(hash, ..)| !self.closed.is_ahead(number, *hash));
            let Some((hash, key, kept)) = next else { continue };
            if older.as_mut().is_some_and(|older| older.get(hash, key).is_some()) {
                continue;
            }
            let (key, kept) = (key.clone(), kept.clone());
            self.emit::<M, P, X>(window, hash, &key, kept, rest);
            return true;
        }
        false
    }
    /// All windows up to the horizon have closed, those that held nothing too.
    fn pass(&mut self, horizon: Horizon) {
        self.closed.reach(horizon.ended(&self.spec.windows));
    }
    /// The groups are others than before: what was put together from panes has to be put together anew.
    fn lay_out(&mut self, ranks: Ranks) {
        self.hot = None;
        self.runs.clear();
        self.stacks = Stacks::new(ranks.clone());
        self.ranks = ranks;
    }
    /// Lets go of panes that no window needs any more.
    fn release(&mut self, horizon: Horizon) {
        self.hot = None;
        let spec = self.spec;
        self.panes
            .release(|index| horizon.is_over(&spec, if Self::SHARED { spec.windows.windows(index).1 } else { index }));
        if horizon == Horizon::End {
            self.panes.begin_anew();
        }
    }
}
impl<M, K, T, A, N, L, X> Host<M, T, X> for PaneHost<K, T, A, N, L>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
    N: Times,
    L: Lateness,
    X: 'static,
{
    type Out = A::Closed;
    #[inline(always)]
    fn record<P: Push<M, A::Closed>>(&mut self, at: At<'_, M>, record: T, rest: &mut Rest<X, P>) {
        // A stream without time has but one window.
        let time = at.stamp.ticks().unwrap_or(0);
        let guard = rest.site.guard();
        if Self::SHARED
            && let Some(place) = self.hot
            && let Some(filled) = self.panes.at(place)
            && filled.of.holds(time)
            && time > rest.progress.time
        {
            let kept = filled.table.entry(at.hash, at.key, || self.aggregate.fresh());
            self.aggregate.add(kept, record);
            guard.disarm();
            return;
        }
        guard.disarm();
        self.add::<M, P, X>(at, time, record, rest);
    }
    fn due(&mut self, horizon: Horizon) -> bool {
        let closes = self.next().is_some_and(|window| horizon.closes(self.spec.windows.last(window)));
        if !closes {
            self.pass(horizon);
        }
        closes || L::ANY && !self.panes.is_empty()
    }
    fn close<P: Push<M, A::Closed>>(&mut self, horizon: Horizon, rest: &mut Rest<X, P>) -> bool {
        if let Some(closing) = &self.closing {
            let window = closing.window;
            if closing.building.is_some() {
                self.fill();
            } else if !self.step::<M, P, X>(rest) {
                self.closing = None;
                self.closed.reach(Some(window));
            }
            return true;
        }
        match self.next().filter(|window| horizon.closes(self.spec.windows.last(*window))) {
            Some(window) => {
                self.begin(window);
                true
            }
            None => {
                self.pass(horizon);
                self.release(horizon);
                false
            }
        }
    }
    #[inline(always)]
    fn touch(&self, hash: u64) {
        if let Some(filled) = self.hot.and_then(|at| self.panes.list().get(at)) {
            filled.table.touch(hash);
        }
    }
    #[inline(always)]
    fn worth_touching(&self) -> bool {
        self.hot.and_then(|at| self.panes.list().get(at)).is_some_and(|filled| filled.table.worth_touching())
    }
    fn terms(&self) -> (String, i64) {
        let what = if Self::SHARED { "panes of windows" } else { "windows" };
        (format!("{what} of {}", self.spec.windows), self.spec.lateness)
    }
    fn arrivals(&mut self) -> Option<&mut u64> {
        self.aggregate.arrivals()
    }
    // A window that is closing holds barriers back, and stacks follow from the panes.
    fn flip(&mut self, barrier: Barrier) {
        self.panes.flip(barrier);
    }
    fn persist(&mut self, task: Task<'_, '_>, reached: &Reached) {
        let loads = matches!(task, Task::Load(_));
        let Spec { windows, lateness } = self.spec;
        match &task {
            Task::Give(_, groups) => self.lay_out(self.ranks.without(groups)),
            Task::Take(_, groups) => {
                self.closed.take(reached, &windows, &self.ranks, groups);
                self.lay_out(self.ranks.moved(groups));
            }
            Task::Save(_) | Task::Settle(_) | Task::Load(_) => {}
        }
        let was = Spec { windows, lateness: reached.lateness };
        self.panes.persist(task, |group, index| {
            let pane = if Self::SHARED {
                windows.pane_at(index)
            } else {
                // Nobody asks which times it holds.
                windows.has_window(index).then_some(Pane { index, first: 0, last: 0 })
            };
            let pane = pane.ok_or_else(|| CodecError::new("it has a window that no time lies in"))?;
            let last = if Self::SHARED { windows.windows(index).1 } else { index };
            Ok(Some(pane).filter(|_| !reached.horizon(group).is_over(&was, last)))
        });
        if loads {
            self.closed = Closed::resume(reached, &windows, &self.ranks);
            if was.lateness != lateness {
                self.panes.begin_anew();
            }
        }
    }
}
