//! Event time and windows as stages, and how operators and aggregates stand on streams with windows.
use super::build::{By, Graph};
use super::head::QueueHead;
use super::picture::NodeKind;
use crate::contract::form::{Formed, Meta, NoWindows, Timing, Under, Windowing};
use crate::contract::key::PartitionKey;
use crate::contract::keying::{Keep, Keying, PerKey, PerKeyOption, Stateless};
use crate::contract::stage::{ErrorOf, Operator};
use crate::contract::time::{Span, Time};
use crate::contract::typed::{KeyingOf, MetaOf, SpecOf, Typed};
use crate::contract::window::Late;
use crate::contract::windows::{
    Aligned, Assigns, Counts, Cut, Deals, Kind, Lateness, Lenient, Often, OnTime, Once, Sessions, Spec, Times,
};
use crate::exchange::queue::{Queue, QueueEnd};
use crate::stream::aggregate::{Aggregate, AggregateStage};
use crate::stream::call::{CallStage, FailJob, OnFail, SideEnds};
use crate::stream::env::{Env, Site};
use crate::stream::keep::KeepFor;
use crate::stream::link::{Wrap, link_to};
use crate::stream::signal::{End, Flow};
use crate::stream::timestamps::TimestampsStage;
use crate::stream::windows::counted::CountHost;
use crate::stream::windows::late::{DropLate, Judges, OnLate, WindowStage};
use crate::stream::windows::operators::{AlignedOps, CountOps, Held, KeepInWindow, Retains, SessionOps};
use crate::stream::windows::panes::PaneHost;
use crate::stream::windows::sessions::SessionHost;
use crate::stream::windows::{Branches, HostStage};
use crate::stream::{At, Push, Segment, Stream, stream_of};
use std::marker::PhantomData;
use std::time::Duration;

/// `timestamps(f, lag = .., idle = ..)`
pub fn timestamps<U, T, F>(
    graph: Graph,
    id: &'static str,
    By { up, f, .. }: By<U, F, T>,
    lag: impl Span<T>,
    idle: Option<Duration>,
) -> stream_of!(U::Item, Formed<KeyingOf<U>, T, NoWindows>, U::Node)
where
    U: Stream,
    T: Time,
    F: FnMut(&U::Item) -> T + 'static,
{
    graph.take_times();
    let node = graph.stage(&up, id, NodeKind::Stage);
    let lag = lag.ticks();
    if lag < 0 {
        graph.refuse(node, &format!("`lag` cannot be negative, and is {lag}"));
    }
    link_to(up, node, (), TimestampsStage { f, lag, idle, node, time: PhantomData::<fn() -> T> })
}

// ---- window(..) ----------------------------------------------------------------------------------------------------

/// What the use of `window` says about late records.
pub trait LatePolicy<M: Meta, T>: 'static {
    /// What takes them.
    type OnLate: OnLate<M, T>;
    /// Their stream, if there is one.
    type Stream;
    /// Makes both.
    fn declare(self, node: usize) -> (Self::OnLate, Self::Stream);
}
/// There are none, or the first one ends the job.
#[derive(Debug)]
pub struct LateFails;
impl<M: Meta, T: 'static> LatePolicy<M, T> for LateFails {
    type OnLate = FailJob;
    type Stream = ();
    fn declare(self, _: usize) -> (FailJob, ()) {
        (FailJob::default(), ())
    }
}
/// `else drop`
#[derive(Debug)]
pub struct LateDrops;
impl<M: Meta, T: 'static> LatePolicy<M, T> for LateDrops {
    type OnLate = DropLate;
    type Stream = ();
    fn declare(self, _: usize) -> (DropLate, ()) {
        (DropLate, ())
    }
}
/// `else stream`, keyed as the input is. It has no event time: what is late would be behind the watermark there too.
#[derive(Debug)]
pub struct LateGoes<Kg>(PhantomData<fn() -> Kg>);
/// `else stream` behind `up`.
pub fn late_goes<U: Typed>(_: &U) -> LateGoes<KeyingOf<U>> {
    LateGoes(PhantomData)
}
impl<M, T, Kg> LatePolicy<M, T> for LateGoes<Kg>
where
    M: Meta,
    T: 'static,
    Kg: Keying<Key = M::Key>,
{
    type OnLate = RouteLate<M::Key, T>;
    type Stream = LateStream<T, Kg>;
    fn declare(self, node: usize) -> (Self::OnLate, Self::Stream) {
        let queue = Queue::new();
        let head = QueueHead::new(vec![queue.clone()], node, ());
        (RouteLate(QueueEnd::new(queue)), LateStream(head))
    }
}
/// The stream that `else` names.
pub struct LateStream<T, Kg: Keying>(QueueHead<Late<T>, Formed<Kg>, super::names::window>);
impl<T, Kg: Keying> std::fmt::Debug for LateStream<T, Kg> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LateStream")
    }
}
impl<T: 'static, Kg: Keying> Typed for LateStream<T, Kg> {
    type Item = Late<T>;
    type Form = Formed<Kg>;
    type Node = super::names::window;
}
impl<T: 'static, Kg: Keying> Stream for LateStream<T, Kg> {
    fn tail(&self) -> usize {
        self.0.tail()
    }
    fn spec(&self) -> SpecOf<Self> {}
    fn close<P: Push<MetaOf<Self>, Late<T>>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        self.0.close(env, end)
    }
}
/// Sends late records to the stream that `else` names.
pub struct RouteLate<K: Clone + Eq + 'static, T>(QueueEnd<Under<K, ()>, Late<T>>);
impl<K: Clone + Eq + 'static, T> std::fmt::Debug for RouteLate<K, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RouteLate")
    }
}
impl<M: Meta, T: 'static> OnLate<M, T> for RouteLate<M::Key, T> {
    fn late(&mut self, at: At<'_, M>, late: Late<T>, _: &Site) {
        self.0.push(at.with(()), late);
    }
    fn pump(&mut self) -> Flow {
        self.0.pump()
    }
    fn flush(&mut self) -> bool {
        self.0.flush()
    }
    fn finish(&mut self, end: End) {
        self.0.finish(end);
    }
}

/// `window(w)` and what happens to late records.
#[allow(clippy::type_complexity)]
pub fn window<U, W, Kg, Tm, Wn, P>(
    graph: Graph,
    id: &'static str,
    up: U,
    windows: W,
    policy: P,
) -> (stream_of!(U::Item, Formed<Kg, Tm, Cut<W::Spec, OnTime>>, super::names::window), P::Stream)
where
    U: Stream + Typed<Form = Formed<Kg, Tm, Wn>>,
    Kg: Keying,
    Tm: Timing,
    Wn: Windowing,
    W: Assigns<Tm, Spec: Judges<Kg::Key>>,
    P: LatePolicy<Under<Kg::Key, Tm::Stamp>, U::Item>,
{
    let node = graph.stage(&up, id, NodeKind::Stage);
    cut::<OnTime, _, _, _, _, _, _>(graph, node, up, windows, 0, policy)
}
/// `window(w, lateness = ..)` and what happens to late records.
#[allow(clippy::type_complexity)]
pub fn window_lenient<U, W, Kg, T, Wn, P>(
    graph: Graph,
    id: &'static str,
    up: U,
    windows: W,
    lateness: impl Span<T>,
    policy: P,
) -> (stream_of!(U::Item, Formed<Kg, T, Cut<W::Spec, Lenient>>, super::names::window), P::Stream)
where
    U: Stream + Typed<Form = Formed<Kg, T, Wn>>,
    Kg: Keying,
    T: Time,
    Wn: Windowing,
    W: Assigns<T, Spec: Judges<Kg::Key>>,
    P: LatePolicy<Under<Kg::Key, i64>, U::Item>,
{
    let node = graph.stage(&up, id, NodeKind::Stage);
    let lateness = lateness.ticks();
    if lateness < 0 {
        graph.refuse(node, &format!("`lateness` cannot be negative, and is {lateness}"));
    }
    cut::<Lenient, _, _, _, _, _, _>(graph, node, up, windows, lateness, policy)
}
#[allow(clippy::type_complexity)]
fn cut<L, U, W, Kg, Tm, Wn, P>(
    graph: Graph,
    node: usize,
    up: U,
    windows: W,
    lateness: i64,
    policy: P,
) -> (stream_of!(U::Item, Formed<Kg, Tm, Cut<W::Spec, L>>, super::names::window), P::Stream)
where
    L: Lateness,
    U: Stream + Typed<Form = Formed<Kg, Tm, Wn>>,
    Kg: Keying,
    Tm: Timing,
    Wn: Windowing,
    W: Assigns<Tm, Spec: Judges<Kg::Key>>,
    P: LatePolicy<Under<Kg::Key, Tm::Stamp>, U::Item>,
{
    let (on_late, late) = policy.declare(node);
    let spec = windows.spec().map(|windows| Spec { windows, lateness });
    // A pipeline whose windows are refused never runs; until then they are whatever can be had.
    let spec = match spec {
        Ok(spec) => spec,
        Err(why) => {
            graph.refuse(node, &why);
            Spec { windows: W::fallback(), lateness }
        }
    };
    (link_to(up, node, spec, WindowStage { spec, on_late, node }), late)
}

// ---- aggregates ----------------------------------------------------------------------------------------------------

/// How an aggregate stands on a stream with these windows.
pub trait Gathers<M: Meta, T, A>: Windowing {
    /// What it emits.
    type Out: 'static;
    /// The stage.
    fn gather(spec: Self::Spec, aggregate: A, node: usize) -> impl Wrap<M, T, M, Self::Out>;
}
impl<K, M, T, A> Gathers<M, T, A> for NoWindows
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
{
    type Out = A::Out;
    fn gather((): (), aggregate: A, node: usize) -> impl Wrap<M, T, M, A::Out> {
        AggregateStage { aggregate, node }
    }
}
impl<K, M, T, A, N, L> Gathers<M, T, A> for Cut<Aligned<N>, L>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
    N: Times,
    L: Lateness,
{
    type Out = A::Closed;
    fn gather(spec: Spec<Aligned<N>>, aggregate: A, node: usize) -> impl Wrap<M, T, M, A::Closed> {
        let make = move |env: &Env| PaneHost::<K, T, A, N, L>::new(aggregate, spec, env.ranks());
        HostStage { make, around: (), node }
    }
}
impl<K, M, T, A, L> Gathers<M, T, A> for Cut<Sessions, L>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
    L: Lateness,
{
    type Out = A::Closed;
    fn gather(spec: Spec<Sessions>, aggregate: A, node: usize) -> impl Wrap<M, T, M, A::Closed> {
        let make = move |env: &Env| SessionHost::<K, T, A, L>::new(aggregate, spec, env.ranks());
        HostStage { make, around: (), node }
    }
}
impl<K, M, T, A, L> Gathers<M, T, A> for Cut<Counts, L>
where
    K: PartitionKey,
    M: Meta<Key = K>,
    T: 'static,
    A: Aggregate<K, T>,
    L: Lateness,
{
    type Out = A::Closed;
    fn gather(spec: Spec<Counts>, aggregate: A, node: usize) -> impl Wrap<M, T, M, A::Closed> {
        let make = move |env: &Env| CountHost::<K, T, A>::new(aggregate, spec, env.ranks());
        HostStage { make, around: (), node }
    }
}

/// How `fold`, whose states do not merge, comes by its records on a stream with these windows.
pub trait FoldsIn<T>: Windowing {
    /// A copy of a record for a further window.
    fn copier() -> Option<fn(&T) -> T>;
}
impl<T> FoldsIn<T> for NoWindows {
    fn copier() -> Option<fn(&T) -> T> {
        None
    }
}
impl<T, L: Lateness> FoldsIn<T> for Cut<Aligned<Once>, L> {
    fn copier() -> Option<fn(&T) -> T> {
        None
    }
}
impl<T: Clone, L: Lateness> FoldsIn<T> for Cut<Aligned<Often>, L> {
    fn copier() -> Option<fn(&T) -> T> {
        Some(T::clone)
    }
}
impl<T> FoldsIn<T> for Cut<Sessions, OnTime> {
    fn copier() -> Option<fn(&T) -> T> {
        None
    }
}
/// A session that may have to be corrected is gone through again.
impl<T: Clone> FoldsIn<T> for Cut<Sessions, Lenient> {
    fn copier() -> Option<fn(&T) -> T> {
        Some(T::clone)
    }
}
impl<T, L: Lateness> FoldsIn<T> for Cut<Counts, L> {
    fn copier() -> Option<fn(&T) -> T> {
        None
    }
}

// ---- operators -----------------------------------------------------------------------------------------------------

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
impl<S: 'static, W: Kind, L: Lateness> Behind<Cut<W, L>> for PerKey<S> {
    type Windows = NoWindows;
    fn spec(_: Spec<W>) {}
}
impl<S: 'static, W: Kind, L: Lateness> Behind<Cut<W, L>> for PerKeyOption<S> {
    type Windows = NoWindows;
    fn spec(_: Spec<W>) {}
}

/// How an operator that keeps state in this way stands on a stream with windows `Wn`.
pub trait Stands<M: Meta, Wn: Windowing, Op, F, S>: Behind<Wn> {
    /// The stage.
    fn stand(spec: Wn::Spec, op: Op, on_fail: F, side_ends: S, node: usize) -> impl Wrap<M, Op::In, M, Op::Out>
    where
        Op: Operator;
}
impl<M, Op, F, S, Kp> Stands<M, NoWindows, Op, F, S> for Kp
where
    M: Meta,
    Kp: KeepFor<M>,
    Op: Operator<Keep = Kp>,
    F: OnFail<M, ErrorOf<Op>>,
    S: SideEnds<M, Op::Sides>,
{
    fn stand((): (), op: Op, on_fail: F, side_ends: S, node: usize) -> impl Wrap<M, Op::In, M, Op::Out> {
        CallStage { op, on_fail, side_ends, node }
    }
}
impl<M, Op, F, S, W, L> Stands<M, Cut<W, L>, Op, F, S> for Stateless
where
    M: Meta,
    Op: Operator<Keep = Stateless>,
    F: OnFail<M, ErrorOf<Op>>,
    S: SideEnds<M, Op::Sides>,
    W: Kind,
    L: Lateness,
{
    fn stand(_: Spec<W>, op: Op, on_fail: F, side_ends: S, node: usize) -> impl Wrap<M, Op::In, M, Op::Out> {
        CallStage { op, on_fail, side_ends, node }
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
        let make = move |env: &Env| AlignedOps::<K, Op, N, L>::new(op, spec, env.ranks());
        HostStage { make, around: branches::<F, ErrorOf<Op>, S, Op::Sides>(on_fail, side_ends), node }
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
        let make = move |env: &Env| SessionOps::<K, Op, L>::new(op, spec, env.ranks());
        HostStage { make, around: branches::<F, ErrorOf<Op>, S, Op::Sides>(on_fail, side_ends), node }
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
        let make = move |env: &Env| CountOps::<K, Op>::new(op, spec, env.ranks());
        HostStage { make, around: branches::<F, ErrorOf<Op>, S, Op::Sides>(on_fail, side_ends), node }
    }
}
/// How a stream that was formed so flows behind an operator.
pub type AfterOp<Op, Kg, Tm, Wn> = Formed<Kg, Tm, <<Op as Operator>::Keep as Behind<Wn>>::Windows>;
