//! What surrounds a host in its chain: its failures and side outputs, and what lies behind it.
use crate::contract::form::{Meta, Stamp};
use crate::stream::call::{OnFail, SideEnds};
use crate::stream::env::{Clock, Site};
use crate::stream::signal::{End, Flow, Signal};
use crate::stream::timing::Progress;
use crate::stream::{At, Push};
use std::marker::PhantomData;
use std::rc::Rc;

/// What a stage has beside its main output.
pub(crate) trait Around<M: Meta>: 'static {
    fn stopped(&self) -> bool;
    fn signal(&mut self, signal: Signal);
    fn pump(&mut self) -> Flow;
    fn settle(&mut self, site: &Site);
    fn flush(&mut self) -> bool;
    fn finish(&mut self, end: End);
}
impl<M: Meta> Around<M> for () {
    #[inline(always)]
    fn stopped(&self) -> bool {
        false
    }
    fn signal(&mut self, _: Signal) {}
    fn pump(&mut self) -> Flow {
        Flow::Free
    }
    fn settle(&mut self, _: &Site) {}
    fn flush(&mut self) -> bool {
        false
    }
    fn finish(&mut self, _: End) {}
}
/// The failures and the side outputs of an operator.
pub(crate) struct Branches<F, E, S, Sides> {
    pub(crate) on_fail: F,
    pub(crate) side_ends: S,
    pub(crate) types: PhantomData<fn(E, Sides)>,
}
impl<M, F, E, S, Sides> Around<M> for Branches<F, E, S, Sides>
where
    M: Meta,
    F: OnFail<M, E>,
    S: SideEnds<M, Sides>,
    E: 'static,
    Sides: 'static,
{
    #[inline(always)]
    fn stopped(&self) -> bool {
        self.on_fail.stopped()
    }
    fn signal(&mut self, signal: Signal) {
        self.on_fail.signal(signal);
        self.side_ends.signal(signal);
    }
    fn pump(&mut self) -> Flow {
        self.on_fail.pump().and(self.side_ends.pump())
    }
    fn settle(&mut self, site: &Site) {
        self.on_fail.settle(site);
    }
    fn flush(&mut self) -> bool {
        self.on_fail.flush() | self.side_ends.flush()
    }
    fn finish(&mut self, end: End) {
        self.on_fail.finish(end);
        self.side_ends.finish(end);
    }
}

/// What surrounds a host in its chain.
pub(crate) struct Rest<X, P> {
    pub(crate) around: X,
    pub(crate) down: P,
    pub(crate) emitted: u64,
    pub(crate) progress: Progress,
    pub(crate) clock: Rc<Clock>,
    pub(crate) site: Site,
}
impl<X, P> Rest<X, P> {
    /// Emits a record for `key` at `time`.
    #[inline(always)]
    pub(crate) fn emit<M: Meta, T>(&mut self, hash: u64, key: &M::Key, time: i64, record: T)
    where
        P: Push<M, T>,
    {
        self.emitted += 1;
        self.down.push(At { key, hash, stamp: M::Stamp::of(time) }, record);
    }
}
