//! Calls an operator with the state of a window.
use crate::contract::code::{Codec, OfOption, OfState};
use crate::contract::extract::{Context, Moment};
use crate::contract::form::{Meta, Stamp};
use crate::contract::kept::{Kept, Per};
use crate::contract::keying::{Keep, PerKey, PerKeyOption};
use crate::contract::stage::{Beside, Emit, ErrorOf, Operator};
use crate::contract::state::KeyedState;
use crate::contract::window::Window;
use crate::contract::windows::{Lateness, Lenient, OnTime};
use crate::stream::call::{OnFail, Out, SideEnds};
use crate::stream::env::{Clock, Site};
use crate::stream::timing::Progress;
use crate::stream::windows::{Branches, Rest};
use crate::stream::{At, Push};

/// A way of keeping state per key and window.
pub trait KeepInWindow: Keep {
    /// What is kept.
    type Kept: 'static;
    /// How that is written to snapshots.
    type Codec: Codec<Self::Kept>;
    /// The same as a value.
    fn codec() -> Self::Codec;
    /// What is kept before the first record.
    fn fresh() -> Self::Kept;
    /// The state, for one call.
    fn state(kept: &mut Self::Kept) -> &mut Self::State;
    /// The state of a window that closes, if there is one.
    fn closed(kept: Self::Kept) -> Option<Self::Closed>;
    /// The same for `Op`, as the plan says it.
    fn described<Op: Operator>(per: Per) -> Kept;
}
impl<S: KeyedState + Default> KeepInWindow for PerKey<S> {
    type Kept = S;
    type Codec = OfState<S>;
    fn codec() -> OfState<S> {
        OfState::new()
    }
    fn fresh() -> S {
        S::default()
    }
    #[inline(always)]
    fn state(kept: &mut S) -> &mut S {
        kept
    }
    fn closed(kept: S) -> Option<S> {
        Some(kept)
    }
    fn described<Op: Operator>(per: Per) -> Kept {
        Kept::state::<S, Op>(per)
    }
}
impl<S: KeyedState> KeepInWindow for PerKeyOption<S> {
    type Kept = Option<S>;
    type Codec = OfOption<OfState<S>>;
    fn codec() -> Self::Codec {
        OfOption(OfState::new())
    }
    fn fresh() -> Option<S> {
        None
    }
    #[inline(always)]
    fn state(kept: &mut Option<S>) -> &mut Option<S> {
        kept
    }
    fn closed(kept: Option<S>) -> Option<S> {
        kept
    }
    fn described<Op: Operator>(per: Per) -> Kept {
        Kept::state::<S, Op>(per)
    }
}

/// What is kept of a window that has closed, for records that come within its lateness.
pub trait Retains<V>: Lateness {
    /// A copy, if there may be such records.
    fn copy(kept: &V) -> Option<V>;
}
impl<V> Retains<V> for OnTime {
    #[inline(always)]
    fn copy(_: &V) -> Option<V> {
        None
    }
}
impl<V: Clone> Retains<V> for Lenient {
    #[inline(always)]
    fn copy(kept: &V) -> Option<V> {
        Some(kept.clone())
    }
}

/// An operator and where its side outputs and timers collect.
pub(crate) struct Caller<Op: Operator> {
    op: Op,
    sides: Op::Sides,
    timers: Op::Timers,
}
/// Where nothing goes that was emitted before.
struct Nowhere;
impl<T, E> Emit<T, E> for Nowhere {
    fn emit(&mut self, _: T) {}
    fn fail(&mut self, _: E) {}
}
pub(crate) type RestOf<Op, F, S, P> = Rest<Branches<F, ErrorOf<Op>, S, <Op as Operator>::Sides>, P>;

impl<Op: Operator<Keep: KeepInWindow>> Caller<Op> {
    pub(crate) fn new(op: Op) -> Self {
        Caller { op, sides: Op::Sides::default(), timers: Op::Timers::default() }
    }
    /// Calls the operator in the moment that a record of this time, or a window that closes, makes.
    #[inline(always)]
    fn at_moment<K: 'static>(
        &mut self,
        key: &K,
        (time, window): (Option<i64>, Window),
        (progress, clock, site): (&Progress, &Clock, &Site),
        call: impl FnOnce(&mut Op, &Context<'_>, Beside<'_, Op>),
    ) {
        let Caller { op, sides, timers } = self;
        let guard = site.guard();
        let moment = Moment { time, watermark: progress.watermark, window: Some(window), now: clock.now() };
        call(op, &site.context(key, moment), Beside { sides, timers });
        guard.disarm();
    }
    /// Handles one record, which has this `time`; what it emits is stamped as `at` says.
    #[inline(always)]
    pub(crate) fn call<M, F, S, P>(
        &mut self,
        kept: &mut <Op::Keep as KeepInWindow>::Kept,
        (at, time, window): (At<'_, M>, Option<i64>, Window),
        record: Op::In,
        rest: &mut RestOf<Op, F, S, P>,
    ) where
        M: Meta,
        F: OnFail<M, ErrorOf<Op>>,
        S: SideEnds<M, Op::Sides>,
        P: Push<M, Op::Out>,
    {
        let Rest { around, down, emitted, progress, clock, site } = rest;
        let mut out = Out { at, on_fail: &mut around.on_fail, down, emitted, site };
        self.at_moment(at.key, (time, window), (progress, clock, site), |op, context, beside| {
            op.call(Op::Keep::state(kept), record, context, beside, &mut out);
        });
        around.side_ends.drain(at, &mut self.sides);
    }
    /// Handles a record again whose results have been emitted before.
    pub(crate) fn repeat<M: Meta, X, P>(
        &mut self,
        kept: &mut <Op::Keep as KeepInWindow>::Kept,
        (at, time, window): (At<'_, M>, Option<i64>, Window),
        record: Op::In,
        Rest { progress, clock, site, .. }: &Rest<X, P>,
    ) {
        self.at_moment(at.key, (time, window), (progress, clock, site), |op, context, beside| {
            op.call(Op::Keep::state(kept), record, context, beside, &mut Nowhere);
        });
        self.sides = Op::Sides::default();
    }
    /// Finishes a window, whose last tick is `last`.
    pub(crate) fn close<M, F, S, P>(
        &mut self,
        kept: <Op::Keep as KeepInWindow>::Kept,
        (hash, key): (u64, &M::Key),
        (window, last): (Window, i64),
        rest: &mut RestOf<Op, F, S, P>,
    ) where
        M: Meta,
        F: OnFail<M, ErrorOf<Op>>,
        S: SideEnds<M, Op::Sides>,
        P: Push<M, Op::Out>,
    {
        if !Op::CLOSES {
            return;
        }
        let Some(state) = Op::Keep::closed(kept) else { return };
        let at: At<'_, M> = At { key, hash, stamp: M::Stamp::of(last) };
        let Rest { around, down, emitted, progress, clock, site } = rest;
        let mut out = Out { at, on_fail: &mut around.on_fail, down, emitted, site };
        self.at_moment(key, (at.stamp.ticks(), window), (progress, clock, site), |op, context, beside| {
            op.call_close(state, context, beside, &mut out);
        });
    }
}
