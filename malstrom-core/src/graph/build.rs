//! The calls that a `pipeline!` expansion makes, one per stage.
use super::head::{ExchangeHead, QueueHead};
use super::names;
use super::picture::{Edge, EdgeKind, Node, NodeKind, Plan};
use crate::check::sink::SinkOf;
use crate::contract::key::PartitionKey;
use crate::contract::keying::{KeyedBy, Keying};
use crate::contract::number::Number;
use crate::contract::record::Record;
use crate::contract::stage::{ErrorOf, Failure, Operator};
use crate::contract::typed::{KeyOf, Typed};
use crate::exchange::fabric::Links;
use crate::exchange::outlet::KeyByEnd;
use crate::exchange::queue::{Queue, QueueEnd};
use crate::state::key_group::KeyHasher;
use crate::stream::aggregate::{Aggregate, AggregateStage, Average, Count, Distinct, Extreme, Fold, Reduce, Sum, Top};
use crate::stream::call::{CallStage, CannotFail, DropFailed, FailJob, OnFail, SideEnds};
use crate::stream::env::{Env, Site};
use crate::stream::keep::KeepFor;
use crate::stream::link::{link, renamed};
use crate::stream::plain::{FilterMapStage, FilterStage, FlatMapStage, InspectStage, MapStage};
use crate::stream::sink::SinkPush;
use crate::stream::{At, Push, Segment, Stream, stream_of};
use std::cell::RefCell;
use std::fmt::Display;
use std::hash::Hash;
use std::marker::PhantomData;
use std::ops::AddAssign;
use std::rc::Rc;

/// Makes one segment on a worker.
pub(crate) type Recipe = Box<dyn FnOnce(&Env) -> crate::Result<Box<dyn Segment>>>;

/// A pipeline under construction: a handle that every stage is given a copy of.
#[derive(Clone)]
pub struct Graph(Rc<RefCell<Draft>>);
struct Draft {
    plan: Plan,
    scope: Vec<String>,
    recipes: Vec<Recipe>,
    exchanges: usize,
}
/// A pipeline: what the function that `pipeline!` generates returns. It does nothing until it is run.
pub struct Pipeline {
    plan: Plan,
    recipes: Vec<Recipe>,
}

impl std::fmt::Debug for Graph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let draft = self.0.borrow();
        write!(f, "Graph({}, {} segments)", draft.plan.name, draft.recipes.len())
    }
}
impl std::fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pipeline({}, {} stages)", self.plan.name, self.plan.nodes.len())
    }
}
impl Pipeline {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.plan.name
    }
    /// Its stages and edges.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
    pub(crate) fn into_recipes(self) -> Vec<Recipe> {
        self.recipes
    }
}

impl Graph {
    /// An empty pipeline.
    pub fn new(name: &str) -> Self {
        let plan = Plan { name: name.to_owned(), nodes: Vec::new(), edges: Vec::new() };
        let scope = vec![name.to_owned()];
        Graph(Rc::new(RefCell::new(Draft { plan, scope, recipes: Vec::new(), exchanges: 0 })))
    }
    /// The finished pipeline.
    pub fn finish(self) -> Pipeline {
        let mut draft = self.0.borrow_mut();
        let nothing = Plan { name: String::new(), nodes: Vec::new(), edges: Vec::new() };
        Pipeline { plan: std::mem::replace(&mut draft.plan, nothing), recipes: std::mem::take(&mut draft.recipes) }
    }
    pub(crate) fn enter(&self, name: &str) {
        self.0.borrow_mut().scope.push(name.to_owned());
    }
    pub(crate) fn leave(&self) {
        self.0.borrow_mut().scope.pop();
    }
    pub(crate) fn node(&self, id: &str, kind: NodeKind) -> usize {
        let mut draft = self.0.borrow_mut();
        let id = format!("{}/{id}", draft.scope.join("/"));
        draft.plan.nodes.push(Node { id, kind });
        draft.plan.nodes.len() - 1
    }
    pub(crate) fn edge<T>(&self, from: usize, to: usize, kind: EdgeKind) {
        self.0.borrow_mut().plan.edges.push(Edge { from, to, kind, record: std::any::type_name::<T>() });
    }
    /// A stage behind `up`.
    pub(crate) fn stage<U: Stream>(&self, up: &U, id: &str, kind: NodeKind) -> usize {
        let node = self.node(id, kind);
        self.edge::<U::Item>(up.tail(), node, EdgeKind::Forward);
        node
    }
    pub(crate) fn segment(&self, recipe: impl FnOnce(&Env) -> crate::Result<Box<dyn Segment>> + 'static) {
        self.0.borrow_mut().recipes.push(Box::new(recipe));
    }
    /// Ends the segment of `up` in a queue.
    pub(crate) fn queue<U: Stream>(&self, up: U) -> Rc<Queue<KeyOf<U>, U::Item>> {
        let queue = Queue::new();
        let end = QueueEnd::new(queue.clone());
        self.segment(move |env| up.close(env, end));
        queue
    }
    pub(crate) fn exchange_number(&self) -> usize {
        let mut draft = self.0.borrow_mut();
        draft.exchanges += 1;
        draft.exchanges - 1
    }
}

// ---- stages without state ------------------------------------------------------------------------------------------

/// `map(f)`
pub fn map<U: Stream, R: 'static>(
    graph: Graph,
    id: &'static str,
    up: U,
    f: impl FnMut(U::Item) -> R + 'static,
) -> stream_of!(R, U::Keying, names::map) {
    let node = graph.stage(&up, id, NodeKind::Stage);
    link(up, node, MapStage { f, node })
}
/// `filter(f)`
pub fn filter<U: Stream>(
    graph: Graph,
    id: &'static str,
    up: U,
    f: impl FnMut(&U::Item) -> bool + 'static,
) -> stream_of!(U::Item, U::Keying, U::Node) {
    let node = graph.stage(&up, id, NodeKind::Stage);
    link(up, node, FilterStage { f, node })
}
/// `filter_map(f)`
pub fn filter_map<U: Stream, R: 'static>(
    graph: Graph,
    id: &'static str,
    up: U,
    f: impl FnMut(U::Item) -> Option<R> + 'static,
) -> stream_of!(R, U::Keying, names::filter_map) {
    let node = graph.stage(&up, id, NodeKind::Stage);
    link(up, node, FilterMapStage { f, node })
}
/// `flat_map(f)`
pub fn flat_map<U: Stream, I: IntoIterator<Item: 'static>>(
    graph: Graph,
    id: &'static str,
    up: U,
    f: impl FnMut(U::Item) -> I + 'static,
) -> stream_of!(I::Item, U::Keying, names::flat_map) {
    let node = graph.stage(&up, id, NodeKind::Stage);
    link(up, node, FlatMapStage { f, node })
}
/// `inspect(f)`
pub fn inspect<U: Stream>(
    graph: Graph,
    id: &'static str,
    up: U,
    f: impl FnMut(&U::Item) + 'static,
) -> stream_of!(U::Item, U::Keying, U::Node) {
    let node = graph.stage(&up, id, NodeKind::Stage);
    link(up, node, InspectStage { f, node })
}
/// The stream under the name that `let` gives it.
pub fn named<U: Stream, Node: 'static>(up: U, _: PhantomData<Node>) -> stream_of!(U::Item, U::Keying, Node) {
    renamed(up)
}
/// Ends the segment and begins another, so that no chain grows beyond what the compiler handles well.
pub fn cut<U: Stream>(graph: Graph, up: U) -> stream_of!(U::Item, U::Keying, U::Node) {
    let tail = up.tail();
    let queue = graph.queue(up);
    QueueHead::<_, _, U::Keying, U::Node>::new(vec![queue], tail)
}
/// `sink(s)`
pub fn sink<U: Stream, S: SinkOf<U::Item, Sink: 'static>>(graph: Graph, id: &'static str, sink: S, up: U) {
    let node = graph.stage(&up, id, NodeKind::Sink);
    let sink = sink.sink_of();
    graph.segment(move |env| {
        let end = SinkPush::new(sink, env.site(node), (env.worker(), env.workers()))?;
        up.close(env, end)
    });
}

// ---- keys ----------------------------------------------------------------------------------------------------------

/// A stream and a closure over its records, until what the closure returns has been checked.
pub struct By<U, F, K> {
    pub(crate) up: U,
    f: F,
    key: PhantomData<fn() -> K>,
}
impl<U, F, K> std::fmt::Debug for By<U, F, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("By")
    }
}
impl<U: Typed, F: 'static, K: 'static> Typed for By<U, F, K> {
    type Item = U::Item;
    type Keying = U::Keying;
    type Node = U::Node;
}
/// `key_by(f)`, `sum(f)` and others, before they are checked.
pub fn by<U: Stream, K, F: FnMut(&U::Item) -> K + 'static>(up: U, f: F) -> By<U, F, K> {
    By { up, f, key: PhantomData }
}
/// What the closure of [`by`] returns, for its check.
pub fn value_of<U, F, K>(_: &By<U, F, K>) -> Option<K> {
    None
}
/// `key_by(f)`
pub fn key_by<U, K, F>(graph: Graph, id: &'static str, up: By<U, F, K>) -> stream_of!(U::Item, KeyedBy<K>, U::Node)
where
    U: Stream<Item: Record>,
    K: PartitionKey,
    F: FnMut(&U::Item) -> K + 'static,
{
    let By { up, f, .. } = up;
    let node = graph.stage(&up, id, NodeKind::Exchange);
    let number = graph.exchange_number();
    graph.segment(move |env| {
        let exchange = Links::exchange::<K, U::Item>(env, number)?;
        up.close(env, KeyByEnd::new(f, KeyHasher::new(env.seed()), exchange, env.site(node)))
    });
    ExchangeHead::<U::Item, KeyedBy<K>, U::Node> { number, tail: node, names: PhantomData }
}

// ---- operators -----------------------------------------------------------------------------------------------------

/// What the use of an operator says about its failures: `F` of the calls below.
pub trait Policy<K, E>: 'static {
    /// What takes the failures.
    type OnFail: OnFail<K, E>;
    /// The stream of failures, if there is one.
    type Failures;
    /// Makes both.
    fn declare(self, graph: &Graph, node: usize) -> (Self::OnFail, Self::Failures);
}
/// Nothing: it cannot fail.
#[derive(Debug)]
pub struct Unfailing;
impl<K: 'static> Policy<K, crate::Never> for Unfailing {
    type OnFail = CannotFail;
    type Failures = ();
    fn declare(self, _: &Graph, _: usize) -> (CannotFail, ()) {
        (CannotFail, ())
    }
}
/// `?`
#[derive(Debug)]
pub struct OrFail;
impl<K: 'static, E: Display> Policy<K, E> for OrFail {
    type OnFail = FailJob;
    type Failures = ();
    fn declare(self, _: &Graph, _: usize) -> (FailJob, ()) {
        (FailJob::default(), ())
    }
}
/// `else drop`
#[derive(Debug)]
pub struct OrDrop;
impl<K: 'static, E: 'static> Policy<K, E> for OrDrop {
    type OnFail = DropFailed;
    type Failures = ();
    fn declare(self, _: &Graph, _: usize) -> (DropFailed, ()) {
        (DropFailed::default(), ())
    }
}
/// `else stream`, keyed as the operator's input is.
#[derive(Debug)]
pub struct OrElse<Kg, Node>(PhantomData<fn() -> (Kg, Node)>);
/// `else stream` behind `up`, under the stream's name.
pub fn or_else<U: Typed, Node>(_: &U, _: PhantomData<Node>) -> OrElse<U::Keying, Node> {
    OrElse(PhantomData)
}
/// `source(..) else stream`, under the stream's name.
pub fn rows_or_else<Node>(_: PhantomData<Node>) -> OrElse<crate::contract::keying::Unkeyed, Node> {
    OrElse(PhantomData)
}
impl<Kg: Keying, Node: 'static, E: 'static> Policy<Kg::Key, E> for OrElse<Kg, Node> {
    type OnFail = RouteFailed<Kg::Key, E>;
    type Failures = Failures<Kg::Key, E, Kg, Node>;
    fn declare(self, _: &Graph, node: usize) -> (Self::OnFail, Self::Failures) {
        let queue = Queue::new();
        let head = QueueHead::new(vec![queue.clone()], node);
        (RouteFailed { end: QueueEnd::new(queue), failed: 0 }, Failures(head))
    }
}
/// The stream that `else` names.
pub struct Failures<K, E, Kg, Node>(QueueHead<K, Failure<E>, Kg, Node>);
impl<K, E, Kg, Node> std::fmt::Debug for Failures<K, E, Kg, Node> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Failures")
    }
}
impl<E: 'static, Kg: Keying, Node: 'static> Typed for Failures<Kg::Key, E, Kg, Node> {
    type Item = Failure<E>;
    type Keying = Kg;
    type Node = Node;
}
impl<E: 'static, Kg: Keying, Node: 'static> Stream for Failures<Kg::Key, E, Kg, Node> {
    fn tail(&self) -> usize {
        self.0.tail()
    }
    fn close<P: Push<Kg::Key, Failure<E>>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        self.0.close(env, end)
    }
}
/// Sends failures to the stream that `else` names.
pub struct RouteFailed<K, E> {
    end: QueueEnd<K, Failure<E>>,
    failed: u64,
}
impl<K, E> std::fmt::Debug for RouteFailed<K, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RouteFailed")
    }
}
impl<K: Clone + 'static, E: 'static> OnFail<K, E> for RouteFailed<K, E> {
    fn fail(&mut self, at: At<'_, K>, error: E, site: &Site) {
        self.failed += 1;
        self.end.push(at, Failure { error, operator: site.id.clone() });
    }
    fn settle(&mut self, site: &Site) {
        let failed = std::mem::take(&mut self.failed);
        site.add(|c| c.failed += failed);
    }
    fn pump(&mut self) -> bool {
        self.end.pump()
    }
    fn flush(&mut self) -> bool {
        self.end.flush()
    }
    fn finish(&mut self) {
        self.end.finish();
    }
}

/// An operator whose use says what happens to its failures: the stream, and that of the failures.
#[allow(clippy::type_complexity)]
pub fn call<U, Op, F>(
    graph: Graph,
    id: &'static str,
    op: Op,
    up: U,
    policy: F,
) -> (stream_of!(Op::Out, U::Keying, Op), F::Failures)
where
    U: Stream<Item = Op::In>,
    Op: Operator<Keep: KeepFor<KeyOf<U>>>,
    F: Policy<KeyOf<U>, ErrorOf<Op>>,
    (): SideEnds<KeyOf<U>, Op::Sides>,
{
    let node = graph.stage(&up, id, NodeKind::of::<Op>());
    let (on_fail, failures) = policy.declare(&graph, node);
    (link(up, node, CallStage { op, on_fail, side_ends: (), node }), failures)
}

// ---- aggregates ----------------------------------------------------------------------------------------------------

fn aggregate<U, K, A, Node: 'static>(
    graph: Graph,
    id: &'static str,
    up: U,
    aggregate: A,
) -> stream_of!(A::Out, KeyedBy<K>, Node)
where
    U: Stream + Typed<Keying = KeyedBy<K>>,
    K: PartitionKey,
    A: Aggregate<K, U::Item>,
{
    let node = graph.stage(&up, id, NodeKind::Stateful);
    link(up, node, AggregateStage { aggregate, node })
}
/// `count()`
pub fn count<U, K: PartitionKey>(
    graph: Graph,
    id: &'static str,
    up: U,
) -> stream_of!((K, u64), KeyedBy<K>, names::count)
where
    U: Stream + Typed<Keying = KeyedBy<K>>,
{
    aggregate::<U, K, _, names::count>(graph, id, up, Count)
}
/// `sum(f)`
pub fn sum<U, K, V, F>(
    graph: Graph,
    id: &'static str,
    By { up, f, .. }: By<U, F, V>,
) -> stream_of!((K, V), KeyedBy<K>, names::sum)
where
    F: FnMut(&U::Item) -> V + 'static,
    U: Stream + Typed<Keying = KeyedBy<K>>,
    K: PartitionKey,
    V: Default + Clone + AddAssign + 'static,
{
    aggregate::<U, K, _, names::sum>(graph, id, up, Sum(f))
}
/// Whether `new` takes the place of `kept`: it does where what is kept compares with nothing, as a NaN does.
fn replaces<V: PartialOrd>(new: &V, kept: &V, wins: std::cmp::Ordering) -> bool {
    new.partial_cmp(kept) == Some(wins) || kept.partial_cmp(kept).is_none()
}
/// `min(f)`
pub fn min<U, K, V, F>(
    graph: Graph,
    id: &'static str,
    By { up, f, .. }: By<U, F, V>,
) -> stream_of!((K, V), KeyedBy<K>, names::min)
where
    F: FnMut(&U::Item) -> V + 'static,
    U: Stream + Typed<Keying = KeyedBy<K>>,
    K: PartitionKey,
    V: PartialOrd + Clone + 'static,
{
    let better = |new: &V, kept: &V| replaces(new, kept, std::cmp::Ordering::Less);
    aggregate::<U, K, _, names::min>(graph, id, up, Extreme(f, better))
}
/// `max(f)`
pub fn max<U, K, V, F>(
    graph: Graph,
    id: &'static str,
    By { up, f, .. }: By<U, F, V>,
) -> stream_of!((K, V), KeyedBy<K>, names::max)
where
    F: FnMut(&U::Item) -> V + 'static,
    U: Stream + Typed<Keying = KeyedBy<K>>,
    K: PartitionKey,
    V: PartialOrd + Clone + 'static,
{
    let better = |new: &V, kept: &V| replaces(new, kept, std::cmp::Ordering::Greater);
    aggregate::<U, K, _, names::max>(graph, id, up, Extreme(f, better))
}
/// `average(f)`
pub fn average<U, K, V, F>(
    graph: Graph,
    id: &'static str,
    By { up, f, .. }: By<U, F, V>,
) -> stream_of!((K, f64), KeyedBy<K>, names::average)
where
    F: FnMut(&U::Item) -> V + 'static,
    U: Stream + Typed<Keying = KeyedBy<K>>,
    K: PartitionKey,
    V: Number,
{
    aggregate::<U, K, _, names::average>(graph, id, up, Average(f))
}
/// `reduce(f)`
pub fn reduce<U, K>(
    graph: Graph,
    id: &'static str,
    up: U,
    f: impl FnMut(U::Item, U::Item) -> U::Item + 'static,
) -> stream_of!((K, U::Item), KeyedBy<K>, names::reduce)
where
    U: Stream + Typed<Keying = KeyedBy<K>, Item: Clone>,
    K: PartitionKey,
{
    aggregate::<U, K, _, names::reduce>(graph, id, up, Reduce(f))
}
/// `fold(init, f)`
pub fn fold<U, K, A>(
    graph: Graph,
    id: &'static str,
    up: U,
    init: A,
    f: impl FnMut(A, U::Item) -> A + 'static,
) -> stream_of!((K, A), KeyedBy<K>, names::fold)
where
    U: Stream + Typed<Keying = KeyedBy<K>>,
    K: PartitionKey,
    A: Clone + 'static,
{
    aggregate::<U, K, _, names::fold>(graph, id, up, Fold(init, f))
}
/// `top(n, f)`
pub fn top<U, K, V, F>(
    graph: Graph,
    id: &'static str,
    By { up, f, .. }: By<U, F, V>,
    n: usize,
) -> stream_of!((K, Vec<U::Item>), KeyedBy<K>, names::top)
where
    F: FnMut(&U::Item) -> V + 'static,
    U: Stream + Typed<Keying = KeyedBy<K>, Item: Clone>,
    K: PartitionKey,
    V: PartialOrd,
{
    aggregate::<U, K, _, names::top>(graph, id, up, Top(n, f))
}
/// `distinct()`
pub fn distinct<U, K>(graph: Graph, id: &'static str, up: U) -> stream_of!(U::Item, KeyedBy<K>, names::distinct)
where
    U: Stream + Typed<Keying = KeyedBy<K>, Item: Eq + Hash + Clone>,
    K: PartitionKey,
{
    aggregate::<U, K, _, names::distinct>(graph, id, up, Distinct)
}
