//! Aggregates of which each worker can gather a part: `count`, `sum`, `min`, `max`, `average`, `reduce`.
use super::Aggregate;
use crate::contract::code::{Codec, OfRecord};
use crate::contract::number::Number;
use crate::contract::window::{Window, Windowed};
use std::ops::AddAssign;

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
    fn codec(&self) -> Option<impl Codec<u64>> {
        Some(OfRecord::<u64>::new())
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
    fn codec(&self) -> Option<impl Codec<(f64, u64)>> {
        Some(OfRecord::<(f64, u64)>::new())
    }
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
