//! Operators that keep state per key and window.
pub(crate) mod caller;

use super::counted::{self, CountTable};
use super::figures::{Closed, Reached};
use super::sessions::{self, OfTimed, Outcome, SessionTable};
use super::tables::Tables;
use super::{Branches, Horizon, Host, codec};
use crate::contract::code::{Code, Codec, OfList};
use crate::contract::form::{Meta, Stamp};
use crate::contract::key::PartitionKey;
use crate::contract::record::{CodecError, Describe, TypeRef};
use crate::contract::snapshot::{Barrier, Task};
use crate::contract::stage::{ErrorOf, Operator};
use crate::contract::window::Window;
use crate::contract::windows::{Aligned, Counts, Deals, Sessions, Spec};
use crate::state::table::Ranks;
use crate::stream::call::{OnFail, SideEnds};
use crate::stream::env::Env;
use crate::stream::{At, Push};
use caller::{Caller, RestOf};
pub use caller::{KeepInWindow, Retains};
use std::marker::PhantomData;

/// In windows of one size: a table per window.
pub(crate) struct AlignedOps<K, Op: Operator<Keep: KeepInWindow>, N, L> {
    caller: Caller<Op>,
    spec: Spec<Aligned<N>>,
    ranks: Ranks,
    windows: Tables<K, <Op::Keep as KeepInWindow>::Kept>,
    /// The pane of the last record, and the windows that it is part of.
    hot: Option<((i64, i64), (i128, i128))>,
    /// How many slots of the first window have been handed on.
    slot: usize,
    /// The window that is being handed on.
    closing: Option<i128>,
    closed: Closed,
    lateness: PhantomData<L>,
}
impl<K, Op, N, L> AlignedOps<K, Op, N, L>
where
    K: PartitionKey,
    Op: Operator<Keep: KeepInWindow>,
    N: Deals<Op::In>,
    L: Retains<<Op::Keep as KeepInWindow>::Kept>,
{
    /// That of operator `node`.
    pub(crate) fn new(op: Op, spec: Spec<Aligned<N>>, env: &Env, node: usize) -> Self {
        let codec = env.tracks().then(Op::Keep::codec);
        AlignedOps {
            caller: Caller::new(op),
            spec,
            ranks: env.ranks(),
            windows: Tables::new(env, node, 0, codec),
            hot: None,
            slot: 0,
            closing: None,
            closed: Closed::default(),
            lateness: PhantomData,
        }
    }
    /// The next window that closes.
    fn next(&self) -> Option<i128> {
        self.windows.windows().find(|number| Some(*number) > self.closed.upto())
    }
    fn pass(&mut self, horizon: Horizon) {
        self.closed.reach(horizon.ended(&self.spec.windows));
    }
}
impl<M, K, Op, N, L, F, S> Host<M, Op::In, Branches<F, ErrorOf<Op>, S, Op::Sides>> for AlignedOps<K, Op, N, L>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    Op: Operator<Keep: KeepInWindow>,
    N: Deals<Op::In>,
    L: Retains<<Op::Keep as KeepInWindow>::Kept>,
    F: OnFail<M, ErrorOf<Op>>,
    S: SideEnds<M, Op::Sides>,
{
    type Out = Op::Out;
    fn record<P: Push<M, Op::Out>>(&mut self, at: At<'_, M>, record: Op::In, rest: &mut RestOf<Op, F, S, P>) {
        let (time, watermark) = (at.stamp.ticks().unwrap_or(0), rest.progress.time);
        let (first, last) = match self.hot {
            Some(((from, to), windows)) if from <= time && time <= to => windows,
            _ => {
                let pane = self.spec.windows.pane(time);
                let windows = self.spec.windows.windows(pane.index);
                self.hot = Some(((pane.first, pane.last), windows));
                windows
            }
        };
        let mut record = Some(record);
        for number in first..=last {
            if time <= watermark && Horizon::Watermark(watermark).is_over(&self.spec, number) {
                continue;
            }
            let copy = if number < last { record.as_ref().and_then(N::copy) } else { None };
            let Some(record) = copy.or_else(|| record.take()) else { continue };
            let window = self.spec.windows.window(number);
            let kept = self.windows.entry(number).entry(at.hash, at.key, Op::Keep::fresh);
            self.caller.call(kept, (at, at.stamp.ticks(), window), record, rest);
            let end = self.spec.windows.last(number);
            if L::ANY
                && Horizon::Watermark(watermark).closes(end)
                && let Some(kept) = L::copy(kept)
            {
                self.caller.close::<M, F, S, P>(kept, (at.hash, at.key), (window, end), rest);
            }
        }
    }
    fn due(&mut self, horizon: Horizon) -> bool {
        let closes = self.next().is_some_and(|window| horizon.closes(self.spec.windows.last(window)));
        if !closes {
            self.pass(horizon);
        }
        closes || L::ANY && !self.windows.is_empty()
    }
    fn close<P: Push<M, Op::Out>>(&mut self, horizon: Horizon, rest: &mut RestOf<Op, F, S, P>) -> bool {
        let Some(window) = self.closing else {
            self.closing = self.next().filter(|window| horizon.closes(self.spec.windows.last(*window)));
            self.slot = 0;
            if self.closing.is_none() {
                self.pass(horizon);
                let spec = self.spec;
                self.windows.release(|window| horizon.is_over(&spec, window));
                if horizon == Horizon::End {
                    self.windows.begin_anew();
                }
            }
            return self.closing.is_some();
        };
        let shown = (self.spec.windows.window(window), self.spec.windows.last(window));
        if Op::CLOSES
            && let Some(table) = self.windows.get(window)
        {
            while self.slot < table.slots() {
                self.slot += 1;
                let slot = table.slots() - self.slot;
                let next = match L::ANY {
                    false => table.clear_slot(slot),
                    true => table.slot(slot).and_then(|(hash, key, kept)| Some((hash, key.clone(), L::copy(kept)?))),
                };
                if let Some((hash, key, kept)) = next.filter(|(hash, ..)| !self.closed.is_ahead(window, *hash)) {
                    self.caller.close::<M, F, S, P>(kept, (hash, &key), shown, rest);
                    return true;
                }
            }
        }
        self.closing = None;
        self.closed.reach(Some(window));
        true
    }
    fn terms(&self) -> (String, i64) {
        (format!("windows of {}", self.spec.windows), self.spec.lateness)
    }
    fn flip(&mut self, barrier: Barrier) {
        self.windows.flip(barrier);
    }
    fn persist(&mut self, task: Task<'_, '_>, reached: &Reached) {
        let loads = matches!(task, Task::Load(_));
        let Spec { windows, lateness } = self.spec;
        match &task {
            Task::Give(_, groups) => self.ranks = self.ranks.without(groups),
            Task::Take(_, groups) => {
                self.closed.take(reached, &windows, &self.ranks, groups);
                self.ranks = self.ranks.moved(groups);
            }
            Task::Save(_) | Task::Settle(_) | Task::Load(_) => {}
        }
        let was = Spec { windows, lateness: reached.lateness };
        self.windows.persist(task, |group, window| {
            if !windows.has_window(window) {
                return Err(CodecError::new("it has a window that no time lies in"));
            }
            Ok((!reached.horizon(group).is_over(&was, window)).then_some(()))
        });
        if loads {
            self.closed = Closed::resume(reached, &windows, &self.ranks);
            if was.lateness != lateness {
                self.windows.begin_anew();
            }
        }
    }
}

/// A record of a session.
#[derive(Clone, Debug)]
pub struct Held<T> {
    time: i64,
    record: T,
    /// Whether what it emits has been emitted.
    told: bool,
}
/// Writes a record of a session: whether it was told, its time, and the record.
struct OfHeld<T>(OfTimed<Code<T>>);
impl<T> Clone for OfHeld<T> {
    fn clone(&self) -> Self {
        OfHeld(self.0.clone())
    }
}
impl<T: 'static> Codec<Held<T>> for OfHeld<T> {
    fn describe(&self, d: &mut Describe) -> TypeRef {
        TypeRef::of("", [TypeRef::plain("bool"), self.0.describe(d)])
    }
    fn encode(&self, held: &Held<T>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let before = out.len();
        out.push(u8::from(held.told));
        self.0.encode_parts(held.time, &held.record, out).inspect_err(|_| out.truncate(before))
    }
    fn decode(&self, version: u32, bytes: &[u8]) -> Result<Held<T>, CodecError> {
        match bytes {
            [told @ (0 | 1), rest @ ..] => {
                let (time, record) = self.0.decode(version, rest)?;
                Ok(Held { time, record, told: *told == 1 })
            }
            _ => Err(CodecError::new("a record of a session that was neither told nor not")),
        }
    }
}
/// In sessions: the records are kept, and gone through in the order of their times when the session closes.
pub(crate) struct SessionOps<K, Op: Operator<Keep: KeepInWindow>, L> {
    caller: Caller<Op>,
    sessions: SessionTable<K, Vec<Held<Op::In>>>,
    lateness: PhantomData<L>,
}
impl<K: PartitionKey, Op: Operator<Keep: KeepInWindow>, L: Retains<Vec<Held<Op::In>>>> SessionOps<K, Op, L> {
    /// That of operator `node`.
    pub(crate) fn new(op: Op, spec: Spec<Sessions>, env: &Env, node: usize) -> Self {
        let codec = codec::<Op::In, _>(env, node, || Op::code().map(|code| OfList(OfHeld(OfTimed(code)))));
        SessionOps {
            caller: Caller::new(op),
            sessions: SessionTable::new(spec, env, node, codec),
            lateness: PhantomData,
        }
    }
    /// The records of a session that closes and may be joined by others. What they emit is emitted this time.
    fn hand_out(records: &mut Vec<Held<Op::In>>) -> Option<Vec<Held<Op::In>>> {
        let copy = L::copy(records);
        records.iter_mut().for_each(|held| held.told = true);
        copy
    }
    /// Goes through the records of a session, whose last tick is `last`.
    fn go_through<M, F, S, P>(
        &mut self,
        mut records: Vec<Held<Op::In>>,
        (hash, key): (u64, &K),
        (window, last): (Window, i64),
        rest: &mut RestOf<Op, F, S, P>,
    ) where
        M: Meta<Key = K>,
        F: OnFail<M, ErrorOf<Op>>,
        S: SideEnds<M, Op::Sides>,
        P: Push<M, Op::Out>,
    {
        records.sort_by_key(|held| held.time);
        let mut kept = Op::Keep::fresh();
        let at = At { key, hash, stamp: M::Stamp::of(last) };
        for Held { time, record, told } in records {
            let place = (at, Some(time), window);
            if told {
                self.caller.repeat(&mut kept, place, record, rest);
            } else {
                self.caller.call(&mut kept, place, record, rest);
            }
        }
        self.caller.close::<M, F, S, P>(kept, (hash, key), (window, last), rest);
    }
}
impl<M, K, Op, L, F, S> Host<M, Op::In, Branches<F, ErrorOf<Op>, S, Op::Sides>> for SessionOps<K, Op, L>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    Op: Operator<Keep: KeepInWindow>,
    L: Retains<Vec<Held<Op::In>>>,
    F: OnFail<M, ErrorOf<Op>>,
    S: SideEnds<M, Op::Sides>,
{
    type Out = Op::Out;
    fn record<P: Push<M, Op::Out>>(&mut self, at: At<'_, M>, record: Op::In, rest: &mut RestOf<Op, F, S, P>) {
        let (time, watermark) = (at.stamp.ticks().unwrap_or(0), rest.progress.time);
        let windows = self.sessions.windows();
        let join = |mine: &mut Vec<_>, theirs: Vec<_>| mine.extend(theirs);
        let (run, again) = self.sessions.enter((at.hash, at.key), time, watermark, Vec::new, join);
        run.kept.push(Held { time, record, told: false });
        // If the session had closed, everything is gone through again.
        if again && let Some(records) = Self::hand_out(&mut run.kept) {
            let shown = (windows.window(run.first, run.last), windows.last(run.last));
            self.go_through::<M, F, S, P>(records, (at.hash, at.key), shown, rest);
        }
    }
    fn due(&mut self, horizon: Horizon) -> bool {
        self.sessions.due(horizon)
    }
    fn close<P: Push<M, Op::Out>>(&mut self, horizon: Horizon, rest: &mut RestOf<Op, F, S, P>) -> bool {
        let Some(outcome) = self.sessions.step(horizon, Self::hand_out) else { return false };
        if let Outcome::Closes(hash, key, window, last, records) = outcome {
            self.go_through::<M, F, S, P>(records, (hash, &key), (window, last), rest);
        }
        true
    }
    fn terms(&self) -> (String, i64) {
        (sessions::TERMS.to_owned(), 0)
    }
    fn flip(&mut self, barrier: Barrier) {
        self.sessions.flip(barrier);
    }
    fn persist(&mut self, task: Task<'_, '_>, _: &Reached) {
        self.sessions.persist(task);
    }
}

/// In windows of so many records.
pub(crate) struct CountOps<K, Op: Operator<Keep: KeepInWindow>> {
    caller: Caller<Op>,
    windows: CountTable<K, <Op::Keep as KeepInWindow>::Kept>,
}
impl<K: PartitionKey, Op: Operator<Keep: KeepInWindow>> CountOps<K, Op> {
    /// That of operator `node`.
    pub(crate) fn new(op: Op, spec: Spec<Counts>, env: &Env, node: usize) -> Self {
        let codec = env.tracks().then(Op::Keep::codec);
        CountOps { caller: Caller::new(op), windows: CountTable::new(spec, env, node, codec) }
    }
}
impl<M, K, Op, F, S> Host<M, Op::In, Branches<F, ErrorOf<Op>, S, Op::Sides>> for CountOps<K, Op>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    Op: Operator<Keep: KeepInWindow>,
    F: OnFail<M, ErrorOf<Op>>,
    S: SideEnds<M, Op::Sides>,
{
    type Out = Op::Out;
    fn record<P: Push<M, Op::Out>>(&mut self, at: At<'_, M>, record: Op::In, rest: &mut RestOf<Op, F, S, P>) {
        let CountOps { caller, windows } = self;
        let (filling, full) = windows.enter(at.hash, at.key, at.stamp.ticks(), Op::Keep::fresh);
        let window = filling.window();
        caller.call(&mut filling.kept, (at, at.stamp.ticks(), window), record, rest);
        if full && let Some(filling) = windows.remove(at.hash, at.key) {
            let shown = (filling.window(), filling.last());
            caller.close::<M, F, S, P>(filling.kept, (at.hash, at.key), shown, rest);
        }
    }
    fn due(&mut self, horizon: Horizon) -> bool {
        self.windows.due(horizon)
    }
    fn close<P: Push<M, Op::Out>>(&mut self, _: Horizon, rest: &mut RestOf<Op, F, S, P>) -> bool {
        let Some((hash, key, filling)) = self.windows.step() else { return false };
        let shown = (filling.window(), filling.last());
        self.caller.close::<M, F, S, P>(filling.kept, (hash, &key), shown, rest);
        true
    }
    fn terms(&self) -> (String, i64) {
        (counted::TERMS.to_owned(), 0)
    }
    fn flip(&mut self, barrier: Barrier) {
        self.windows.flip(barrier);
    }
    fn persist(&mut self, task: Task<'_, '_>, _: &Reached) {
        self.windows.persist(task);
    }
}
