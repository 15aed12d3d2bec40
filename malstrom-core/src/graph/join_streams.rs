//! `join(a, b, ..)` as a stage.
use super::build::Graph;
use super::join::TwoSegment;
use super::names;
use super::picture::{EdgeKind, NodeKind};
use crate::contract::code::Code;
use crate::contract::form::{Form, Formed, Meta, Under};
use crate::contract::join::{JoinKind, Side};
use crate::contract::kept::{Kept, Per};
use crate::contract::key::PartitionKey;
use crate::contract::keying::KeyedBy;
use crate::contract::snapshot::Task;
use crate::contract::time::{Span, Time};
use crate::contract::typed::{SpecOf, Typed};
use crate::contract::windows::{Aligned, Assigns, Times};
use crate::exchange::queue::Queue;
use crate::stream::call::PushRight;
use crate::stream::env::Env;
use crate::stream::link::Wrap;
use crate::stream::signal::{End, Flow, Signal};
use crate::stream::windows::HostStage;
use crate::stream::windows::join::{IntervalJoin, OfBoth, WindowJoin};
use crate::stream::{At, Push, Segment, Stream, stream_of};
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

/// How a joined stream flows.
pub type Joined<K, T> = Formed<KeyedBy<K>, T>;
type Travels<K> = Under<K, i64>;

struct JoinHead<K: PartitionKey, T, A, B, O, W> {
    left: Rc<Queue<Travels<K>, A>>,
    right: Rc<Queue<Travels<K>, B>>,
    stage: W,
    node: usize,
    types: PhantomData<fn() -> (T, O)>,
}
impl<K: PartitionKey, T: Time, A: 'static, B: 'static, O: 'static, W: 'static> Typed for JoinHead<K, T, A, B, O, W> {
    type Item = O;
    type Form = Joined<K, T>;
    type Node = names::join;
}
impl<K, T, A, B, O, W> Stream for JoinHead<K, T, A, B, O, W>
where
    K: PartitionKey,
    T: Time,
    A: 'static,
    B: 'static,
    O: 'static,
    W: Wrap<Travels<K>, Side<A, B>, Travels<K>, O>,
{
    type Crossing = crate::contract::crossing::Apart;
    fn tail(&self) -> usize {
        self.node
    }
    fn spec(&self) -> SpecOf<Self> {}
    fn close<P: Push<<Joined<K, T> as Form>::Meta, O>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        let chain = Sides(self.stage.wrap(env, end), PhantomData::<fn() -> (A, B)>);
        Ok(Box::new(TwoSegment::new(env, self.left, self.right, chain)))
    }
}

/// Tells a chain which of two inputs a record comes from.
struct Sides<P, A, B>(P, PhantomData<fn() -> (A, B)>);
impl<M: Meta, A: 'static, B: 'static, P: Push<M, Side<A, B>>> Push<M, A> for Sides<P, A, B> {
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, record: A) {
        self.0.push(at, Side::Left(record));
    }
    fn signal(&mut self, signal: Signal) {
        self.0.signal(signal);
    }
    fn touch(&self, hash: u64) {
        self.0.touch(hash);
    }
    fn worth_touching(&self) -> bool {
        self.0.worth_touching()
    }
    fn full(&self) -> bool {
        self.0.full()
    }
    fn pump(&mut self) -> Flow {
        self.0.pump()
    }
    fn tick(&mut self, now: Duration) -> Option<Duration> {
        self.0.tick(now)
    }
    fn settle(&mut self, arrived: u64) {
        self.0.settle(arrived);
    }
    fn flush(&mut self) -> bool {
        self.0.flush()
    }
    fn finish(&mut self, end: End) {
        self.0.finish(end);
    }
    fn persist(&mut self, task: Task<'_, '_>) {
        self.0.persist(task);
    }
    fn passed(&self) -> u64 {
        self.0.passed()
    }
}
impl<M: Meta, A: 'static, B: 'static, P: Push<M, Side<A, B>>> PushRight<M, B> for Sides<P, A, B> {
    #[inline(always)]
    fn push_right(&mut self, at: At<'_, M>, record: B) {
        self.0.push(at, Side::Right(record));
    }
}

/// Ends the segments of both inputs of a join.
fn inputs<L: Stream, R: Stream>(graph: &Graph, id: &str, left: &L, right: &R) -> usize {
    let node = graph.stage(left, id, NodeKind::Stateful);
    graph.edge::<R::Item>(right.tail(), node, EdgeKind::Right);
    node
}

/// What `make` joins both inputs with, as a stream.
fn joined<L, R, K, T, O, B>(
    graph: &Graph,
    node: usize,
    (left, right): (L, R),
    make: B,
) -> JoinHead<K, T, L::Item, R::Item, O, HostStage<B, ()>>
where
    K: PartitionKey,
    T: Time,
    L: Stream + Typed<Form = Joined<K, T>>,
    R: Stream + Typed<Form = Joined<K, T>>,
{
    let (left, right) = (graph.queue(left), graph.queue(right));
    JoinHead { left, right, stage: HostStage { make, around: (), node }, node, types: PhantomData }
}

/// How the records of both inputs are written, if it is known.
pub type JoinCodes<A, B> = (Option<Code<A>>, Option<Code<B>>);

/// `join(left, right, within = ..)`
pub fn join_within<L, R, K, T, J>(
    graph: Graph,
    id: &'static str,
    (left, right): (L, R),
    within: impl Span<T>,
    _: J,
    codes: JoinCodes<L::Item, R::Item>,
) -> stream_of!(J::Out, Joined<K, T>, names::join)
where
    K: PartitionKey,
    T: Time,
    L: Stream<Item: Clone> + Typed<Form = Joined<K, T>>,
    R: Stream<Item: Clone> + Typed<Form = Joined<K, T>>,
    J: JoinKind<L::Item, R::Item>,
{
    let node = inputs(&graph, id, &left, &right);
    let within = within.ticks();
    if within < 0 {
        graph.refuse(node, &format!("`within` cannot be negative, and is {within}"));
    }
    let codec = OfBoth::of(codes);
    graph.keeps(node, Some(Kept::by_codec::<K, _, _>("join", codec, Per::Key)));
    let make = move |env: &Env| IntervalJoin::<K, L::Item, R::Item, J>::new(within.max(0), codec, env, node);
    joined(&graph, node, (left, right), make)
}

/// `join(left, right, window = ..)`
pub fn join_window<L, R, K, T, W, N, J>(
    graph: Graph,
    id: &'static str,
    (left, right): (L, R),
    windows: W,
    _: J,
    codes: JoinCodes<L::Item, R::Item>,
) -> stream_of!(J::Out, Joined<K, T>, names::join)
where
    K: PartitionKey,
    T: Time,
    L: Stream<Item: Clone> + Typed<Form = Joined<K, T>>,
    R: Stream<Item: Clone> + Typed<Form = Joined<K, T>>,
    W: Assigns<T, Spec = Aligned<N>>,
    N: Times,
    J: JoinKind<L::Item, R::Item>,
{
    let node = inputs(&graph, id, &left, &right);
    let spec = windows.spec().unwrap_or_else(|why| {
        graph.refuse(node, &why);
        W::fallback()
    });
    let codec = OfBoth::of(codes);
    graph.keeps(node, Some(Kept::by_codec::<K, _, _>("join", codec, Per::Window)));
    let make = move |env: &Env| WindowJoin::<K, L::Item, R::Item, J, N>::new(spec, codec, env, node);
    joined(&graph, node, (left, right), make)
}
