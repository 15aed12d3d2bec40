//! Joins: records of two inputs that have the same key and belong together in time.
//!
//! A pair is emitted as soon as both are there; a record without a partner when none can come any more, which is behind
//! the watermark of the inputs. So a join that emits those promises less than its inputs do.
mod written;

pub(crate) use written::OfBoth;

use super::figures::Reached;
use super::tables::Tables;
use super::{Horizon, Host, Rest, codec};
use crate::contract::form::{Meta, Stamp};
use crate::contract::join::{JoinKind, Side};
use crate::contract::key::PartitionKey;
use crate::contract::record::CodecError;
use crate::contract::snapshot::{Barrier, Part, Task};
use crate::contract::windows::{Aligned, Pane, Spec, Times};
use crate::state::saved::{Chapter, Layout};
use crate::state::table::StateTable;
use crate::stream::env::Env;
use crate::stream::{At, Push};
use std::collections::BTreeMap;
use std::marker::PhantomData;

/// A record that waits for partners.
struct Waiting<T> {
    time: i64,
    record: T,
    paired: bool,
}
/// The records of one key, by time.
pub(crate) struct Both<A, B> {
    left: Vec<Waiting<A>>,
    right: Vec<Waiting<B>>,
    /// When this key is looked at next.
    listed: Option<i64>,
}
impl<A, B> Default for Both<A, B> {
    fn default() -> Self {
        Both { left: Vec::new(), right: Vec::new(), listed: None }
    }
}
impl<A, B> Both<A, B> {
    /// The time of the first record.
    fn first(&self) -> Option<i64> {
        let firsts = [self.left.first().map(|w| w.time), self.right.first().map(|w| w.time)];
        firsts.into_iter().flatten().min()
    }
}
/// Keeps a record. Most keys have one, so there is not room for several from the start.
fn keep<T>(list: &mut Vec<Waiting<T>>, waiting: Waiting<T>) {
    if list.capacity() == 0 {
        list.reserve_exact(1);
    }
    list.push(waiting);
}
/// Puts a record behind those that are not later. Records come nearly in order, so that is near the end.
fn put<T>(list: &mut Vec<Waiting<T>>, waiting: Waiting<T>) {
    let behind = list.iter().rev().take_while(|other| other.time > waiting.time).count();
    match behind {
        0 => keep(list, waiting),
        behind => list.insert(list.len() - behind, waiting),
    }
}
/// Those of a list, which is in order, with times from `first` to `last`.
fn between<T>(list: &mut [Waiting<T>], first: i64, last: i64) -> &mut [Waiting<T>] {
    let from = list.partition_point(|waiting| waiting.time < first);
    let to = list.partition_point(|waiting| waiting.time <= last);
    list.get_mut(from..to.max(from)).unwrap_or_default()
}
/// Pairs a record with all partners.
fn pair_all<M, X, P, A, B, J>(
    at: At<'_, M>,
    time: i64,
    side: &Side<A, B>,
    (left, right): (&mut [Waiting<A>], &mut [Waiting<B>]),
    rest: &mut Rest<X, P>,
) -> bool
where
    M: Meta,
    A: Clone,
    B: Clone,
    J: JoinKind<A, B>,
    P: Push<M, J::Out>,
{
    let (hash, key) = (at.hash, at.key);
    let mut any = false;
    match side {
        Side::Left(a) => {
            for b in right {
                (b.paired, any) = (true, true);
                rest.emit::<M, _>(hash, key, time.max(b.time), J::pair(a.clone(), b.record.clone()));
            }
        }
        Side::Right(b) => {
            for a in left {
                (a.paired, any) = (true, true);
                rest.emit::<M, _>(hash, key, time.max(a.time), J::pair(a.record.clone(), b.clone()));
            }
        }
    }
    any
}
/// Emits records that have found no partner.
fn part<M, X, P, A, B, J>(
    (hash, key): (u64, &M::Key),
    left: impl Iterator<Item = Waiting<A>>,
    right: impl Iterator<Item = Waiting<B>>,
    rest: &mut Rest<X, P>,
) where
    M: Meta,
    J: JoinKind<A, B>,
    P: Push<M, J::Out>,
{
    if J::ALONE == (false, false) {
        return;
    }
    let mut alone: Vec<(i64, J::Out)> = Vec::new();
    if J::ALONE.0 {
        alone.extend(left.filter(|w| !w.paired).filter_map(|w| Some((w.time, J::alone(Side::Left(w.record))?))));
    }
    if J::ALONE.1 {
        alone.extend(right.filter(|w| !w.paired).filter_map(|w| Some((w.time, J::alone(Side::Right(w.record))?))));
    }
    alone.sort_by_key(|(time, _)| *time);
    for (time, out) in alone {
        rest.emit::<M, _>(hash, key, time, out);
    }
}
/// Whether a record comes behind the watermark: its partners may be gone. It is counted.
fn behind<X, P>(time: i64, rest: &Rest<X, P>) -> bool {
    let behind = time <= rest.progress.time && rest.progress.time > i64::MIN;
    if behind {
        rest.site.add(|c| {
            c.late += 1;
            c.dropped += 1;
        });
    }
    behind
}

/// When which key is looked at next.
struct Agenda<K> {
    entries: BTreeMap<(i64, u64), (u64, K)>,
    next: u64,
}
impl<K: Clone> Agenda<K> {
    /// Looks at a key at this time, unless that is done sooner.
    fn enlist<A, B>(&mut self, hash: u64, key: &K, both: &mut Both<A, B>, at: i64) {
        if both.listed.is_none_or(|listed| at < listed) {
            both.listed = Some(at);
            self.next += 1;
            self.entries.insert((at, self.next), (hash, key.clone()));
        }
    }
}

/// `join(a, b, within = d)`
pub(crate) struct IntervalJoin<K, A, B, J> {
    within: i64,
    table: StateTable<K, Both<A, B>>,
    agenda: Agenda<K>,
    /// Where it is written to, if it is. The agenda follows from the records.
    chapter: Option<Chapter>,
    kind: PhantomData<J>,
}
impl<K: PartitionKey, A: 'static, B: 'static, J> IntervalJoin<K, A, B, J> {
    /// That of operator `node`. `of_both` says how records are written.
    pub(crate) fn new(within: i64, of_both: Option<OfBoth<A, B>>, env: &Env, node: usize) -> Self {
        let agenda = Agenda { entries: BTreeMap::new(), next: 0 };
        let (mut table, mut chapter) = (StateTable::new(env.ranks()), None);
        if let Some(codec) = codec::<(A, B), _>(env, node, || of_both) {
            chapter = Some(Chapter::new(env.owner(node), Part::State, Layout::of_entries::<K, Both<A, B>>(&codec)));
            table.track(codec);
        }
        IntervalJoin { within, table, agenda, chapter, kind: PhantomData }
    }
    /// Puts every key of a group on the agenda.
    fn enlist_group(&mut self, group: u16) {
        let IntervalJoin { within, table, agenda, .. } = self;
        for (hash, key, both) in table.iter_group_unseen(group) {
            both.listed = None;
            if let Some(first) = both.first() {
                agenda.enlist(hash, key, both, first.saturating_add(*within));
            }
        }
    }
}
impl<M, K, A, B, J, X> Host<M, Side<A, B>, X> for IntervalJoin<K, A, B, J>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    A: Clone + 'static,
    B: Clone + 'static,
    J: JoinKind<A, B>,
    X: 'static,
{
    type Out = J::Out;
    fn record<P: Push<M, J::Out>>(&mut self, at: At<'_, M>, side: Side<A, B>, rest: &mut Rest<X, P>) {
        let time = at.stamp.ticks().unwrap_or(0);
        if behind(time, rest) {
            return;
        }
        let (first, last) = (time.saturating_sub(self.within), time.saturating_add(self.within));
        let both = self.table.entry(at.hash, at.key, Both::default);
        let partners = (between(&mut both.left, first, last), between(&mut both.right, first, last));
        let paired = pair_all::<M, X, P, A, B, J>(at, time, &side, partners, rest);
        match side {
            Side::Left(record) => put(&mut both.left, Waiting { time, record, paired }),
            Side::Right(record) => put(&mut both.right, Waiting { time, record, paired }),
        }
        self.agenda.enlist(at.hash, at.key, both, last);
    }
    fn due(&mut self, horizon: Horizon) -> bool {
        self.agenda.entries.first_key_value().is_some_and(|((at, _), _)| horizon.closes(*at))
    }
    fn close<P: Push<M, J::Out>>(&mut self, horizon: Horizon, rest: &mut Rest<X, P>) -> bool {
        let Some(first) = self.agenda.entries.first_entry().filter(|first| horizon.closes(first.key().0)) else {
            return false;
        };
        let ((at, _), (hash, key)) = first.remove_entry();
        let within = self.within;
        if self.table.peek(hash, &key).is_none_or(|both| both.listed != Some(at)) {
            return true;
        }
        let Some(both) = self.table.get(hash, &key) else { return true };
        // No partner comes for these any more.
        let gone = |time: i64| horizon.closes(time.saturating_add(within));
        let lefts = both.left.partition_point(|waiting| gone(waiting.time));
        let rights = both.right.partition_point(|waiting| gone(waiting.time));
        let (left, right) = (both.left.drain(..lefts), both.right.drain(..rights));
        part::<M, X, P, A, B, J>((hash, &key), left, right, rest);
        both.listed = None;
        match both.first() {
            Some(time) => self.agenda.enlist(hash, &key, both, time.saturating_add(within)),
            None => drop(self.table.remove(hash, &key)),
        }
        true
    }
    fn promise(&self, time: i64) -> i64 {
        if J::ALONE == (false, false) { time } else { time.saturating_sub(self.within) }
    }
    fn touch(&self, hash: u64) {
        self.table.touch(hash);
    }
    fn worth_touching(&self) -> bool {
        self.table.worth_touching()
    }
    // Records that wait go on waiting, as long as is said now.
    fn terms(&self) -> (String, i64) {
        ("records that wait for others near them".to_owned(), 0)
    }
    fn flip(&mut self, barrier: Barrier) {
        if let Some(chapter) = &mut self.chapter {
            chapter.flip_table(&mut self.table, barrier);
        }
    }
    fn persist(&mut self, task: Task<'_, '_>, _: &Reached) {
        let Some(chapter) = &mut self.chapter else { return };
        if let Task::Give(_, groups) = &task {
            let key_groups = self.table.key_groups();
            self.agenda.entries.retain(|_, (hash, _)| !groups.contains(key_groups.of(*hash)));
        }
        let come = chapter.persist_table(&mut self.table, task);
        come.into_iter().for_each(|group| self.enlist_group(group));
    }
}

/// How many emptied tables are kept for windows to come.
const SPARE: usize = 1;

/// `join(a, b, window = w)`
pub(crate) struct WindowJoin<K, A, B, J, N> {
    spec: Aligned<N>,
    /// The pane of the last record, and the windows that it is part of.
    pane: Pane,
    belongs: (i128, i128),
    windows: Tables<K, Both<A, B>>,
    /// Where the table of the last record was.
    hot: usize,
    /// How many slots of the first window have been emptied.
    slot: usize,
    kind: PhantomData<J>,
}
impl<K: PartitionKey, A: 'static, B: 'static, J, N: Times> WindowJoin<K, A, B, J, N> {
    /// That of operator `node`. `of_both` says how records are written.
    pub(crate) fn new(spec: Aligned<N>, of_both: Option<OfBoth<A, B>>, env: &Env, node: usize) -> Self {
        let pane = spec.pane(0);
        let belongs = spec.windows(pane.index);
        let windows = Tables::new(env, node, SPARE, codec::<(A, B), _>(env, node, || of_both));
        WindowJoin { spec, pane, belongs, windows, hot: 0, slot: 0, kind: PhantomData }
    }
    /// The first window, if it closes.
    fn next(&self, horizon: Horizon) -> Option<i128> {
        self.windows.windows().next().filter(|window| horizon.closes(self.spec.last(*window)))
    }
}
impl<M, K, A, B, J, N, X> Host<M, Side<A, B>, X> for WindowJoin<K, A, B, J, N>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    A: Clone + 'static,
    B: Clone + 'static,
    J: JoinKind<A, B>,
    N: Times,
    X: 'static,
{
    type Out = J::Out;
    fn record<P: Push<M, J::Out>>(&mut self, at: At<'_, M>, side: Side<A, B>, rest: &mut Rest<X, P>) {
        let time = at.stamp.ticks().unwrap_or(0);
        if behind(time, rest) {
            return;
        }
        if !self.pane.holds(time) {
            self.pane = self.spec.pane(time);
            self.belongs = self.spec.windows(self.pane.index);
        }
        let (first, last) = self.belongs;
        let mut enter = |number: i128, side: Side<A, B>| {
            let both = self.windows.entry_near(&mut self.hot, number).entry(at.hash, at.key, Both::default);
            let partners = (&mut both.left[..], &mut both.right[..]);
            let paired = pair_all::<M, X, P, A, B, J>(at, time, &side, partners, rest);
            match side {
                Side::Left(record) => keep(&mut both.left, Waiting { time, record, paired }),
                Side::Right(record) => keep(&mut both.right, Waiting { time, record, paired }),
            }
        };
        for number in first..last {
            enter(number, side.clone());
        }
        enter(last, side);
    }
    fn due(&mut self, horizon: Horizon) -> bool {
        self.next(horizon).is_some()
    }
    fn close<P: Push<M, J::Out>>(&mut self, horizon: Horizon, rest: &mut Rest<X, P>) -> bool {
        let Some(window) = self.next(horizon) else { return false };
        let table = self.windows.entry(window);
        while self.slot < table.slots() {
            self.slot += 1;
            if let Some((hash, key, both)) = table.clear_slot(table.slots() - self.slot) {
                part::<M, X, P, A, B, J>((hash, &key), both.left.into_iter(), both.right.into_iter(), rest);
                return true;
            }
        }
        self.slot = 0;
        self.windows.release(|other| other == window);
        if horizon == Horizon::End {
            self.windows.begin_anew();
        }
        true
    }
    fn promise(&self, time: i64) -> i64 {
        if J::ALONE == (false, false) { time } else { self.spec.held_back(time) }
    }
    fn terms(&self) -> (String, i64) {
        (format!("windows of {}", self.spec), 0)
    }
    fn flip(&mut self, barrier: Barrier) {
        self.windows.flip(barrier);
    }
    fn persist(&mut self, task: Task<'_, '_>, reached: &Reached) {
        let spec = Spec { windows: self.spec, lateness: 0 };
        self.windows.persist(task, |group, window| {
            if !spec.windows.has_window(window) {
                return Err(CodecError::new("it has a window that no time lies in"));
            }
            Ok((!reached.horizon(group).is_over(&spec, window)).then_some(()))
        });
    }
}
