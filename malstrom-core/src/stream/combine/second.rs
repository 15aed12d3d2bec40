//! The second phase: results from partial ones and from records, at the worker that owns the key.
use super::{Part, Shared};
use crate::contract::form::{Meta, Stamp};
use crate::contract::key::PartitionKey;
use crate::contract::window::Late;
use crate::contract::windows::{Lateness, Times};
use crate::state::table::StateTable;
use crate::stream::aggregate::Aggregate;
use crate::stream::env::{Env, Site};
use crate::stream::link::Wrap;
use crate::stream::signal::{End, Flow};
use crate::stream::windows::late::OnLate;
use crate::stream::windows::panes::PaneHost;
use crate::stream::windows::{Horizon, Host, Rest};
use crate::stream::{At, Push, hands_on};

/// The second phase in windows.
pub(crate) struct PartHost<H>(pub(crate) H);
impl<M, K, T, A, N, L, X> Host<M, Part<T, A::Kept>, X> for PartHost<PaneHost<K, T, A, N, L>>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
    N: Times,
    L: Lateness,
    X: 'static,
{
    type Out = A::Closed;
    #[inline(always)]
    fn record<P: Push<M, A::Closed>>(&mut self, at: At<'_, M>, part: Part<T, A::Kept>, rest: &mut Rest<X, P>) {
        match part {
            Part::Record(record) => self.0.record(at, record, rest),
            part => self.0.add(at, at.stamp.ticks().unwrap_or(0), part, rest),
        }
    }
    fn due(&mut self, horizon: Horizon) -> bool {
        Host::<M, T, X>::due(&mut self.0, horizon)
    }
    fn close<P: Push<M, A::Closed>>(&mut self, horizon: Horizon, rest: &mut Rest<X, P>) -> bool {
        Host::<M, T, X>::close(&mut self.0, horizon, rest)
    }
}

/// What happens to those that are late of what a combiner has sent.
pub(crate) struct LateParts<M: Meta, T>(pub(crate) Option<Box<dyn OnLate<M, T>>>);
impl<M: Meta, T: 'static, V: 'static> OnLate<M, Part<T, V>> for LateParts<M, T> {
    fn late(&mut self, at: At<'_, M>, late: Late<Part<T, V>>, site: &Site) {
        let Some(on_late) = &mut self.0 else { return };
        match late.record {
            Part::Record(record) => on_late.late(at, Late { record, watermark: late.watermark }, site),
            Part::Gathered { .. } => {
                on_late.late_unseen(at.stamp.ticks().unwrap_or(0), late.watermark.as_micros(), site);
            }
        }
    }
    fn further(&self, part: &Part<T, V>) -> u64 {
        match part {
            Part::Record(_) => 0,
            Part::Gathered { records, .. } => records - 1,
        }
    }
    fn stopped(&self) -> bool {
        self.0.as_ref().is_some_and(|on_late| on_late.stopped())
    }
    fn drops(&self) -> bool {
        self.0.as_ref().is_some_and(|on_late| on_late.drops())
    }
    fn pump(&mut self) -> Flow {
        self.0.as_mut().map_or(Flow::Free, |on_late| on_late.pump())
    }
    fn flush(&mut self) -> bool {
        self.0.as_mut().is_some_and(|on_late| on_late.flush())
    }
    fn finish(&mut self, end: End) {
        if let Some(on_late) = &mut self.0 {
            on_late.finish(end);
        }
    }
}

/// The second phase where there are no windows: shows what has come of each partial result.
pub(crate) struct PartsStage<A> {
    pub(crate) aggregate: Shared<A>,
    pub(crate) node: usize,
}
struct PartsPush<K, V, A, P> {
    aggregate: Shared<A>,
    table: StateTable<K, V>,
    down: P,
    site: Site,
}
impl<K, M, T, A> Wrap<M, Part<T, A::Kept>, M, A::Out> for PartsStage<A>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
{
    fn wrap<P: Push<M, A::Out>>(self, env: &Env, down: P) -> impl Push<M, Part<T, A::Kept>> {
        PartsPush::<K, A::Kept, A, P> {
            aggregate: self.aggregate,
            table: StateTable::new(env.ranks()),
            down,
            site: env.site(self.node),
        }
    }
}
impl<K, M, T, A, P> Push<M, Part<T, A::Kept>> for PartsPush<K, A::Kept, A, P>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
    P: Push<M, A::Out>,
{
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, part: Part<T, A::Kept>) {
        let guard = self.site.guard();
        let kept = self.table.entry(at.hash, at.key, || self.aggregate.fresh());
        match part {
            Part::Record(record) => self.aggregate.add(kept, record),
            Part::Gathered { kept: later, .. } => Aggregate::<K, T>::merge(&mut self.aggregate, kept, later),
        }
        let out = Aggregate::<K, T>::shown(&self.aggregate, kept, at.key);
        guard.disarm();
        if let Some(out) = out {
            self.down.push(at, out);
        }
    }
    hands_on!(@settle);
}
