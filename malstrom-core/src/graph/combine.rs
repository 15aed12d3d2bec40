//! How an aggregate stands behind an exchange: it may begin before it. See [`crate::stream::combine`].
use super::build::Graph;
use super::picture::NodeKind;
use super::taps::{LateOf, Tap, Taps};
use super::windows::Gathers;
use crate::contract::crossing::{Apart, Combining, Fresh, Sliced};
use crate::contract::form::{Form, Formed, Meta, NoWindows, Timing, Under};
use crate::contract::key::PartitionKey;
use crate::contract::keying::KeyedBy;
use crate::contract::typed::{MetaOf, SpecOf, Typed};
use crate::contract::windows::{Aligned, Cut, Kind, Lateness, Spec, Times};
use crate::exchange::fabric::Links;
use crate::exchange::inlet::{Local, Remote};
use crate::exchange::outlet::{KeyedEnd, Scatter};
use crate::exchange::wire::{self, Wire};
use crate::graph::segment::EdgeSegment;
use crate::stream::aggregate::{Aggregate, AggregateStage, unwritten};
use crate::stream::combine::first::{ByPane, Combiner, Grouping, Running};
use crate::stream::combine::second::{LateParts, Parts};
use crate::stream::combine::{Part, Seat, Shared};
use crate::stream::env::{Env, Site};
use crate::stream::link::{Wrap, link_to};
use crate::stream::windows::HostPush;
use crate::stream::windows::late::WindowStage;
use crate::stream::{Push, Segment, Stream, stream_of};
use std::marker::PhantomData;
use std::rc::Rc;

/// What travels to the second phase.
type Travels<K, Tm> = Under<K, <Tm as Timing>::Stamp>;
/// What aggregate `A` emits on a stream keyed by `K`, with times `Tm` and windows `Wn`.
pub type Gathered<Wn, K, Tm, T, A> = <Wn as Gathers<Travels<K, Tm>, T, A>>::Out;
/// How its output flows.
pub type Flat<K, Tm> = Formed<KeyedBy<K>, Tm>;

/// How aggregate `A` stands on a stream that came from an exchange in this way.
pub trait Collects<U, K, Tm, Wn, A>
where
    U: Stream + Typed<Form = Formed<KeyedBy<K>, Tm, Wn>>,
    K: PartitionKey,
    Tm: Timing,
    Wn: Gathers<Travels<K, Tm>, U::Item, A>,
{
    /// Appends it.
    fn collect<Node: 'static>(
        graph: Graph,
        up: U,
        node: usize,
        aggregate: A,
    ) -> stream_of!(Gathered<Wn, K, Tm, U::Item, A>, Flat<K, Tm>, Node) {
        drop(graph);
        let spec = up.spec();
        link_to(up, node, (), Wn::gather(spec, aggregate, node))
    }
}
macro_rules! in_one_phase {
    ($($crossing:ty, $windows:ty [$($p:ident: $bound:ident),*];)*) => { $(
        impl<U, K, Tm, A $(, $p: $bound)*> Collects<U, K, Tm, $windows, A> for $crossing
        where
            U: Stream + Typed<Form = Formed<KeyedBy<K>, Tm, $windows>>,
            K: PartitionKey,
            Tm: Timing,
            $windows: Gathers<Travels<K, Tm>, U::Item, A>,
        {
        }
    )* };
}
in_one_phase! {
    Apart, NoWindows [];
    Apart, Cut<W, L> [W: Kind, L: Lateness];
    Fresh, NoWindows [];
    Fresh, Cut<W, L> [W: Kind, L: Lateness];
    Combining, Cut<W, L> [W: Kind, L: Lateness];
}
impl<U, K, Tm, N, L, A> Collects<U, K, Tm, Cut<Aligned<N>, L>, A> for Sliced
where
    U: Taps<Item: Send> + Typed<Form = Formed<KeyedBy<K>, Tm, Cut<Aligned<N>, L>>>,
    K: PartitionKey,
    Tm: Timing,
    N: Times,
    L: Lateness,
    A: Aggregate<K, U::Item, Kept: Send>,
{
    fn collect<Node: 'static>(
        graph: Graph,
        up: U,
        node: usize,
        aggregate: A,
    ) -> stream_of!(A::Closed, Flat<K, Tm>, Node) {
        let seat = Seat::new(aggregate);
        let number = A::COMBINES.then(|| {
            let (windows, wants_late) = (up.spec().windows, up.wants_late());
            before::<ByPane, _, _, N, _>(&graph, &up, &seat, windows, wants_late, false, move |env| {
                env.quiet_site(node)
            })
        });
        WindowsBehind { up, seat, node, number, types: PhantomData::<fn() -> (K, Tm, N, L, Node)> }
    }
}
impl<U, K, Tm, A> Collects<U, K, Tm, NoWindows, A> for Combining
where
    U: Taps<Item: Send> + Typed<Form = Formed<KeyedBy<K>, Tm, NoWindows>>,
    K: PartitionKey,
    Tm: Timing,
    A: Aggregate<K, U::Item, Kept: Send>,
{
    fn collect<Node: 'static>(graph: Graph, up: U, node: usize, aggregate: A) -> stream_of!(A::Out, Flat<K, Tm>, Node) {
        let seat = Seat::new(aggregate);
        let first = up.tail();
        let windows = Aligned::<crate::contract::windows::Once>::whole();
        // What fails there is the aggregate's.
        let site = move |env: &Env| env.site_counting_as(node, first);
        let number = before::<Running, _, _, _, _>(&graph, &up, &seat, windows, false, true, site);
        RunningBehind { seat, tap: up.tap(), node, number, types: PhantomData::<fn() -> (U, K, Tm, Node)> }
    }
}

/// Has the records taken before they are sent, and makes the segment that combines them. Returns the number of the
/// exchange through which it sends what it makes of them.
fn before<G, U, A, N, K>(
    graph: &Graph,
    up: &U,
    seat: &Rc<Seat<A>>,
    windows: Aligned<N>,
    wants_late: bool,
    always: bool,
    site: impl FnOnce(&Env) -> Site + 'static,
) -> usize
where
    G: Grouping,
    U: Taps<Item: Send, Form: Form<Keying = KeyedBy<K>>>,
    K: PartitionKey,
    A: Aggregate<K, U::Item, Kept: Send>,
    N: Times,
{
    let (tap, seat, number) = (up.tap(), seat.clone(), graph.exchange_number());
    tap.take(always);
    graph.segment_if(move |env| {
        let Some(queue) = tap.queue(env) else { return Ok(None) };
        let site = site(env);
        let (shared, node) = (seat.shared()?, site.node());
        let wire = || wire_of(env, node, &tap, &shared);
        let out = Scatter::new(Links::exchange::<MetaOf<U>, Part<U::Item, A::Kept>>(env, number, node, wire)?)
            .seen_by(Links::look_at_times(env, node));
        let host = Combiner::<K, U::Item, A, N, G>::new(shared, windows, wants_late);
        let chain = HostPush::new(host, (), KeyedEnd { out }, env.clock(), site);
        Ok(Some(Box::new(EdgeSegment::<MetaOf<U>, U::Item, _, _>::new(env, Local::new(vec![queue]), chain))))
    });
    number
}

/// How what is combined is written where it leaves the process.
fn wire_of<M: Meta<Key = K>, K: PartitionKey, T: 'static, A: Aggregate<K, T>>(
    env: &Env,
    node: usize,
    tap: &Tap<M, T>,
    aggregate: &Shared<A>,
) -> crate::Result<Wire<M, Part<T, A::Kept>>> {
    let codec = aggregate.codec().ok_or_else(|| unwritten::<A::Kept>(env.id(node)))?;
    Ok(wire::parts(env.seed(), tap.code(), codec))
}

struct WindowsBehind<U, A, Types> {
    up: U,
    seat: Rc<Seat<A>>,
    node: usize,
    /// The exchange through which the first phase sends, if there is one.
    number: Option<usize>,
    types: PhantomData<fn() -> Types>,
}
impl<U, K, Tm, N, L, A, Node> Typed for WindowsBehind<U, A, (K, Tm, N, L, Node)>
where
    U: Taps,
    K: PartitionKey,
    Tm: Timing,
    N: 'static,
    L: 'static,
    A: Aggregate<K, U::Item>,
    Node: 'static,
{
    type Item = A::Closed;
    type Form = Flat<K, Tm>;
    type Node = Node;
}
impl<U, K, Tm, N, L, A, Node> Stream for WindowsBehind<U, A, (K, Tm, N, L, Node)>
where
    U: Taps<Item: Send> + Typed<Form = Formed<KeyedBy<K>, Tm, Cut<Aligned<N>, L>>>,
    K: PartitionKey,
    Tm: Timing,
    N: Times,
    L: Lateness,
    A: Aggregate<K, U::Item, Kept: Send>,
    Node: 'static,
{
    type Crossing = Apart;
    fn tail(&self) -> usize {
        self.node
    }
    fn spec(&self) -> SpecOf<Self> {}
    fn close<P: Push<Travels<K, Tm>, A::Closed>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        let WindowsBehind { up, seat, node, number, .. } = self;
        let spec: Spec<Aligned<N>> = up.spec();
        let Some(number) = number.filter(|_| env.is_parallel()) else {
            return up.close(env, Cut::<Aligned<N>, L>::gather(spec, seat.alone()?, node).wrap(env, end));
        };
        let (shared, tap) = (seat.shared()?, up.tap());
        let aggregate = shared.clone();
        let wire = || wire_of(env, node, &tap, &aggregate);
        let host = Cut::<Aligned<N>, L>::gather(spec, Parts(shared), node);
        let late: Option<LateOf<U>> = up.into_late();
        let (window, late) = late.map_or((node, None), |(window, late)| (window, Some(late)));
        let window = WindowStage { spec, on_late: LateParts(late), node: window };
        let chain = Wrap::<Travels<K, Tm>, Part<U::Item, A::Kept>, _, _>::wrap(window, env, host.wrap(env, end));
        let inlet = Remote::new(Links::receive::<Travels<K, Tm>, Part<U::Item, A::Kept>>(env, number, node, wire)?);
        Ok(Box::new(EdgeSegment::new(env, inlet, chain)))
    }
}

struct RunningBehind<A, M: Meta, T, Types> {
    seat: Rc<Seat<A>>,
    tap: Rc<Tap<M, T>>,
    node: usize,
    number: usize,
    types: PhantomData<fn() -> Types>,
}
impl<U, K, Tm, A, Node> Typed for RunningBehind<A, Travels<K, Tm>, U::Item, (U, K, Tm, Node)>
where
    U: Taps,
    K: PartitionKey,
    Tm: Timing,
    A: Aggregate<K, U::Item>,
    Node: 'static,
{
    type Item = A::Out;
    type Form = Flat<K, Tm>;
    type Node = Node;
}
impl<U, K, Tm, A, Node> Stream for RunningBehind<A, Travels<K, Tm>, U::Item, (U, K, Tm, Node)>
where
    U: Taps<Item: Send>,
    K: PartitionKey,
    Tm: Timing,
    A: Aggregate<K, U::Item, Kept: Send>,
    Node: 'static,
{
    type Crossing = Apart;
    fn tail(&self) -> usize {
        self.node
    }
    fn spec(&self) -> SpecOf<Self> {}
    fn close<P: Push<Travels<K, Tm>, A::Out>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        let RunningBehind { seat, tap, node, number, .. } = self;
        let shared = seat.shared()?;
        let wire = || wire_of(env, node, &tap, &shared);
        let stage = AggregateStage { aggregate: Parts(shared.clone()), node };
        let chain = Wrap::<_, Part<U::Item, A::Kept>, _, _>::wrap(stage, env, end);
        let inlet = Remote::new(Links::receive::<Travels<K, Tm>, Part<U::Item, A::Kept>>(env, number, node, wire)?);
        Ok(Box::new(EdgeSegment::new(env, inlet, chain)))
    }
}

/// A stream whose records are combined before they are sent.
pub struct Combined<U> {
    up: U,
    node: usize,
}
impl<U> std::fmt::Debug for Combined<U> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Combined")
    }
}
/// `combine()`
pub fn combine<U: Taps>(graph: Graph, id: &'static str, up: U) -> Combined<U> {
    let node = graph.stage(&up, id, NodeKind::Stage);
    Combined { up, node }
}
impl<U: Taps> Typed for Combined<U> {
    type Item = U::Item;
    type Form = U::Form;
    type Node = U::Node;
}
impl<U: Taps> Stream for Combined<U> {
    type Crossing = Combining;
    fn tail(&self) -> usize {
        self.node
    }
    fn spec(&self) -> SpecOf<Self> {
        self.up.spec()
    }
    fn close<P: Push<MetaOf<U>, U::Item>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        self.up.close(env, end)
    }
}
impl<U: Taps> Taps for Combined<U> {
    fn tap(&self) -> Rc<Tap<MetaOf<U>, U::Item>> {
        self.up.tap()
    }
    fn into_late(self) -> Option<LateOf<Self>> {
        self.up.into_late()
    }
    fn wants_late(&self) -> bool {
        self.up.wants_late()
    }
}
