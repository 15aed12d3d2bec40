//! Windows of so many records of a key.
use super::{Horizon, Host, Rest};
use crate::contract::form::{Meta, Stamp};
use crate::contract::key::PartitionKey;
use crate::contract::time::Timestamp;
use crate::contract::window::Window;
use crate::contract::windows::{Counts, Spec};
use crate::state::table::{Ranks, StateTable};
use crate::stream::aggregate::Aggregate;
use crate::stream::{At, Push};
use std::marker::PhantomData;

/// A window that is not full.
pub(crate) struct Filling<V> {
    records: u64,
    /// The least and the greatest time.
    times: Option<(i64, i64)>,
    pub(crate) kept: V,
}
impl<V> Filling<V> {
    pub(crate) fn window(&self) -> Window {
        match self.times {
            Some((first, last)) => {
                Window::new(Timestamp::from_micros(first), Timestamp::from_micros(last.saturating_add(1)))
            }
            None => Window::new(Timestamp::MIN, Timestamp::MAX),
        }
    }
    /// The time of what the window emits: that of its last tick.
    pub(crate) fn last(&self) -> i64 {
        self.times.map_or(0, |(_, last)| last)
    }
}
/// The windows of all keys of a worker.
pub(crate) struct CountTable<K, V> {
    records: u64,
    table: StateTable<K, Filling<V>>,
    /// How many slots have been emptied at the end of the input.
    emptied: usize,
}
impl<K: PartitionKey, V> CountTable<K, V> {
    pub(crate) fn new(spec: Spec<Counts>, ranks: Ranks) -> Self {
        CountTable { records: spec.windows.records, table: StateTable::new(ranks), emptied: 0 }
    }
    /// The window for one more record at `time`, and whether that fills it.
    #[inline]
    pub(crate) fn enter(
        &mut self,
        hash: u64,
        key: &K,
        time: Option<i64>,
        fresh: impl FnOnce() -> V,
    ) -> (&mut Filling<V>, bool) {
        let most = self.records;
        let filling = self.table.entry(hash, key, || Filling { records: 0, times: None, kept: fresh() });
        filling.records += 1;
        if let Some(time) = time {
            let (first, last) = filling.times.unwrap_or((time, time));
            filling.times = Some((first.min(time), last.max(time)));
        }
        let full = filling.records >= most;
        (filling, full)
    }
    pub(crate) fn remove(&mut self, hash: u64, key: &K) -> Option<Filling<V>> {
        self.table.remove(hash, key)
    }
    pub(crate) fn due(&self, horizon: Horizon) -> bool {
        horizon == Horizon::End && !self.table.is_empty()
    }
    /// The next window at the end of the input, full or not.
    pub(crate) fn step(&mut self) -> Option<(u64, K, Filling<V>)> {
        while self.emptied < self.table.slots() {
            self.emptied += 1;
            if let Some(taken) = self.table.take_slot(self.emptied - 1) {
                return Some(taken);
            }
        }
        None
    }
}

/// Aggregates in counted windows.
pub(crate) struct CountHost<K, T, A: Aggregate<K, T>> {
    aggregate: A,
    windows: CountTable<K, A::Kept>,
    record: PhantomData<fn(T)>,
}
impl<K: PartitionKey, T, A: Aggregate<K, T>> CountHost<K, T, A> {
    pub(crate) fn new(aggregate: A, spec: Spec<Counts>, ranks: Ranks) -> Self {
        CountHost { aggregate, windows: CountTable::new(spec, ranks), record: PhantomData }
    }
}
impl<M, K, T, A, X> Host<M, T, X> for CountHost<K, T, A>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
    X: 'static,
{
    type Out = A::Closed;
    fn record<P: Push<M, A::Closed>>(&mut self, at: At<'_, M>, record: T, rest: &mut Rest<X, P>) {
        let guard = rest.site.guard();
        let CountHost { aggregate, windows, .. } = self;
        let (filling, full) = windows.enter(at.hash, at.key, at.stamp.ticks(), || aggregate.fresh());
        aggregate.add(&mut filling.kept, record);
        guard.disarm();
        if full && let Some(filling) = windows.remove(at.hash, at.key) {
            let (hash, key, window, last) = (at.hash, at.key, filling.window(), filling.last());
            aggregate.close(filling.kept, key, window, |out| rest.emit::<M, _>(hash, key, last, out));
        }
    }
    fn due(&mut self, horizon: Horizon) -> bool {
        self.windows.due(horizon)
    }
    fn close<P: Push<M, A::Closed>>(&mut self, _: Horizon, rest: &mut Rest<X, P>) -> bool {
        let Some((hash, key, filling)) = self.windows.step() else { return false };
        let (window, last) = (filling.window(), filling.last());
        self.aggregate.close(filling.kept, &key, window, |out| rest.emit::<M, _>(hash, &key, last, out));
        true
    }
}
