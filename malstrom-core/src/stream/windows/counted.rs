//! Windows of so many records of a key.
use super::figures::Reached;
use super::{Horizon, Host, Rest, codec};
use crate::contract::code::Codec;
use crate::contract::form::{Meta, Stamp};
use crate::contract::key::PartitionKey;
use crate::contract::record::{CodecError, Describe, Description, TypeRef};
use crate::contract::snapshot::{Barrier, Part, Task};
use crate::contract::time::Timestamp;
use crate::contract::window::Window;
use crate::contract::windows::{Counts, Spec};
use crate::state::saved::{Chapter, Layout};
use crate::state::table::StateTable;
use crate::stream::aggregate::Aggregate;
use crate::stream::env::Env;
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
/// Writes how many records there are, the least and the greatest time if there are times, and what they have come to.
#[derive(Clone)]
struct OfFilling<C>(C);
/// Before what is kept of it: a number, whether there are times, and two of them.
const HEAD: usize = 8 + 1 + 16;
fn described(kept: TypeRef) -> TypeRef {
    TypeRef::of("", [TypeRef::plain("u64"), TypeRef::plain("Option<(i64, i64)>"), kept])
}
impl<V, C: Codec<V>> Codec<Filling<V>> for OfFilling<C> {
    fn version(&self) -> u32 {
        self.0.version()
    }
    fn describe(&self, d: &mut Describe) -> TypeRef {
        described(self.0.describe(d))
    }
    fn description(&self, version: u32) -> Option<Description> {
        let Description { root, types } = self.0.description(version)?;
        Some(Description { root: described(root), types })
    }
    fn migrates(&self) -> bool {
        self.0.migrates()
    }
    fn encode(&self, filling: &Filling<V>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let before = out.len();
        let (first, last) = filling.times.unwrap_or_default();
        out.extend(filling.records.to_le_bytes());
        out.push(u8::from(filling.times.is_some()));
        out.extend(first.to_le_bytes());
        out.extend(last.to_le_bytes());
        self.0.encode(&filling.kept, out).inspect_err(|_| out.truncate(before))
    }
    fn decode(&self, version: u32, bytes: &[u8]) -> Result<Filling<V>, CodecError> {
        let broken = || CodecError::new("a window without the number and the times of its records");
        let (head, kept) = bytes.split_first_chunk::<HEAD>().ok_or_else(broken)?;
        let number = |at: usize| {
            let bytes = head.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).ok_or_else(broken)?;
            Ok::<_, CodecError>(u64::from_le_bytes(bytes))
        };
        let times = match head[8] {
            0 => None,
            1 => Some((number(9)?.cast_signed(), number(17)?.cast_signed())),
            _ => return Err(broken()),
        };
        Ok(Filling { records: number(0)?, times, kept: self.0.decode(version, kept)? })
    }
}
/// The windows of all keys of a worker.
pub(crate) struct CountTable<K, V> {
    records: u64,
    table: StateTable<K, Filling<V>>,
    /// How many slots have been emptied at the end of the input.
    emptied: usize,
    /// Where it is written to, if it is.
    chapter: Option<Chapter>,
}
impl<K: PartitionKey, V: 'static> CountTable<K, V> {
    /// That of operator `node`. With a `codec` it is saved.
    pub(crate) fn new(spec: Spec<Counts>, env: &Env, node: usize, codec: Option<impl Codec<V>>) -> Self {
        let (mut table, mut chapter) = (StateTable::new(env.ranks()), None);
        if let Some(codec) = codec.map(OfFilling) {
            chapter = Some(Chapter::new(env.owner(node), Part::State, Layout::of_entries::<K, _>(&codec)));
            table.track(codec);
        }
        CountTable { records: spec.windows.records, table, emptied: 0, chapter }
    }
    pub(crate) fn flip(&mut self, barrier: Barrier) {
        if let Some(chapter) = &mut self.chapter {
            chapter.flip_table(&mut self.table, barrier);
        }
    }
    pub(crate) fn persist(&mut self, task: Task<'_, '_>) {
        if let Some(chapter) = &mut self.chapter {
            chapter.persist_table(&mut self.table, task);
        }
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
            if let Some(taken) = self.table.clear_slot(self.table.slots() - self.emptied) {
                return Some(taken);
            }
        }
        if let Some(chapter) = &mut self.chapter {
            chapter.begin_anew();
        }
        None
    }
}

/// What such windows are called. A window may become full sooner or later than was said when it was begun.
pub(crate) const TERMS: &str = "windows of so many records";

/// Aggregates in counted windows.
pub(crate) struct CountHost<K, T, A: Aggregate<K, T>> {
    aggregate: A,
    windows: CountTable<K, A::Kept>,
    record: PhantomData<fn(T)>,
}
impl<K: PartitionKey, T, A: Aggregate<K, T>> CountHost<K, T, A> {
    /// That of operator `node`.
    pub(crate) fn new(aggregate: A, spec: Spec<Counts>, env: &Env, node: usize) -> Self {
        let codec = codec::<A::Kept, _>(env, node, || aggregate.codec());
        CountHost { aggregate, windows: CountTable::new(spec, env, node, codec), record: PhantomData }
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
    fn terms(&self) -> (String, i64) {
        (TERMS.to_owned(), 0)
    }
    fn arrivals(&mut self) -> Option<&mut u64> {
        self.aggregate.arrivals()
    }
    fn flip(&mut self, barrier: Barrier) {
        self.windows.flip(barrier);
    }
    fn persist(&mut self, task: Task<'_, '_>, _: &Reached) {
        self.windows.persist(task);
    }
}
