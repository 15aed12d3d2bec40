//! Aggregates, running and per window: `count`, `sum`, `min`, `max`, `average`, `reduce`, `fold`, `top`, `distinct`.
use super::env::{Env, Site};
use super::link::Wrap;
use super::signal::{End, Flow, Signal};
use super::{At, Push};
use crate::contract::form::Meta;
use crate::contract::key::PartitionKey;
use crate::contract::number::Number;
use crate::contract::window::{Window, Windowed};
use crate::state::table::StateTable;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::ops::AddAssign;
use std::time::Duration;

/// How the records of one key become one value: running, or per window.
pub trait Aggregate<K, T>: 'static {
    /// What is kept per key, and window.
    type Kept: Clone + 'static;
    /// What is emitted after each record where there are no windows.
    type Out: 'static;
    /// What a window emits when it closes.
    type Closed: 'static;
    /// Whether every record has an output, which then need not be counted.
    const EACH: bool = true;
    /// Whether what is kept of two runs of records can be made one.
    const MERGES: bool = true;
    /// Whether that may be done on the way to the worker that owns the key: see [`combine`](super::combine).
    const COMBINES: bool = false;

    /// What is kept before the first record.
    fn fresh(&self) -> Self::Kept;
    /// Takes in one record.
    fn add(&mut self, kept: &mut Self::Kept, record: T);
    /// What has come of all records so far.
    fn shown(&self, _kept: &Self::Kept, _key: &K) -> Option<Self::Out> {
        None
    }
    /// Takes in one record and says what has come of all so far.
    #[inline(always)]
    fn update(&mut self, kept: &mut Self::Kept, key: &K, record: T) -> Option<Self::Out> {
        self.add(kept, record);
        self.shown(kept, key)
    }
    /// Takes in what is kept of records that come later.
    fn merge(&mut self, _kept: &mut Self::Kept, _later: Self::Kept) {}
    /// A copy of a record for a further window, where [`MERGES`](Self::MERGES) does not hold.
    fn copy(&self, _record: &T) -> Option<T> {
        None
    }
    /// What is kept has been handed out, and may be handed out again with more in it.
    fn told(&mut self, _kept: &mut Self::Kept) {}
    /// What is kept has been handed out, except for the record that was added last.
    fn told_but_last(&mut self, _kept: &mut Self::Kept) {}
    /// Hands out what has come of a window.
    fn close(&mut self, kept: Self::Kept, key: &K, window: Window, emit: impl FnMut(Self::Closed));
}
/// What has come of a window, for aggregates with one value.
macro_rules! closes {
    (|$kept:ident| $value:expr) => {
        fn close(&mut self, $kept: Self::Kept, key: &K, window: Window, mut emit: impl FnMut(Self::Closed)) {
            if let Some(value) = $value {
                emit(Windowed { key: key.clone(), window, value });
            }
        }
    };
}

pub(crate) struct AggregateStage<A> {
    pub(crate) aggregate: A,
    pub(crate) node: usize,
}
struct AggregatePush<K, V, A, P> {
    aggregate: A,
    table: StateTable<K, V>,
    down: P,
    passed: u64,
    site: Site,
}
impl<K: PartitionKey, M: Meta<Key = K>, T: 'static, A: Aggregate<K, T>> Wrap<M, T, M, A::Out> for AggregateStage<A> {
    fn wrap<P: Push<M, A::Out>>(self, env: &Env, down: P) -> impl Push<M, T> {
        let table = StateTable::new(env.ranks());
        AggregatePush::<K, A::Kept, A, P> {
            aggregate: self.aggregate,
            table,
            down,
            passed: 0,
            site: env.site(self.node),
        }
    }
}
impl<K, M, T, A, P> Push<M, T> for AggregatePush<K, A::Kept, A, P>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    A: Aggregate<K, T>,
    P: Push<M, A::Out>,
{
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, record: T) {
        let guard = self.site.guard();
        let kept = self.table.entry(at.hash, at.key, || self.aggregate.fresh());
        let out = self.aggregate.update(kept, at.key, record);
        guard.disarm();
        if !A::EACH {
            self.passed += u64::from(out.is_some());
        }
        if let Some(out) = out {
            self.down.push(at, out);
        }
    }
    #[inline(always)]
    fn touch(&self, hash: u64) {
        self.table.touch(hash);
        self.down.touch(hash);
    }
    #[inline(always)]
    fn worth_touching(&self) -> bool {
        self.table.worth_touching() || self.down.worth_touching()
    }
    #[inline(always)]
    fn full(&self) -> bool {
        self.down.full()
    }
    fn signal(&mut self, signal: Signal) {
        self.down.signal(signal);
    }
    fn pump(&mut self) -> Flow {
        self.down.pump()
    }
    fn tick(&mut self, now: Duration) -> Option<Duration> {
        self.down.tick(now)
    }
    fn settle(&mut self, arrived: u64) {
        let passed = if A::EACH { arrived } else { std::mem::take(&mut self.passed) };
        self.site.add(|c| {
            c.records_in += arrived;
            c.records_out += passed;
        });
        self.down.settle(passed);
    }
    fn flush(&mut self) -> bool {
        self.down.flush()
    }
    fn finish(&mut self, end: End) {
        self.down.finish(end);
    }
}

/// `count()`
#[derive(Debug)]
pub struct Count;
impl<K: Clone + 'static, T> Aggregate<K, T> for Count {
    type Kept = u64;
    type Out = (K, u64);
    type Closed = Windowed<K, u64>;
    const COMBINES: bool = true;
    #[inline(always)]
    fn fresh(&self) -> u64 {
        0
    }
    #[inline(always)]
    fn add(&mut self, kept: &mut u64, _: T) {
        *kept += 1;
    }
    #[inline(always)]
    fn shown(&self, kept: &u64, key: &K) -> Option<(K, u64)> {
        Some((key.clone(), *kept))
    }
    fn merge(&mut self, kept: &mut u64, later: u64) {
        *kept += later;
    }
    closes!(|kept| Some(kept));
}

/// `sum(|r| ..)`
#[derive(Debug)]
pub struct Sum<F>(pub F);
impl<K, T, V, F> Aggregate<K, T> for Sum<F>
where
    K: Clone + 'static,
    V: Default + Clone + AddAssign + 'static,
    F: FnMut(&T) -> V + 'static,
{
    type Kept = V;
    type Out = (K, V);
    type Closed = Windowed<K, V>;
    const COMBINES: bool = true;
    #[inline(always)]
    fn fresh(&self) -> V {
        V::default()
    }
    #[inline(always)]
    fn add(&mut self, kept: &mut V, record: T) {
        *kept += (self.0)(&record);
    }
    #[inline(always)]
    fn shown(&self, kept: &V, key: &K) -> Option<(K, V)> {
        Some((key.clone(), kept.clone()))
    }
    fn merge(&mut self, kept: &mut V, later: V) {
        *kept += later;
    }
    closes!(|kept| Some(kept));
}

/// `min(|r| ..)` and `max(|r| ..)`: keeps the value that `better(new, kept)` prefers.
#[derive(Debug)]
pub struct Extreme<F, B>(pub F, pub B);
impl<F, B> Extreme<F, B> {
    #[inline(always)]
    fn take<V>(&self, kept: &mut Option<V>, value: V)
    where
        B: Fn(&V, &V) -> bool,
    {
        if kept.as_ref().is_none_or(|best| (self.1)(&value, best)) {
            *kept = Some(value);
        }
    }
}
impl<K, T, V, F, B> Aggregate<K, T> for Extreme<F, B>
where
    K: Clone + 'static,
    V: Clone + 'static,
    F: FnMut(&T) -> V + 'static,
    B: Fn(&V, &V) -> bool + 'static,
{
    type Kept = Option<V>;
    type Out = (K, V);
    type Closed = Windowed<K, V>;
    const COMBINES: bool = true;
    fn fresh(&self) -> Option<V> {
        None
    }
    #[inline]
    fn add(&mut self, kept: &mut Option<V>, record: T) {
        let value = (self.0)(&record);
        self.take(kept, value);
    }
    #[inline(always)]
    fn shown(&self, kept: &Option<V>, key: &K) -> Option<(K, V)> {
        kept.clone().map(|best| (key.clone(), best))
    }
    fn merge(&mut self, kept: &mut Option<V>, later: Option<V>) {
        later.into_iter().for_each(|value| self.take(kept, value));
    }
    closes!(|kept| kept);
}

/// `average(|r| ..)`
#[derive(Debug)]
pub struct Average<F>(pub F);
impl<K: Clone + 'static, T, V: Number, F: FnMut(&T) -> V + 'static> Aggregate<K, T> for Average<F> {
    type Kept = (f64, u64);
    type Out = (K, f64);
    type Closed = Windowed<K, f64>;
    const COMBINES: bool = true;
    fn fresh(&self) -> (f64, u64) {
        (0.0, 0)
    }
    #[inline]
    fn add(&mut self, kept: &mut (f64, u64), record: T) {
        kept.0 += (self.0)(&record).to_f64();
        kept.1 += 1;
    }
    #[inline(always)]
    fn shown(&self, (sum, count): &(f64, u64), key: &K) -> Option<(K, f64)> {
        (*count > 0).then(|| (key.clone(), sum / *count as f64))
    }
    fn merge(&mut self, kept: &mut (f64, u64), later: (f64, u64)) {
        *kept = (kept.0 + later.0, kept.1 + later.1);
    }
    closes!(|kept| (kept.1 > 0).then(|| kept.0 / kept.1 as f64));
}

/// `reduce(|a, b| ..)`. Windows that overlap and sessions are put together from parts, in the order of their times: what `f`
/// makes of three records must not depend on which two it is given first.
#[derive(Debug)]
pub struct Reduce<F>(pub F);
impl<F> Reduce<F> {
    #[inline(always)]
    fn take<T>(&mut self, kept: &mut Option<T>, record: T)
    where
        F: FnMut(T, T) -> T,
    {
        let value = match kept.take() {
            Some(before) => (self.0)(before, record),
            None => record,
        };
        *kept = Some(value);
    }
}
impl<K: Clone + 'static, T: Clone + 'static, F: FnMut(T, T) -> T + 'static> Aggregate<K, T> for Reduce<F> {
    type Kept = Option<T>;
    type Out = (K, T);
    type Closed = Windowed<K, T>;
    const COMBINES: bool = true;
    fn fresh(&self) -> Option<T> {
        None
    }
    #[inline]
    fn add(&mut self, kept: &mut Option<T>, record: T) {
        self.take(kept, record);
    }
    #[inline(always)]
    fn shown(&self, kept: &Option<T>, key: &K) -> Option<(K, T)> {
        kept.clone().map(|value| (key.clone(), value))
    }
    fn merge(&mut self, kept: &mut Option<T>, later: Option<T>) {
        later.into_iter().for_each(|record| self.take(kept, record));
    }
    closes!(|kept| kept);
}

/// `fold(init, |a, r| ..)`. What it has made of two runs of records cannot be made one: it goes by the record.
pub struct Fold<A, F, T>(pub A, pub F, pub Copier<T>);
/// How a record is copied, where it can be.
pub type Copier<T> = Option<fn(&T) -> T>;
impl<A: fmt::Debug, F, T> fmt::Debug for Fold<A, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Fold").field(&self.0).finish_non_exhaustive()
    }
}
impl<A: Clone, F: FnMut(A, T) -> A, T> Fold<A, F, T> {
    #[inline(always)]
    fn take(&mut self, kept: &mut Option<A>, record: T) {
        let before = kept.take().unwrap_or_else(|| self.0.clone());
        *kept = Some((self.1)(before, record));
    }
}
impl<K, T, A, F> Aggregate<K, T> for Fold<A, F, T>
where
    K: Clone + 'static,
    T: 'static,
    A: Clone + 'static,
    F: FnMut(A, T) -> A + 'static,
{
    type Kept = Option<A>;
    type Out = (K, A);
    type Closed = Windowed<K, A>;
    const MERGES: bool = false;
    fn fresh(&self) -> Option<A> {
        None
    }
    #[inline]
    fn add(&mut self, kept: &mut Option<A>, record: T) {
        self.take(kept, record);
    }
    #[inline(always)]
    fn shown(&self, kept: &Option<A>, key: &K) -> Option<(K, A)> {
        kept.clone().map(|value| (key.clone(), value))
    }
    fn copy(&self, record: &T) -> Option<T> {
        self.2.map(|copy| copy(record))
    }
    closes!(|kept| kept);
}

/// `top(n, |r| ..)`: the `n` records of the highest score, highest first; of equals, the one that came first. What windows
/// are put together from was gathered side by side, so each record is kept with the number of its arrival.
#[derive(Debug)]
pub struct Top<F>(usize, F, u64);
impl<F> Top<F> {
    pub(crate) fn new(n: usize, score: F) -> Self {
        Top(n, score, 0)
    }
    fn take<T, V: PartialOrd>(&mut self, kept: &mut Vec<(u64, T)>, arrival: u64, record: T)
    where
        F: FnMut(&T) -> V,
    {
        let score = (self.1)(&record);
        let behind = |(arrived, other): &(u64, T)| {
            let other = (self.1)(other);
            other < score || *arrived > arrival && other.partial_cmp(&score) != Some(Ordering::Greater)
        };
        let place = kept.iter().position(behind).unwrap_or(kept.len());
        if place < self.0 {
            kept.insert(place, (arrival, record));
            kept.truncate(self.0);
        }
    }
}
impl<K, T, V, F> Aggregate<K, T> for Top<F>
where
    K: Clone + 'static,
    T: Clone + 'static,
    V: PartialOrd,
    F: FnMut(&T) -> V + 'static,
{
    type Kept = Vec<(u64, T)>;
    type Out = (K, Vec<T>);
    type Closed = Windowed<K, Vec<T>>;
    fn fresh(&self) -> Self::Kept {
        Vec::new()
    }
    fn add(&mut self, kept: &mut Self::Kept, record: T) {
        self.2 += 1;
        self.take(kept, self.2, record);
    }
    fn shown(&self, kept: &Self::Kept, key: &K) -> Option<(K, Vec<T>)> {
        Some((key.clone(), kept.iter().map(|(_, record)| record.clone()).collect()))
    }
    fn merge(&mut self, kept: &mut Self::Kept, later: Self::Kept) {
        later.into_iter().for_each(|(arrival, record)| self.take(kept, arrival, record));
    }
    closes!(|kept| Some(kept.into_iter().map(|(_, record)| record).collect()));
}

/// `distinct()`: each record with the number of its first arrival, and whether it was told.
#[derive(Debug, Default)]
pub struct Distinct(u64);
impl<K: 'static, T: Eq + Hash + Clone + 'static> Aggregate<K, T> for Distinct {
    type Kept = HashMap<T, (u64, bool)>;
    type Out = T;
    type Closed = T;
    const EACH: bool = false;
    fn fresh(&self) -> Self::Kept {
        HashMap::new()
    }
    fn add(&mut self, kept: &mut Self::Kept, record: T) {
        self.0 += 1;
        kept.entry(record).or_insert((self.0, false));
    }
    fn update(&mut self, kept: &mut Self::Kept, _: &K, record: T) -> Option<T> {
        if kept.contains_key(&record) {
            return None;
        }
        self.0 += 1;
        kept.insert(record.clone(), (self.0, true));
        Some(record)
    }
    fn merge(&mut self, kept: &mut Self::Kept, later: Self::Kept) {
        for (record, (arrival, told)) in later {
            let first = kept.entry(record).or_insert((arrival, told));
            *first = (first.0.min(arrival), first.1 | told);
        }
    }
    fn told(&mut self, kept: &mut Self::Kept) {
        kept.values_mut().for_each(|(_, told)| *told = true);
    }
    fn told_but_last(&mut self, kept: &mut Self::Kept) {
        kept.values_mut().for_each(|(arrival, told)| *told |= *arrival < self.0);
    }
    fn close(&mut self, kept: Self::Kept, _: &K, _: Window, mut emit: impl FnMut(T)) {
        let untold = kept.into_iter().filter(|(_, (_, told))| !told);
        let mut untold: Vec<(u64, T)> = untold.map(|(record, (arrival, _))| (arrival, record)).collect();
        untold.sort_unstable_by_key(|(arrival, _)| *arrival);
        untold.into_iter().for_each(|(_, record)| emit(record));
    }
}
