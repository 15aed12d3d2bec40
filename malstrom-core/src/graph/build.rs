//! The calls that a `pipeline!` expansion makes, one per stage.
use super::head::{ExchangeHead, QueueHead};
use super::names;
use super::picture::{Edge, EdgeKind, Node, NodeKind, Plan};
use super::policy::Policy;
use super::renamed::Renamed;
use super::taps::Tap;
use super::windows::{AfterOp, Behind, Stands};
use crate::check::sink::SinkOf;
use crate::contract::code::Code;
use crate::contract::form::{Form, Formed, Timing, Under, Windowing};
use crate::contract::kept::Kept;
use crate::contract::key::PartitionKey;
use crate::contract::keying::{KeyedBy, Keying};
use crate::contract::record::Record;
use crate::contract::sink::Sink;
use crate::contract::snapshot::Guarantee;
use crate::contract::stage::{ErrorOf, Operator};
use crate::contract::time::Ticks;
use crate::contract::typed::{MetaOf, TimeOf, Typed, WindowsOf};
use crate::exchange::fabric::Links;
use crate::exchange::outlet::{KeyByEnd, Scatter};
use crate::exchange::queue::{Queue, QueueEnd};
use crate::exchange::wire;
use crate::state::key_group::KeyHasher;
use crate::stream::env::Env;
use crate::stream::link::{link, link_to};
use crate::stream::plain::{FilterMapStage, FilterStage, FlatMapStage, InspectStage, MapStage};
use crate::stream::sink::SinkPush;
use crate::stream::{Segment, Stream, stream_of};
use std::cell::RefCell;
use std::marker::PhantomData;
use std::rc::Rc;

/// Makes one segment on a worker, if there is one with so many workers.
pub(crate) type Recipe = Box<dyn FnOnce(&Env) -> crate::Result<Option<Box<dyn Segment>>>>;

/// A pipeline under construction: a handle that every stage is given a copy of.
#[derive(Clone)]
pub struct Graph(Rc<RefCell<Draft>>);
struct Draft {
    plan: Plan,
    scope: Vec<Named>,
    /// What a stage that is about to come was called, by its name.
    renamed: Option<(String, String)>,
    recipes: Vec<Recipe>,
    exchanges: usize,
    timed: bool,
    /// Whether it promises exactly-once.
    promises: bool,
    refused: Option<crate::Error>,
}
/// What a stage or a fragment is called, and was called if that was something else.
struct Named {
    name: String,
    was: Option<String>,
}
impl Draft {
    /// What is about to come under a name.
    fn name(&mut self, name: &str) -> Named {
        let was = self.renamed.take_if(|(of, _)| of == name).map(|(_, was)| was);
        Named { name: name.to_owned(), was }
    }
}
/// A pipeline: what the function that `pipeline!` generates returns. It does nothing until it is run.
pub struct Pipeline {
    plan: Plan,
    recipes: Vec<Recipe>,
    timed: bool,
    promises: bool,
    refused: Option<crate::Error>,
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
    /// Whether it takes times from records.
    pub(crate) fn timed(&self) -> bool {
        self.timed
    }
    /// The same without its promise. For a run in which nothing goes wrong, so that nothing has to survive.
    #[cfg(feature = "sim")]
    pub(crate) fn unpromised(self) -> Self {
        Pipeline { promises: false, ..self }
    }
    /// What makes its segments, on a worker that takes snapshots or does not.
    ///
    /// # Errors
    /// If a value in the pipeline is out of range, or it promises what it cannot keep.
    pub(crate) fn into_recipes(self, saves: bool) -> crate::Result<Vec<Recipe>> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        if self.promises && !saves {
            return Err(crate::Error::Config(format!(
                "pipeline `{}` promises exactly-once, which takes snapshots: say where they are to lie by `--snapshots`, or leave out \
                 `#[guarantee(exactly_once)]`",
                self.plan.name
            )));
        }
        Ok(self.recipes)
    }
}

impl Graph {
    /// An empty pipeline.
    pub fn new(name: &str) -> Self {
        let plan = Plan { name: name.to_owned(), nodes: Vec::new(), edges: Vec::new() };
        let scope = vec![Named { name: name.to_owned(), was: None }];
        Graph(Rc::new(RefCell::new(Draft {
            plan,
            scope,
            renamed: None,
            recipes: Vec::new(),
            exchanges: 0,
            timed: false,
            promises: false,
            refused: None,
        })))
    }
    /// The finished pipeline.
    pub fn finish(self) -> Pipeline {
        let mut draft = self.0.borrow_mut();
        let nothing = Plan { name: String::new(), nodes: Vec::new(), edges: Vec::new() };
        Pipeline {
            plan: std::mem::replace(&mut draft.plan, nothing),
            recipes: std::mem::take(&mut draft.recipes),
            timed: draft.timed,
            promises: draft.promises,
            refused: draft.refused.take(),
        }
    }
    /// The same, of a pipeline that promises exactly-once. Sources and sinks that cannot keep that are refused, and so is a run
    /// without snapshots.
    pub fn promising_exactly_once(self) -> Self {
        self.0.borrow_mut().promises = true;
        self
    }
    /// Refuses a source or a sink that does not keep what the pipeline promises.
    pub(crate) fn hold_to_promise(&self, node: usize, keeps: bool, why: &str) {
        let (promises, name) = {
            let draft = self.0.borrow();
            (draft.promises, draft.plan.name.clone())
        };
        if promises && !keeps {
            self.refuse(node, &format!("{why}, but pipeline `{name}` promises exactly-once"));
        }
    }
    /// Says that times are taken from records, for which it matters where they come from.
    pub(crate) fn take_times(&self) {
        self.0.borrow_mut().timed = true;
    }
    /// Refuses a value that stage `node` was given.
    pub(crate) fn refuse(&self, node: usize, why: &str) {
        let mut draft = self.0.borrow_mut();
        let error = crate::Error::Config(format!("`{}`: {why}", draft.plan.nodes[node].id));
        draft.refused.get_or_insert(error);
    }
    /// What comes next under the name `id`, a stage or a fragment, was called `old`: snapshots have its state under that name.
    pub fn was(&self, id: &str, old: &str) {
        self.0.borrow_mut().renamed = Some((id.to_owned(), old.to_owned()));
    }
    pub(crate) fn enter(&self, name: &str) {
        let mut draft = self.0.borrow_mut();
        let named = draft.name(name);
        draft.scope.push(named);
    }
    pub(crate) fn leave(&self) {
        self.0.borrow_mut().scope.pop();
    }
    pub(crate) fn node(&self, id: &str, kind: NodeKind) -> usize {
        let mut draft = self.0.borrow_mut();
        let own = draft.name(id);
        let path = || draft.scope.iter().chain([&own]);
        let id = path().map(|named| named.name.as_str()).collect::<Vec<_>>().join("/");
        let was = path().any(|named| named.was.is_some()).then(|| {
            path().map(|named| named.was.as_ref().unwrap_or(&named.name).as_str()).collect::<Vec<_>>().join("/")
        });
        draft.plan.nodes.push(Node { id, was, kind, ticks: Ticks::Any, guarantee: None, kept: None });
        draft.plan.nodes.len() - 1
    }
    /// Says what stage `node` keeps.
    pub(crate) fn keeps(&self, node: usize, kept: Option<Kept>) {
        self.0.borrow_mut().plan.nodes[node].kept = kept;
    }
    /// Says what the output of sink `node` is like after a failure.
    pub(crate) fn guarantee(&self, node: usize, guarantee: Guarantee) {
        self.0.borrow_mut().plan.nodes[node].guarantee = Some(guarantee);
        self.hold_to_promise(node, guarantee == Guarantee::ExactlyOnce, &format!("this sink is {guarantee}"));
    }
    pub(crate) fn edge<T>(&self, from: usize, to: usize, kind: EdgeKind) {
        self.0.borrow_mut().plan.edges.push(Edge { from, to, kind, record: std::any::type_name::<T>() });
    }
    /// A stage behind `up`.
    pub(crate) fn stage<U: Stream>(&self, up: &U, id: &str, kind: NodeKind) -> usize {
        let node = self.node(id, kind);
        self.0.borrow_mut().plan.nodes[node].ticks = TimeOf::<U>::TICKS;
        self.edge::<U::Item>(up.tail(), node, EdgeKind::Forward);
        node
    }
    pub(crate) fn segment(&self, recipe: impl FnOnce(&Env) -> crate::Result<Box<dyn Segment>> + 'static) {
        self.segment_if(|env| recipe(env).map(Some));
    }
    /// A segment that is not always there.
    pub(crate) fn segment_if(&self, recipe: impl FnOnce(&Env) -> crate::Result<Option<Box<dyn Segment>>> + 'static) {
        self.0.borrow_mut().recipes.push(Box::new(recipe));
    }
    /// Ends the segment of `up` in a queue.
    pub(crate) fn queue<U: Stream>(&self, up: U) -> Rc<Queue<MetaOf<U>, U::Item>> {
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
) -> stream_of!(R, U::Form, names::map) {
    let node = graph.stage(&up, id, NodeKind::Stage);
    link(up, node, MapStage { f, node })
}
/// `filter(f)`
pub fn filter<U: Stream>(
    graph: Graph,
    id: &'static str,
    up: U,
    f: impl FnMut(&U::Item) -> bool + 'static,
) -> stream_of!(U::Item, U::Form, U::Node) {
    let node = graph.stage(&up, id, NodeKind::Stage);
    link(up, node, FilterStage { f, node })
}
/// `filter_map(f)`
pub fn filter_map<U: Stream, R: 'static>(
    graph: Graph,
    id: &'static str,
    up: U,
    f: impl FnMut(U::Item) -> Option<R> + 'static,
) -> stream_of!(R, U::Form, names::filter_map) {
    let node = graph.stage(&up, id, NodeKind::Stage);
    link(up, node, FilterMapStage { f, node })
}
/// `flat_map(f)`
pub fn flat_map<U: Stream, I: IntoIterator<Item: 'static>>(
    graph: Graph,
    id: &'static str,
    up: U,
    f: impl FnMut(U::Item) -> I + 'static,
) -> stream_of!(I::Item, U::Form, names::flat_map) {
    let node = graph.stage(&up, id, NodeKind::Stage);
    link(up, node, FlatMapStage { f, node })
}
/// `inspect(f)`
pub fn inspect<U: Stream>(
    graph: Graph,
    id: &'static str,
    up: U,
    f: impl FnMut(&U::Item) + 'static,
) -> stream_of!(U::Item, U::Form, U::Node) {
    let node = graph.stage(&up, id, NodeKind::Stage);
    link(up, node, InspectStage { f, node })
}
/// The stream under the name that `let` gives it.
pub fn named<U: Stream, Node: 'static>(up: U, _: PhantomData<Node>) -> Renamed<U, U::Form, Node, U::Crossing> {
    let spec = up.spec();
    Renamed::new(up, spec)
}
/// Ends the segment and begins another, so that no chain grows beyond what the compiler handles well.
pub fn cut<U: Stream>(graph: Graph, up: U) -> QueueHead<U::Item, U::Form, U::Node> {
    let (tail, spec) = (up.tail(), up.spec());
    let queue = graph.queue(up);
    QueueHead::new(vec![queue], tail, spec)
}
/// `sink(s)`
pub fn sink<U: Stream, S: SinkOf<U::Item, Sink: 'static>>(graph: Graph, id: &'static str, sink: S, up: U) {
    let node = graph.stage(&up, id, NodeKind::Sink);
    let sink = sink.sink_of();
    graph.guarantee(node, S::Sink::GUARANTEE);
    graph.segment(move |env| {
        let end = SinkPush::new(sink, env, node)?;
        up.close(env, end)
    });
}

// ---- keys ----------------------------------------------------------------------------------------------------------

/// A stream and a closure over its records, until what the closure returns has been checked.
pub struct By<U, F, K> {
    pub(crate) up: U,
    pub(crate) f: F,
    /// How what the closure returns is written, if it is known.
    pub(crate) code: Option<Code<K>>,
}
impl<U, F, K> std::fmt::Debug for By<U, F, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("By")
    }
}
impl<U: Typed, F: 'static, K: 'static> Typed for By<U, F, K> {
    type Item = U::Item;
    type Form = U::Form;
    type Node = U::Node;
}
/// `key_by(f)`, `sum(f)` and others, before they are checked.
pub fn by<U: Stream, K, F: FnMut(&U::Item) -> K + 'static>(up: U, f: F) -> By<U, F, K> {
    By { up, f, code: None }
}
/// What the closure of [`by`] returns, for its check.
pub fn value_of<U, F, K>(_: &By<U, F, K>) -> Option<K> {
    None
}
/// The same, where it is known how what the closure returns is written. It goes through the checks with the stream: of what
/// does not pass them nothing is known any more.
pub fn written<U, F, K>(by: By<U, F, K>, code: Option<Code<K>>) -> By<U, F, K> {
    By { code, ..by }
}
/// The records of a stream, to find out how they are written.
pub fn item_of<U: Typed>(_: &U) -> Option<U::Item> {
    None
}
/// A stream that was keyed anew.
pub type Rekeyed<U, K> = Formed<KeyedBy<K>, TimeOf<U>, WindowsOf<U>>;
/// `key_by(f)`
pub fn key_by<U, K, F>(graph: Graph, id: &'static str, up: By<U, F, K>) -> ExchangeHead<U::Item, Rekeyed<U, K>, U::Node>
where
    U: Stream<Item: Record>,
    K: PartitionKey,
    F: FnMut(&U::Item) -> K + 'static,
{
    let By { up, f, .. } = up;
    let node = graph.stage(&up, id, NodeKind::Exchange);
    let number = graph.exchange_number();
    let spec = up.spec();
    let tap = Tap::new(wire::records, Code::of());
    let tapped = tap.clone();
    graph.segment(move |env| {
        let out = match tapped.queue(env) {
            Some(queue) => Scatter::to_queue(queue),
            None => {
                let wire = || Ok(tapped.wire(env.seed()));
                Scatter::new(Links::exchange::<<Rekeyed<U, K> as Form>::Meta, U::Item>(env, number, node, wire)?)
            }
        };
        let out = out.seen_by(Links::look(env, node));
        up.close(env, KeyByEnd { f, hasher: KeyHasher::new(env.seed()), out, site: env.site(node) })
    });
    ExchangeHead { number, tap, tail: node, spec, names: PhantomData }
}

// ---- operators -----------------------------------------------------------------------------------------------------

/// An operator whose use says what happens to its failures: the stream, and that of the failures.
#[allow(clippy::type_complexity)]
pub fn call<U, Op, F, Kg, Tm, Wn>(
    graph: Graph,
    id: &'static str,
    op: Op,
    up: U,
    policy: F,
) -> (stream_of!(Op::Out, AfterOp<Op, Kg, Tm, Wn>, Op), F::Failures)
where
    Kg: Keying,
    Tm: Timing,
    Wn: Windowing,
    U: Stream<Item = Op::In> + Typed<Form = Formed<Kg, Tm, Wn>>,
    F: Policy<Under<Kg::Key, Tm::Stamp>, ErrorOf<Op>>,
    Op: Operator,
    Op::Keep: Stands<Under<Kg::Key, Tm::Stamp>, Wn, Op, F::OnFail, ()>,
{
    let node = graph.stage(&up, id, NodeKind::of::<Op>());
    graph.keeps(node, Op::Keep::kept());
    let (on_fail, failures) = policy.declare(&graph, node);
    let spec = up.spec();
    let stage = Op::Keep::stand(spec.clone(), op, on_fail, (), node);
    (link_to(up, node, Op::Keep::spec(spec), stage), failures)
}
