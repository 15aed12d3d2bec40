//! Aggregates that go by the records and by the order in which they come: `fold`, `top`, `distinct`.
use super::Aggregate;
use crate::contract::code::{Code, OfList, OfMap, OfOption, OfPair, OfRecord};
use crate::contract::window::{Window, Windowed};
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

/// `fold(init, |a, r| ..)`. What it has made of two runs of records cannot be made one: it goes by the record.
pub struct Fold<A, F, T>(pub A, pub F, pub Copier<T>, pub FoldCodes<A, T>);
/// How a record is copied, where it can be.
pub type Copier<T> = Option<fn(&T) -> T>;
/// How what `fold` has come to is written, and its records.
pub type FoldCodes<A, T> = (Option<Code<A>>, Option<Code<T>>);
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
    type Codec = OfOption<Code<A>>;
    type Out = (K, A);
    type Closed = Windowed<K, A>;
    const MERGES: bool = false;
    fn codec(&self) -> Option<Self::Codec> {
        self.3.0.map(OfOption)
    }
    fn record_code(&self) -> Option<Code<T>> {
        self.3.1
    }
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
pub struct Top<F, T>(usize, F, u64, Option<Code<T>>);
impl<F, T> Top<F, T> {
    pub(crate) fn new(n: usize, score: F, code: Option<Code<T>>) -> Self {
        Top(n, score, 0, code)
    }
    fn take<V: PartialOrd>(&mut self, kept: &mut Vec<(u64, T)>, arrival: u64, record: T)
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
impl<K, T, V, F> Aggregate<K, T> for Top<F, T>
where
    K: Clone + 'static,
    T: Clone + 'static,
    V: PartialOrd,
    F: FnMut(&T) -> V + 'static,
{
    type Kept = Vec<(u64, T)>;
    type Codec = OfList<OfPair<OfRecord<u64>, Code<T>>>;
    type Out = (K, Vec<T>);
    type Closed = Windowed<K, Vec<T>>;
    fn codec(&self) -> Option<Self::Codec> {
        self.3.map(|code| OfList(OfPair(OfRecord::new(), code)))
    }
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
    fn arrivals(&mut self) -> Option<&mut u64> {
        Some(&mut self.2)
    }
}

/// `distinct()`: each record with the number of its first arrival, and whether it was told.
#[derive(Debug)]
pub struct Distinct<T>(u64, Option<Code<T>>);
impl<T> Distinct<T> {
    pub(crate) fn new(code: Option<Code<T>>) -> Self {
        Distinct(0, code)
    }
}
impl<K: 'static, T: Eq + Hash + Clone + 'static> Aggregate<K, T> for Distinct<T> {
    type Kept = HashMap<T, (u64, bool)>;
    type Codec = OfMap<Code<T>, OfRecord<(u64, bool)>>;
    type Out = T;
    type Closed = T;
    const EACH: bool = false;
    fn codec(&self) -> Option<Self::Codec> {
        self.1.map(|code| OfMap(code, OfRecord::new()))
    }
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
    fn arrivals(&mut self) -> Option<&mut u64> {
        Some(&mut self.0)
    }
}
