//! The second phase: results from partial ones and from records, at the worker that owns the key.
use super::{Part, Shared};
use crate::contract::form::{Meta, Stamp};
use crate::contract::snapshot::Barrier;
use crate::contract::window::{Late, Window};
use crate::stream::At;
use crate::stream::aggregate::Aggregate;
use crate::stream::env::Site;
use crate::stream::signal::{End, Flow};
use crate::stream::windows::late::OnLate;

/// An aggregate of what a combiner has sent: of partial results and of records.
pub(crate) struct Parts<A>(pub(crate) Shared<A>);
impl<K, T, A: Aggregate<K, T>> Aggregate<K, Part<T, A::Kept>> for Parts<A> {
    type Kept = A::Kept;
    type Codec = A::Codec;
    type Out = A::Out;
    type Closed = A::Closed;
    const EACH: bool = A::EACH;
    const MERGES: bool = A::MERGES;
    fn codec(&self) -> Option<A::Codec> {
        self.0.codec()
    }
    #[inline(always)]
    fn fresh(&self) -> A::Kept {
        self.0.fresh()
    }
    #[inline(always)]
    fn add(&mut self, kept: &mut A::Kept, part: Part<T, A::Kept>) {
        match part {
            Part::Record(record) => self.0.add(kept, record),
            Part::Gathered { kept: later, .. } => self.0.merge(kept, later),
        }
    }
    #[inline(always)]
    fn shown(&self, kept: &A::Kept, key: &K) -> Option<A::Out> {
        self.0.shown(kept, key)
    }
    fn merge(&mut self, kept: &mut A::Kept, later: A::Kept) {
        self.0.merge(kept, later);
    }
    fn close(&mut self, kept: A::Kept, key: &K, window: Window, emit: impl FnMut(A::Closed)) {
        self.0.close(kept, key, window, emit);
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
    fn barrier(&mut self, barrier: Barrier) {
        if let Some(on_late) = &mut self.0 {
            on_late.barrier(barrier);
        }
    }
    fn finish(&mut self, end: End) {
        if let Some(on_late) = &mut self.0 {
            on_late.finish(end);
        }
    }
}
