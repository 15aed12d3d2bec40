//! Sessions: per key, windows that grow and merge while records come in, and that end where none comes for a while.
mod written;

use super::figures::Reached;
use super::{Horizon, Host, Rest};
use crate::contract::code::Codec;
use crate::contract::form::{Meta, Stamp};
use crate::contract::key::PartitionKey;
use crate::contract::snapshot::{Barrier, Part, Task};
use crate::contract::window::Window;
use crate::contract::windows::{Lateness, Sessions, Spec};
use crate::state::saved::{Chapter, Layout};
use crate::state::table::StateTable;
use crate::stream::aggregate::Aggregate;
use crate::stream::env::Env;
use crate::stream::{At, Push};
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::Range;

pub(crate) use written::OfTimed;
use written::{OfGathered, OfRuns};

/// A run of records of one key.
#[derive(Debug)]
pub(crate) struct Run<V> {
    /// By what the agenda knows it.
    id: u64,
    pub(crate) first: i64,
    pub(crate) last: i64,
    fired: bool,
    pub(crate) kept: V,
}
/// The sessions of all keys of a worker.
pub struct SessionTable<K, V> {
    spec: Spec<Sessions>,
    table: StateTable<K, Vec<Run<V>>>,
    /// When to look at a session next: by its last tick, then in order.
    agenda: BTreeMap<(i64, u64), (u64, K, u64)>,
    next: u64,
    /// Where it is written to, if it is. The agenda follows from the sessions.
    chapter: Option<Chapter>,
}
/// What has become of a session whose time has come.
pub(crate) enum Outcome<K, V> {
    /// Its window closes: this is what it has come to, for this key and its hash.
    Closes(u64, K, Window, i64, V),
    /// Nothing for now.
    Nothing,
}

impl<K, V> std::fmt::Debug for SessionTable<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SessionTable({} keys)", self.table.len())
    }
}
/// The sessions of a key that a record at `time` belongs to or joins: they lie side by side.
fn touched<V>(windows: Sessions, runs: &[Run<V>], time: i64) -> Range<usize> {
    let from = runs.partition_point(|run| run.last < time && !windows.near(run.last, time));
    let to = runs.partition_point(|run| run.first <= time || windows.near(time, run.first));
    from..to.max(from)
}
impl<K: PartitionKey, V: 'static> SessionTable<K, V> {
    /// That of operator `node`. With a `codec` it is saved.
    pub(crate) fn new(spec: Spec<Sessions>, env: &Env, node: usize, codec: Option<impl Codec<V>>) -> Self {
        let (mut table, mut chapter) = (StateTable::new(env.ranks()), None);
        if let Some(codec) = codec.map(OfRuns) {
            chapter = Some(Chapter::new(env.owner(node), Part::State, Layout::of_entries::<K, _>(&codec)));
            table.track(codec);
        }
        SessionTable { spec, table, agenda: BTreeMap::new(), next: 0, chapter }
    }
    /// A barrier passes.
    pub(crate) fn flip(&mut self, barrier: Barrier) {
        if let Some(chapter) = &mut self.chapter {
            chapter.flip_table(&mut self.table, barrier);
        }
    }
    /// Does something about the sessions.
    pub(crate) fn persist(&mut self, task: Task<'_, '_>) {
        let Some(chapter) = &mut self.chapter else { return };
        if let Task::Give(_, groups) = &task {
            let key_groups = self.table.key_groups();
            self.agenda.retain(|_, (hash, ..)| !groups.contains(key_groups.of(*hash)));
        }
        let come = chapter.persist_table(&mut self.table, task);
        come.into_iter().for_each(|group| self.enlist_group(group));
    }
    /// Puts every session of a group on the agenda.
    fn enlist_group(&mut self, group: u16) {
        let SessionTable { spec: Spec { windows, lateness }, table, agenda, next, .. } = self;
        for (hash, key, runs) in table.iter_group_unseen(group) {
            for run in runs {
                *next += 1;
                run.id = *next;
                let closes = windows.last(run.last);
                let at = if run.fired { closes.saturating_add(*lateness) } else { closes };
                agenda.insert((at, *next), (hash, key.clone(), run.id));
            }
        }
    }
    pub(crate) fn windows(&self) -> Sessions {
        self.spec.windows
    }
    /// Whether the session that a record at `time` would belong to has been closed for its lateness.
    pub(crate) fn is_late(&self, hash: u64, key: &K, time: i64, watermark: i64) -> bool {
        let Spec { windows, lateness } = self.spec;
        let over = |last: i64| Horizon::Watermark(watermark).closes(windows.last(last).saturating_add(lateness));
        if !over(time) {
            return false;
        }
        let runs = self.table.peek(hash, key).map_or(&[][..], |runs| &**runs);
        let joined = &runs[touched(windows, runs, time)];
        over(joined.last().map_or(time, |run| run.last.max(time)))
    }
    /// The session of a record at `time`. Those that it joins are made one by `merge`, the earlier one first.
    /// Also says whether its window has closed already, so that it is to be handed on again at once.
    pub(crate) fn enter(
        &mut self,
        (hash, key): (u64, &K),
        time: i64,
        watermark: i64,
        fresh: impl FnOnce() -> V,
        mut merge: impl FnMut(&mut V, V),
    ) -> (&mut Run<V>, bool) {
        let mut runs = std::mem::take(self.table.entry(hash, key, Vec::new));
        let Spec { windows, lateness } = self.spec;
        let touched = touched(windows, &runs, time);
        let at = touched.start;
        if touched.is_empty() {
            self.next += 1;
            runs.insert(at, Run { id: self.next, first: time, last: time, fired: false, kept: fresh() });
        } else {
            let others: Vec<Run<V>> = runs.drain(at + 1..touched.end).collect();
            let run = &mut runs[at];
            for other in others {
                run.last = run.last.max(other.last);
                run.fired |= other.fired;
                merge(&mut run.kept, other.kept);
            }
            (run.first, run.last) = (run.first.min(time), run.last.max(time));
        }
        let closes = windows.last(runs[at].last);
        let until = closes.saturating_add(lateness);
        let (id, fired, closed) = (runs[at].id, runs[at].fired, Horizon::Watermark(watermark).closes(closes));
        // A session that goes on is looked at when it would have ended. On the agenda comes what is new there: a session
        // that is open again, or one that closes at once.
        if closed && !fired {
            self.enlist(until, hash, key, id);
        } else if touched.is_empty() || fired && !closed {
            self.enlist(closes, hash, key, id);
        }
        runs[at].fired = closed;
        let place = self.table.entry(hash, key, Vec::new);
        *place = runs;
        (&mut place[at], closed)
    }
    fn enlist(&mut self, at: i64, hash: u64, key: &K, id: u64) {
        self.next += 1;
        self.agenda.insert((at, self.next), (hash, key.clone(), id));
    }
    pub(crate) fn due(&self, horizon: Horizon) -> bool {
        self.agenda.first_key_value().is_some_and(|((at, _), _)| horizon.closes(*at))
    }
    /// Looks at the next session whose time has come. `None` if there is none. `copy` keeps what a session has come to, for
    /// the records that come within its lateness.
    pub(crate) fn step(&mut self, horizon: Horizon, copy: impl FnOnce(&mut V) -> Option<V>) -> Option<Outcome<K, V>> {
        let first = self.agenda.first_entry().filter(|first| horizon.closes(first.key().0))?;
        let (hash, key, id) = first.remove();
        let windows = self.spec.windows;
        let lateness = if horizon == Horizon::End { 0 } else { self.spec.lateness };
        // A session that goes on does not change by being looked at.
        let Some(runs) = self.table.peek(hash, &key) else { return Some(Outcome::Nothing) };
        let Some(at) = runs.iter().position(|run| run.id == id) else { return Some(Outcome::Nothing) };
        let Run { first, last, fired, .. } = runs[at];
        let closes = windows.last(last);
        let until = closes.saturating_add(lateness);
        if !horizon.closes(if fired { until } else { closes }) {
            self.enlist(if fired { until } else { closes }, hash, &key, id);
            return Some(Outcome::Nothing);
        }
        let Some(runs) = self.table.get(hash, &key) else { return Some(Outcome::Nothing) };
        if fired {
            runs.remove(at);
            self.forget(hash, &key);
            return Some(Outcome::Nothing);
        }
        let run = &mut runs[at];
        let kept = if lateness > 0 && !horizon.closes(until) { copy(&mut run.kept) } else { None };
        let kept = match kept {
            Some(kept) => {
                run.fired = true;
                self.enlist(until, hash, &key, id);
                kept
            }
            None => {
                let run = runs.remove(at);
                self.forget(hash, &key);
                run.kept
            }
        };
        Some(Outcome::Closes(hash, key, windows.window(first, last), closes, kept))
    }
    fn forget(&mut self, hash: u64, key: &K) {
        if self.table.peek(hash, key).is_some_and(|runs| runs.is_empty()) {
            self.table.remove(hash, key);
        }
    }
}

/// What such windows are called. Sessions go on with another gap, and are kept for another lateness.
pub(crate) const TERMS: &str = "sessions";

/// Aggregates in sessions. What does not merge (`fold`) keeps the records, and goes through them in the order of their
/// times when the session closes.
pub(crate) struct SessionHost<K, T, A: Aggregate<K, T>, L> {
    aggregate: A,
    sessions: SessionTable<K, Gathered<A::Kept, T>>,
    lateness: PhantomData<L>,
}
enum Gathered<V, T> {
    Kept(V),
    Records(Vec<(i64, T)>),
}
impl<K: PartitionKey, T: 'static, A: Aggregate<K, T>, L: Lateness> SessionHost<K, T, A, L> {
    /// That of operator `node`.
    pub(crate) fn new(aggregate: A, spec: Spec<Sessions>, env: &Env, node: usize) -> Self {
        let codec = if A::MERGES {
            super::codec::<A::Kept, _>(env, node, || aggregate.codec().map(OfGathered::kept))
        } else {
            super::codec::<T, _>(env, node, || aggregate.record_code().map(OfGathered::records))
        };
        SessionHost { aggregate, sessions: SessionTable::new(spec, env, node, codec), lateness: PhantomData }
    }
}
impl<V: Clone, T> Gathered<V, T> {
    /// Takes in what has been gathered later.
    fn join<K, A: Aggregate<K, T, Kept = V>>(&mut self, later: Self, aggregate: &mut A) {
        match (self, later) {
            (Gathered::Kept(mine), Gathered::Kept(theirs)) => aggregate.merge(mine, theirs),
            (Gathered::Records(mine), Gathered::Records(theirs)) => mine.extend(theirs),
            _ => {}
        }
    }
    /// A copy to be handed out, where more may come.
    fn hand_out<K, A: Aggregate<K, T, Kept = V>>(&mut self, aggregate: &mut A) -> Option<Self> {
        match self {
            Gathered::Kept(kept) => {
                let copy = kept.clone();
                aggregate.told(kept);
                Some(Gathered::Kept(copy))
            }
            Gathered::Records(records) => {
                let copy = |(time, record): &(i64, T)| Some((*time, aggregate.copy(record)?));
                records.iter().map(copy).collect::<Option<_>>().map(Gathered::Records)
            }
        }
    }
    fn result<K, A: Aggregate<K, T, Kept = V>>(self, aggregate: &mut A) -> V {
        match self {
            Gathered::Kept(kept) => kept,
            Gathered::Records(mut records) => {
                records.sort_by_key(|(time, _)| *time);
                let mut kept = aggregate.fresh();
                records.into_iter().for_each(|(_, record)| aggregate.add(&mut kept, record));
                kept
            }
        }
    }
}
impl<M, K, T, A, L, X> Host<M, T, X> for SessionHost<K, T, A, L>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
    L: Lateness,
    X: 'static,
{
    type Out = A::Closed;
    fn record<P: Push<M, A::Closed>>(&mut self, at: At<'_, M>, record: T, rest: &mut Rest<X, P>) {
        let (time, watermark) = (at.stamp.ticks().unwrap_or(0), rest.progress.time);
        let guard = rest.site.guard();
        let SessionHost { aggregate, sessions, .. } = self;
        let fresh = if A::MERGES { Gathered::Kept(aggregate.fresh()) } else { Gathered::Records(Vec::new()) };
        let windows = sessions.windows();
        let join = |mine: &mut Gathered<_, _>, theirs| mine.join(theirs, aggregate);
        let (run, again) = sessions.enter((at.hash, at.key), time, watermark, || fresh, join);
        match &mut run.kept {
            Gathered::Kept(kept) => aggregate.add(kept, record),
            Gathered::Records(records) => records.push((time, record)),
        }
        if again && let Some(corrected) = run.kept.hand_out(aggregate) {
            let (window, end) = (windows.window(run.first, run.last), windows.last(run.last));
            let (hash, key, kept) = (at.hash, at.key, corrected.result(aggregate));
            guard.disarm();
            aggregate.close(kept, key, window, |out| rest.emit::<M, _>(hash, key, end, out));
        } else {
            guard.disarm();
        }
    }
    fn due(&mut self, horizon: Horizon) -> bool {
        self.sessions.due(horizon)
    }
    fn close<P: Push<M, A::Closed>>(&mut self, horizon: Horizon, rest: &mut Rest<X, P>) -> bool {
        let SessionHost { aggregate, sessions, .. } = self;
        let copy = |gathered: &mut Gathered<A::Kept, T>| gathered.hand_out(aggregate);
        let Some(outcome) = sessions.step(horizon, copy) else { return false };
        if let Outcome::Closes(hash, key, window, last, gathered) = outcome {
            let kept = gathered.result(&mut self.aggregate);
            self.aggregate.close(kept, &key, window, |out| rest.emit::<M, _>(hash, &key, last, out));
        }
        true
    }
    fn terms(&self) -> (String, i64) {
        (TERMS.to_owned(), 0)
    }
    fn arrivals(&mut self) -> Option<&mut u64> {
        self.aggregate.arrivals()
    }
    fn flip(&mut self, barrier: Barrier) {
        self.sessions.flip(barrier);
    }
    fn persist(&mut self, task: Task<'_, '_>, _: &Reached) {
        self.sessions.persist(task);
    }
}
