//! Event time and windows as stages.
mod aggregates;
mod operators;

pub use aggregates::{FoldsIn, Gathers};
pub use operators::{AfterOp, Behind, Stands};

use super::build::{By, Graph};
use super::head::QueueHead;
use super::picture::NodeKind;
use super::taps::{LateOf, Tap, Taps};
use crate::contract::form::{Form, Formed, Meta, NoWindows, Timing, Under, Windowing};
use crate::contract::keying::Keying;
use crate::contract::snapshot::Barrier;
use crate::contract::time::{Span, Time};
use crate::contract::typed::{KeyOf, KeyingOf, MetaOf, TimeOf, Typed};
use crate::contract::window::Late;
use crate::contract::windows::{Assigns, Cut, Kind, Lateness, Lenient, OnTime, Spec};
use crate::exchange::queue::{Queue, QueueEnd};
use crate::stream::call::FailJob;
use crate::stream::env::{Env, Site};
use crate::stream::link::{Wrap, link_to};
use crate::stream::signal::{End, Flow, Signal};
use crate::stream::timestamps::TimestampsStage;
use crate::stream::windows::late::{DropLate, Judges, OnLate, WindowStage};
use crate::stream::{At, Push, Segment, Stream, stream_of};
use std::marker::PhantomData;
use std::rc::Rc;
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
    type Stream = QueueHead<Late<T>, Formed<Kg>, super::names::window>;
    fn declare(self, node: usize) -> (Self::OnLate, Self::Stream) {
        let queue = Queue::new();
        let head = QueueHead::new(vec![queue.clone()], node, ());
        (RouteLate(QueueEnd::new(queue)), head)
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
    fn wants_records(&self) -> bool {
        true
    }
    fn pump(&mut self) -> Flow {
        self.0.pump()
    }
    fn flush(&mut self) -> bool {
        self.0.flush()
    }
    fn barrier(&mut self, barrier: Barrier) {
        self.0.signal(Signal::Barrier(barrier));
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
) -> (WindowHead<U, W::Spec, OnTime, P::OnLate>, P::Stream)
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
) -> (WindowHead<U, W::Spec, Lenient, P::OnLate>, P::Stream)
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
) -> (WindowHead<U, W::Spec, L, P::OnLate>, P::Stream)
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
    (WindowHead { up, spec, on_late, node, lateness: PhantomData }, late)
}

/// A stream that is cut into windows. By name, so that an aggregate sees whether it comes right out of an exchange.
pub struct WindowHead<U, W, L, O> {
    up: U,
    spec: Spec<W>,
    on_late: O,
    node: usize,
    lateness: PhantomData<fn() -> L>,
}
impl<U, W, L, O> std::fmt::Debug for WindowHead<U, W, L, O> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WindowHead")
    }
}
impl<U: Stream, W: Kind, L: Lateness, O: 'static> Typed for WindowHead<U, W, L, O> {
    type Item = U::Item;
    type Form = Formed<KeyingOf<U>, TimeOf<U>, Cut<W, L>>;
    type Node = super::names::window;
}
impl<U, W, L, O> Stream for WindowHead<U, W, L, O>
where
    U: Stream,
    W: Kind + Judges<KeyOf<U>>,
    L: Lateness,
    O: OnLate<MetaOf<U>, U::Item>,
    Self: Typed<Item = U::Item, Form: Form<Meta = MetaOf<U>, Windows = Cut<W, L>>>,
{
    type Crossing = W::Crosses<U::Crossing>;
    fn tail(&self) -> usize {
        self.node
    }
    fn spec(&self) -> Spec<W> {
        self.spec
    }
    fn close<P: Push<MetaOf<U>, U::Item>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        let WindowHead { up, spec, on_late, node, .. } = self;
        up.close(env, WindowStage { spec, on_late, node }.wrap(env, end))
    }
}
impl<U, W, L, O> Taps for WindowHead<U, W, L, O>
where
    U: Taps,
    W: Kind + Judges<KeyOf<U>>,
    L: Lateness,
    O: OnLate<MetaOf<U>, U::Item>,
    Self: Typed<Item = U::Item, Form: Form<Meta = MetaOf<U>, Windows = Cut<W, L>>>,
{
    fn tap(&self) -> Rc<Tap<MetaOf<U>, U::Item>> {
        self.up.tap()
    }
    fn into_late(self) -> Option<LateOf<Self>> {
        Some((self.node, Box::new(self.on_late)))
    }
    fn wants_late(&self) -> bool {
        self.on_late.wants_records()
    }
}
