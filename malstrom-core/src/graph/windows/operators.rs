//! How operators stand on streams with windows.
use crate::contract::form::{Formed, Meta, NoWindows, Windowing};
use crate::contract::kept::{Kept, Per};
use crate::contract::key::PartitionKey;
use crate::contract::keying::{Keep, PerKey, PerKeyOption, Stateless};
use crate::contract::stage::{ErrorOf, Operator};
use crate::contract::windows::{Aligned, Counts, Cut, Deals, Kind, Lateness, Sessions, Spec};
use crate::stream::call::{CallStage, OnFail, SideEnds};
use crate::stream::env::Env;
use crate::stream::keep::KeepFor;
use crate::stream::link::Wrap;
use crate::stream::timing::TimersFor;
use crate::stream::windows::operators::{AlignedOps, CountOps, Held, KeepInWindow, Retains, SessionOps};
use crate::stream::windows::{Branches, HostStage};
use std::marker::PhantomData;

/// How a stream is cut into windows behind an operator that keeps state in this way.
pub trait Behind<Wn: Windowing>: Keep {
    /// [`NoWindows`] behind state, which closes them.
    type Windows: Windowing;
    /// What is known of them.
    fn spec(spec: Wn::Spec) -> <Self::Windows as Windowing>::Spec;
}
impl<Kp: Keep> Behind<NoWindows> for Kp {
    type Windows = NoWindows;
    fn spec((): ()) {}
}
impl<W: Kind, L: Lateness> Behind<Cut<W, L>> for Stateless {
    type Windows = Cut<W, L>;
    fn spec(spec: Spec<W>) -> Spec<W> {
        spec
    }
}
macro_rules! closes {
    ($($keep:ident)*) => {$(
        impl<S: 'static, W: Kind, L: Lateness> Behind<Cut<W, L>> for $keep<S> {
            type Windows = NoWindows;
            fn spec(_: Spec<W>) {}
        }
    )*};
}
closes! { PerKey PerKeyOption }

/// How an operator that keeps state in this way stands on a stream with windows `Wn`.
pub trait Stands<M: Meta, Wn: Windowing, Op, F, S>: Behind<Wn> {
    /// The stage.
    fn stand(spec: Wn::Spec, op: Op, on_fail: F, side_ends: S, node: usize) -> impl Wrap<M, Op::In, M, Op::Out>
    where
        Op: Operator;
    /// What it keeps.
    fn kept() -> Option<Kept>
    where
        Op: Operator;
}
impl<M, Op, F, S, Kp> Stands<M, NoWindows, Op, F, S> for Kp
where
    M: Meta,
    Kp: KeepFor<M>,
    Op: Operator<Keep = Kp, Timers: TimersFor<M::Key>>,
    F: OnFail<M, ErrorOf<Op>>,
    S: SideEnds<M, Op::Sides>,
{
    fn stand((): (), op: Op, on_fail: F, side_ends: S, node: usize) -> impl Wrap<M, Op::In, M, Op::Out> {
        CallStage { op, on_fail, side_ends, node }
    }
    fn kept() -> Option<Kept> {
        Kp::kept::<Op>()
    }
}
impl<M, Op, F, S, W, L> Stands<M, Cut<W, L>, Op, F, S> for Stateless
where
    M: Meta,
    Op: Operator<Keep = Stateless, Timers: TimersFor<M::Key>>,
    F: OnFail<M, ErrorOf<Op>>,
    S: SideEnds<M, Op::Sides>,
    W: Kind,
    L: Lateness,
{
    fn stand(_: Spec<W>, op: Op, on_fail: F, side_ends: S, node: usize) -> impl Wrap<M, Op::In, M, Op::Out> {
        CallStage { op, on_fail, side_ends, node }
    }
    fn kept() -> Option<Kept> {
        None
    }
}
fn branches<F, E, S, Sides>(on_fail: F, side_ends: S) -> Branches<F, E, S, Sides> {
    Branches { on_fail, side_ends, types: PhantomData }
}
impl<K, M, Op, F, S, Kp, N, L> Stands<M, Cut<Aligned<N>, L>, Op, F, S> for Kp
where
    K: PartitionKey,
    M: Meta<Key = K>,
    Kp: KeepInWindow + Behind<Cut<Aligned<N>, L>>,
    Op: Operator<Keep = Kp>,
    F: OnFail<M, ErrorOf<Op>>,
    S: SideEnds<M, Op::Sides>,
    N: Deals<Op::In>,
    L: Retains<Kp::Kept>,
{
    fn stand(
        spec: Spec<Aligned<N>>,
        op: Op,
        on_fail: F,
        side_ends: S,
        node: usize,
    ) -> impl Wrap<M, Op::In, M, Op::Out> {
        let make = move |env: &Env| AlignedOps::<K, Op, N, L>::new(op, spec, env, node);
        HostStage { make, around: branches::<F, ErrorOf<Op>, S, Op::Sides>(on_fail, side_ends), node }
    }
    fn kept() -> Option<Kept> {
        Some(Kp::described::<Op>(Per::Window))
    }
}
impl<K, M, Op, F, S, Kp, L> Stands<M, Cut<Sessions, L>, Op, F, S> for Kp
where
    K: PartitionKey,
    M: Meta<Key = K>,
    Kp: KeepInWindow + Behind<Cut<Sessions, L>>,
    Op: Operator<Keep = Kp>,
    F: OnFail<M, ErrorOf<Op>>,
    S: SideEnds<M, Op::Sides>,
    L: Retains<Vec<Held<Op::In>>>,
{
    fn stand(spec: Spec<Sessions>, op: Op, on_fail: F, side_ends: S, node: usize) -> impl Wrap<M, Op::In, M, Op::Out> {
        let make = move |env: &Env| SessionOps::<K, Op, L>::new(op, spec, env, node);
        HostStage { make, around: branches::<F, ErrorOf<Op>, S, Op::Sides>(on_fail, side_ends), node }
    }
    fn kept() -> Option<Kept> {
        Some(Kept::records::<K, Op>())
    }
}
impl<K, M, Op, F, S, Kp, L> Stands<M, Cut<Counts, L>, Op, F, S> for Kp
where
    K: PartitionKey,
    M: Meta<Key = K>,
    Kp: KeepInWindow + Behind<Cut<Counts, L>>,
    Op: Operator<Keep = Kp>,
    F: OnFail<M, ErrorOf<Op>>,
    S: SideEnds<M, Op::Sides>,
    L: Lateness,
{
    fn stand(spec: Spec<Counts>, op: Op, on_fail: F, side_ends: S, node: usize) -> impl Wrap<M, Op::In, M, Op::Out> {
        let make = move |env: &Env| CountOps::<K, Op>::new(op, spec, env, node);
        HostStage { make, around: branches::<F, ErrorOf<Op>, S, Op::Sides>(on_fail, side_ends), node }
    }
    fn kept() -> Option<Kept> {
        Some(Kp::described::<Op>(Per::Count))
    }
}
/// How a stream that was formed so flows behind an operator.
pub type AfterOp<Op, Kg, Tm, Wn> = Formed<Kg, Tm, <<Op as Operator>::Keep as Behind<Wn>>::Windows>;
