//! How an aggregate stands behind an exchange: it may begin before it. See [`crate::stream::combine`].
use super::build::Graph;
use super::fuses::{Fuses, LateOf};
use super::picture::NodeKind;
use super::windows::Gathers;
use crate::contract::crossing::{Apart, Combining, Fresh, Sliced};
use crate::contract::form::{Form, Formed, NoWindows, Timing, Under};
use crate::contract::key::PartitionKey;
use crate::contract::keying::KeyedBy;
use crate::contract::typed::{MetaOf, SpecOf, Typed};
use crate::contract::windows::{Aligned, Cut, Kind, Lateness, Once, Spec, Times};
use crate::exchange::fabric::Links;
use crate::exchange::inlet::Remote;
use crate::exchange::outlet::{KeyedEnd, Scatter};
use crate::graph::segment::EdgeSegment;
use crate::stream::aggregate::Aggregate;
use crate::stream::combine::{ByPane, Combiner, Grouping, LateParts, Part, PartHost, PartsStage, Running, Shared};
use crate::stream::env::{Env, Site};
use crate::stream::link::{Wrap, link_to};
use crate::stream::windows::late::{OnLate, WindowStage};
use crate::stream::windows::panes::PaneHost;
use crate::stream::windows::{HostPush, HostStage};
use crate::stream::{Push, Segment, Stream, stream_of};
use std::marker::PhantomData;

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
    U: Fuses<Item: Send> + Typed<Form = Formed<KeyedBy<K>, Tm, Cut<Aligned<N>, L>>>,
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
        let (spec, shared) = (up.spec(), Shared::new(aggregate));
        let (windows, wants_late) = (spec.windows, up.wants_late());
        let site = move |env: &Env| env.quiet_site(node);
        let (number, late) = before::<ByPane, _, _, N, _>(&graph, up, &shared, (windows, wants_late), site);
        WindowsBehind { shared, spec, late, node, number, types: PhantomData::<fn() -> (U::Item, K, Tm, L, Node)> }
    }
}
impl<U, K, Tm, A> Collects<U, K, Tm, NoWindows, A> for Combining
where
    U: Fuses<Item: Send> + Typed<Form = Formed<KeyedBy<K>, Tm, NoWindows>>,
    K: PartitionKey,
    Tm: Timing,
    A: Aggregate<K, U::Item, Kept: Send>,
{
    fn collect<Node: 'static>(graph: Graph, up: U, node: usize, aggregate: A) -> stream_of!(A::Out, Flat<K, Tm>, Node) {
        let shared = Shared::new(aggregate);
        let first = up.tail();
        let (windows, site) = (Aligned::<Once>::whole(), move |env: &Env| env.site(first));
        let (number, _) = before::<Running, _, _, _, _>(&graph, up, &shared, (windows, false), site);
        RunningBehind { shared, node, number, types: PhantomData::<fn() -> (U::Item, K, Tm, Node)> }
    }
}

/// Ends the segment before the exchange in what combines its records. Returns the number of the exchange through which
/// that sends what it makes of them, and what takes late records.
fn before<G, U, A, N, K>(
    graph: &Graph,
    up: U,
    shared: &Shared<A>,
    (windows, wants_late): (Aligned<N>, bool),
    site: impl FnOnce(&Env) -> Site + 'static,
) -> (usize, Option<LateOf<U>>)
where
    G: Grouping,
    U: Fuses<Item: Send, Form: Form<Keying = KeyedBy<K>>>,
    K: PartitionKey,
    A: Aggregate<K, U::Item, Kept: Send>,
    N: Times,
{
    let (shared, number) = (shared.clone(), graph.exchange_number());
    let late = up.end_in(graph, move |env| {
        let out = Scatter::new(Links::exchange::<MetaOf<U>, Part<U::Item, A::Kept>>(env, number)?);
        let host = Combiner::<K, U::Item, A, N, G>::new(shared, windows, wants_late);
        Ok(HostPush::new(host, (), KeyedEnd { out }, env.clock(), site(env)))
    });
    (number, late)
}

struct WindowsBehind<A, N, O, Types> {
    shared: Shared<A>,
    spec: Spec<Aligned<N>>,
    late: Option<(usize, O)>,
    node: usize,
    /// The exchange through which the first phase sends.
    number: usize,
    types: PhantomData<fn() -> Types>,
}
type Boxed<T, K, Tm> = Box<dyn OnLate<Travels<K, Tm>, T>>;
impl<T, K, Tm, N, L, A, Node> Typed for WindowsBehind<A, N, Boxed<T, K, Tm>, (T, K, Tm, L, Node)>
where
    T: 'static,
    K: PartitionKey,
    Tm: Timing,
    N: 'static,
    L: 'static,
    A: Aggregate<K, T>,
    Node: 'static,
{
    type Item = A::Closed;
    type Form = Flat<K, Tm>;
    type Node = Node;
}
impl<T, K, Tm, N, L, A, Node> Stream for WindowsBehind<A, N, Boxed<T, K, Tm>, (T, K, Tm, L, Node)>
where
    T: Send + 'static,
    K: PartitionKey,
    Tm: Timing,
    N: Times,
    L: Lateness,
    A: Aggregate<K, T, Kept: Send>,
    Node: 'static,
{
    type Crossing = Apart;
    fn tail(&self) -> usize {
        self.node
    }
    fn spec(&self) -> SpecOf<Self> {}
    fn close<P: Push<Travels<K, Tm>, A::Closed>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        let WindowsBehind { shared, spec, late, node, number, .. } = self;
        let make = move |env: &Env| PartHost(PaneHost::<K, T, _, N, L>::new(shared, spec, env.ranks()));
        let host = HostStage { make, around: (), node };
        let (window, late) = late.map_or((node, None), |(window, late)| (window, Some(late)));
        let window = WindowStage { spec, on_late: LateParts(late), node: window };
        let chain = Wrap::<Travels<K, Tm>, Part<T, A::Kept>, _, _>::wrap(window, env, host.wrap(env, end));
        let inlet = Remote::new(Links::exchange::<Travels<K, Tm>, Part<T, A::Kept>>(env, number)?);
        Ok(Box::new(EdgeSegment::new(inlet, chain)))
    }
}

struct RunningBehind<A, Types> {
    shared: Shared<A>,
    node: usize,
    number: usize,
    types: PhantomData<fn() -> Types>,
}
impl<T, K, Tm, A, Node> Typed for RunningBehind<A, (T, K, Tm, Node)>
where
    T: 'static,
    K: PartitionKey,
    Tm: Timing,
    A: Aggregate<K, T>,
    Node: 'static,
{
    type Item = A::Out;
    type Form = Flat<K, Tm>;
    type Node = Node;
}
impl<T, K, Tm, A, Node> Stream for RunningBehind<A, (T, K, Tm, Node)>
where
    T: Send + 'static,
    K: PartitionKey,
    Tm: Timing,
    A: Aggregate<K, T, Kept: Send>,
    Node: 'static,
{
    type Crossing = Apart;
    fn tail(&self) -> usize {
        self.node
    }
    fn spec(&self) -> SpecOf<Self> {}
    fn close<P: Push<Travels<K, Tm>, A::Out>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        let stage = PartsStage { aggregate: self.shared, node: self.node };
        let chain = Wrap::<_, Part<T, A::Kept>, _, _>::wrap(stage, env, end);
        let inlet = Remote::new(Links::exchange::<Travels<K, Tm>, Part<T, A::Kept>>(env, self.number)?);
        Ok(Box::new(EdgeSegment::new(inlet, chain)))
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
pub fn combine<U: Fuses>(graph: Graph, id: &'static str, up: U) -> Combined<U> {
    let node = graph.stage(&up, id, NodeKind::Stage);
    Combined { up, node }
}
impl<U: Fuses> Typed for Combined<U> {
    type Item = U::Item;
    type Form = U::Form;
    type Node = U::Node;
}
impl<U: Fuses> Stream for Combined<U> {
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
impl<U: Fuses> Fuses for Combined<U> {
    fn wants_late(&self) -> bool {
        self.up.wants_late()
    }
    fn end_in<P: Push<MetaOf<U>, U::Item>>(
        self,
        graph: &Graph,
        end: impl FnOnce(&Env) -> crate::Result<P> + 'static,
    ) -> Option<LateOf<Self>> {
        self.up.end_in(graph, end)
    }
}
