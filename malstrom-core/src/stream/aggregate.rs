//! Running aggregates: `count`, `sum`, `min`, `max`, `average`, `reduce`, `fold`, `top`, `distinct`.
use super::env::{Env, Site};
use super::link::Wrap;
use super::signal::{End, Flow, Signal};
use super::{At, Push};
use crate::contract::form::Meta;
use crate::contract::key::PartitionKey;
use crate::contract::number::Number;
use crate::state::table::StateTable;
use std::collections::HashSet;
use std::hash::Hash;
use std::ops::AddAssign;
use std::time::Duration;

/// How the records of one key become one value.
pub trait Aggregate<K, T>: 'static {
    /// What is kept per key.
    type Kept: 'static;
    /// What is emitted after each record.
    type Out: 'static;
    /// Whether every record has an output, which then need not be counted.
    const EACH: bool = true;

    /// What is kept before the first record.
    fn fresh(&self) -> Self::Kept;
    /// Takes in one record.
    fn update(&mut self, kept: &mut Self::Kept, key: &K, record: T) -> Option<Self::Out>;
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
    #[inline(always)]
    fn fresh(&self) -> u64 {
        0
    }
    #[inline(always)]
    fn update(&mut self, kept: &mut u64, key: &K, _: T) -> Option<(K, u64)> {
        *kept += 1;
        Some((key.clone(), *kept))
    }
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
    #[inline(always)]
    fn fresh(&self) -> V {
        V::default()
    }
    #[inline(always)]
    fn update(&mut self, kept: &mut V, key: &K, record: T) -> Option<(K, V)> {
        *kept += (self.0)(&record);
        Some((key.clone(), kept.clone()))
    }
}

/// `min(|r| ..)` and `max(|r| ..)`: keeps the value that `better(new, kept)` prefers.
#[derive(Debug)]
pub struct Extreme<F, B>(pub F, pub B);
impl<K, T, V, F, B> Aggregate<K, T> for Extreme<F, B>
where
    K: Clone + 'static,
    V: Clone + 'static,
    F: FnMut(&T) -> V + 'static,
    B: Fn(&V, &V) -> bool + 'static,
{
    type Kept = Option<V>;
    type Out = (K, V);
    fn fresh(&self) -> Option<V> {
        None
    }
    #[inline]
    fn update(&mut self, kept: &mut Option<V>, key: &K, record: T) -> Option<(K, V)> {
        let value = (self.0)(&record);
        let best = match kept.take() {
            Some(best) if !(self.1)(&value, &best) => best,
            _ => value,
        };
        Some((key.clone(), kept.insert(best).clone()))
    }
}

/// `average(|r| ..)`
#[derive(Debug)]
pub struct Average<F>(pub F);
impl<K: Clone + 'static, T, V: Number, F: FnMut(&T) -> V + 'static> Aggregate<K, T> for Average<F> {
    type Kept = (f64, u64);
    type Out = (K, f64);
    fn fresh(&self) -> (f64, u64) {
        (0.0, 0)
    }
    #[inline]
    fn update(&mut self, kept: &mut (f64, u64), key: &K, record: T) -> Option<(K, f64)> {
        kept.0 += (self.0)(&record).to_f64();
        kept.1 += 1;
        Some((key.clone(), kept.0 / kept.1 as f64))
    }
}

/// `reduce(|a, b| ..)`
#[derive(Debug)]
pub struct Reduce<F>(pub F);
impl<K: Clone + 'static, T: Clone + 'static, F: FnMut(T, T) -> T + 'static> Aggregate<K, T> for Reduce<F> {
    type Kept = Option<T>;
    type Out = (K, T);
    fn fresh(&self) -> Option<T> {
        None
    }
    #[inline]
    fn update(&mut self, kept: &mut Option<T>, key: &K, record: T) -> Option<(K, T)> {
        let value = match kept.take() {
            Some(before) => (self.0)(before, record),
            None => record,
        };
        Some((key.clone(), kept.insert(value).clone()))
    }
}

/// `fold(init, |a, r| ..)`
#[derive(Debug)]
pub struct Fold<A, F>(pub A, pub F);
impl<K, T, A, F> Aggregate<K, T> for Fold<A, F>
where
    K: Clone + 'static,
    A: Clone + 'static,
    F: FnMut(A, T) -> A + 'static,
{
    type Kept = Option<A>;
    type Out = (K, A);
    fn fresh(&self) -> Option<A> {
        None
    }
    #[inline]
    fn update(&mut self, kept: &mut Option<A>, key: &K, record: T) -> Option<(K, A)> {
        let before = kept.take().unwrap_or_else(|| self.0.clone());
        let value = (self.1)(before, record);
        Some((key.clone(), kept.insert(value).clone()))
    }
}

/// `top(n, |r| ..)`: the `n` records of the highest score, highest first; of equals, the earlier one first.
#[derive(Debug)]
pub struct Top<F>(pub usize, pub F);
impl<K, T, V, F> Aggregate<K, T> for Top<F>
where
    K: Clone + 'static,
    T: Clone + 'static,
    V: PartialOrd,
    F: FnMut(&T) -> V + 'static,
{
    type Kept = Vec<T>;
    type Out = (K, Vec<T>);
    fn fresh(&self) -> Vec<T> {
        Vec::new()
    }
    fn update(&mut self, kept: &mut Vec<T>, key: &K, record: T) -> Option<(K, Vec<T>)> {
        let score = (self.1)(&record);
        let place = kept.iter().position(|other| (self.1)(other) < score).unwrap_or(kept.len());
        if place < self.0 {
            kept.insert(place, record);
            kept.truncate(self.0);
        }
        Some((key.clone(), kept.clone()))
    }
}

/// `distinct()`
#[derive(Debug)]
pub struct Distinct;
impl<K: 'static, T: Eq + Hash + Clone + 'static> Aggregate<K, T> for Distinct {
    type Kept = HashSet<T>;
    type Out = T;
    const EACH: bool = false;
    fn fresh(&self) -> HashSet<T> {
        HashSet::new()
    }
    fn update(&mut self, kept: &mut HashSet<T>, _: &K, record: T) -> Option<T> {
        if kept.contains(&record) {
            return None;
        }
        kept.insert(record.clone());
        Some(record)
    }
}
