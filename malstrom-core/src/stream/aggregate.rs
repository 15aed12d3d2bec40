//! Aggregates, running and per window: `count`, `sum`, `min`, `max`, `average`, `reduce`, `fold`, `top`, `distinct`.
use super::env::{Env, Site};
use super::link::Wrap;
use super::signal::{End, Flow, Signal};
use super::{At, Push};
use crate::contract::code::{Code, Codec};
use crate::contract::form::Meta;
use crate::contract::key::PartitionKey;
use crate::contract::snapshot::{Part, Task};
use crate::contract::window::Window;
use crate::error::Error;
use crate::state::saved::{Chapter, Figures, Layout};
use crate::state::table::StateTable;
use std::time::Duration;

/// How the records of one key become one value: running, or per window.
pub trait Aggregate<K, T>: 'static {
    /// What is kept per key, and window.
    type Kept: Clone + 'static;
    /// How that is written to snapshots.
    type Codec: Codec<Self::Kept>;
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

    /// How what is kept is written to snapshots. `None` if it holds values of the user's that are no records.
    fn codec(&self) -> Option<Self::Codec>;
    /// How records are written, where [`MERGES`](Self::MERGES) does not hold: sessions keep those until they close.
    fn record_code(&self) -> Option<Code<T>> {
        None
    }
    /// The number of the last record of all keys, where records are numbered in what is kept.
    fn arrivals(&mut self) -> Option<&mut u64> {
        None
    }

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
                emit($crate::contract::window::Windowed { key: key.clone(), window, value });
            }
        }
    };
}

mod gathered;
mod listed;
pub use gathered::{Average, Count, Extreme, Reduce, Sum};
pub use listed::{Copier, Distinct, Fold, FoldCodes, Top};

pub(crate) struct AggregateStage<A> {
    pub(crate) aggregate: A,
    pub(crate) node: usize,
}
struct AggregatePush<K, V, A, P> {
    aggregate: A,
    table: StateTable<K, V>,
    /// Where it is written to, if it is.
    chapter: Option<Chapter>,
    arrivals: Option<Figures<u64>>,
    down: P,
    passed: u64,
    site: Site,
}
impl<K: PartitionKey, M: Meta<Key = K>, T: 'static, A: Aggregate<K, T>> Wrap<M, T, M, A::Out> for AggregateStage<A> {
    fn wrap<P: Push<M, A::Out>>(self, env: &Env, down: P) -> impl Push<M, T> {
        let AggregateStage { mut aggregate, node } = self;
        let (mut table, mut chapter, mut arrivals) = (StateTable::<K, A::Kept>::new(env.ranks()), None, None);
        let site = env.site(node);
        if env.tracks() {
            match aggregate.codec() {
                Some(codec) => {
                    let layout = Layout::of_entries::<K, A::Kept>(&codec);
                    chapter = Some(Chapter::new(env.owner(node), Part::State, layout));
                    table.track(codec);
                }
                None => site.fail(unwritten::<A::Kept>(&site.id)),
            }
            arrivals = aggregate.arrivals().map(|_| Figures::new(env.owner(node)));
        }
        AggregatePush::<K, A::Kept, A, P> { aggregate, table, chapter, arrivals, down, passed: 0, site }
    }
}
/// Says that what operator `id` keeps cannot be saved.
pub(crate) fn unwritten<V>(id: &str) -> Error {
    Error::Config(format!(
        "`{id}` keeps values of type `{}` that cannot be written to a snapshot, or for another worker: derive `Record` for it, or run \
         without snapshots and without `--elastic`",
        std::any::type_name::<V>()
    ))
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
        if let Signal::Barrier(barrier) = signal {
            if let Some(chapter) = &mut self.chapter {
                chapter.flip_table(&mut self.table, barrier);
            }
            if let (Some(figures), Some(arrivals)) = (&mut self.arrivals, self.aggregate.arrivals()) {
                figures.flip(barrier, *arrivals);
            }
        }
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
    fn persist(&mut self, mut task: Task<'_, '_>) {
        if let Some(chapter) = &mut self.chapter {
            chapter.persist_table(&mut self.table, task.again());
        }
        if let Some(figures) = &mut self.arrivals {
            let workers = figures.persist(task.again());
            if let Some(arrivals) = self.aggregate.arrivals() {
                *arrivals = workers.into_iter().fold(*arrivals, u64::max);
            }
        }
        self.down.persist(task);
    }
    super::hands_on!(@passed);
}

#[cfg(test)]
mod tests;
