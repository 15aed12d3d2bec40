//! Streams with several consumers, streams that are split, and side outputs.
use super::build::Graph;
use super::head::QueueHead;
use super::picture::NodeKind;
use super::policy::Policy;
use crate::contract::keying::Keying;
use crate::contract::stage::{ErrorOf, Operator, SideBuffer, Sides};
use crate::contract::typed::{KeyOf, Typed};
use crate::exchange::queue::{Queue, QueueEnd, SplitEnd, Tee};
use crate::stream::call::{CallStage, SideEnds};
use crate::stream::env::Env;
use crate::stream::keep::KeepFor;
use crate::stream::link::link;
use crate::stream::{Push, Segment, Stream, stream_of};
use std::cell::RefCell;
use std::rc::Rc;

/// A stream that any number of consumers read.
pub struct Shared<K, T, Kg, Node> {
    readers: Rc<RefCell<Vec<QueueEnd<K, T>>>>,
    head: QueueHead<K, T, Kg, Node>,
}
impl<K, T, Kg, Node> std::fmt::Debug for Shared<K, T, Kg, Node> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared({} readers)", self.readers.borrow().len())
    }
}

/// Ends the segment, so that any number of consumers read the stream.
pub fn share<U>(graph: Graph, up: U) -> Shared<KeyOf<U>, U::Item, U::Keying, U::Node>
where
    U: Stream<Item: Clone>,
{
    let readers = Rc::new(RefCell::new(Vec::new()));
    let tail = up.tail();
    let head = QueueHead::new(Vec::new(), tail);
    let ends = readers.clone();
    graph
        .segment(move |env| up.close(env, Tee { ends: std::mem::take(&mut *ends.borrow_mut()), site: env.site(tail) }));
    Shared { readers, head }
}
impl<T: 'static, Kg: Keying, Node: 'static> Shared<Kg::Key, T, Kg, Node> {
    /// One more consumer.
    pub fn read(&self) -> stream_of!(T, Kg, Node) {
        let queue = Queue::new();
        self.readers.borrow_mut().push(QueueEnd::new(queue.clone()));
        QueueHead::<_, _, Kg, Node>::new(vec![queue], self.head.tail())
    }
}

/// `split(f)`: those for which `f` holds, and the others.
#[allow(clippy::type_complexity)]
pub fn split<U: Stream>(
    graph: Graph,
    id: &'static str,
    up: U,
    f: impl FnMut(&U::Item) -> bool + 'static,
) -> (stream_of!(U::Item, U::Keying, U::Node), stream_of!(U::Item, U::Keying, U::Node)) {
    let node = graph.stage(&up, id, NodeKind::Stage);
    let (yes, no) = (Queue::new(), Queue::new());
    let (y, n) = (QueueEnd::new(yes.clone()), QueueEnd::new(no.clone()));
    graph.segment(move |env| up.close(env, SplitEnd { f, yes: y, no: n, site: env.site(node) }));
    (
        QueueHead::<_, _, U::Keying, U::Node>::new(vec![yes], node),
        QueueHead::<_, _, U::Keying, U::Node>::new(vec![no], node),
    )
}

/// The side outputs of an operator on a stream keyed by `Kg`.
pub trait SideStreams<Kg: Keying, Node>: Sides {
    /// Where they go.
    type Ends: SideEnds<Kg::Key, Self>;
    /// The streams of what arrives there.
    type Streams;
    /// Makes both.
    fn declare(node: usize) -> (Self::Ends, Self::Streams);
}

/// One side output as a stream.
pub struct Side<K, T, Kg, Node>(QueueHead<K, T, Kg, Node>);
impl<K, T, Kg, Node> std::fmt::Debug for Side<K, T, Kg, Node> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Side")
    }
}
/// Where one side output goes.
pub struct SideEnd<K, T>(QueueEnd<K, T>);
impl<K, T> std::fmt::Debug for SideEnd<K, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SideEnd")
    }
}
impl<K: Clone + 'static, T: 'static> Push<K, T> for SideEnd<K, T> {
    fn push(&mut self, at: crate::stream::At<'_, K>, record: T) {
        self.0.push(at, record);
    }
    fn touch(&self, _: u64) {}
    fn worth_touching(&self) -> bool {
        false
    }
    fn full(&self) -> bool {
        self.0.full()
    }
    fn pump(&mut self) -> bool {
        self.0.pump()
    }
    fn settle(&mut self, _: u64) {}
    fn flush(&mut self) -> bool {
        self.0.flush()
    }
    fn finish(&mut self) {
        self.0.finish();
    }
}
impl<T: 'static, Kg: Keying, Node: 'static> Typed for Side<Kg::Key, T, Kg, Node> {
    type Item = T;
    type Keying = Kg;
    type Node = Node;
}
impl<T: 'static, Kg: Keying, Node: 'static> Stream for Side<Kg::Key, T, Kg, Node> {
    fn tail(&self) -> usize {
        self.0.tail()
    }
    fn close<P: Push<Kg::Key, T>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        self.0.close(env, end)
    }
}
macro_rules! side_streams {
    ($($side:ident),+) => {
        impl<Kg: Keying, Node: 'static, $($side: 'static),+> SideStreams<Kg, Node> for ($(SideBuffer<$side>,)+) {
            type Ends = ($(SideEnd<Kg::Key, $side>,)+);
            type Streams = ($(Side<Kg::Key, $side, Kg, Node>,)+);
            #[allow(non_snake_case)]
            fn declare(node: usize) -> (Self::Ends, Self::Streams) {
                $(let $side = Queue::<Kg::Key, $side>::new();)+
                (
                    ($(SideEnd(QueueEnd::new($side.clone())),)+),
                    ($(Side(QueueHead::new(vec![$side], node)),)+),
                )
            }
        }
    };
}
side_streams!(A);
side_streams!(A, B);
side_streams!(A, B, C);
side_streams!(A, B, C, D);

/// An operator with side outputs: the main stream, that of the failures, and the sides.
#[allow(clippy::type_complexity)]
pub fn call_with_sides<U, Op, F>(
    graph: Graph,
    id: &'static str,
    op: Op,
    up: U,
    policy: F,
) -> (stream_of!(Op::Out, U::Keying, Op), F::Failures, <Op::Sides as SideStreams<U::Keying, Op>>::Streams)
where
    U: Stream<Item = Op::In>,
    Op: Operator<Keep: KeepFor<KeyOf<U>>, Sides: SideStreams<U::Keying, Op>>,
    F: Policy<KeyOf<U>, ErrorOf<Op>>,
{
    let node = graph.stage(&up, id, NodeKind::of::<Op>());
    let (on_fail, failures) = policy.declare(&graph, node);
    let (side_ends, sides) = <Op::Sides as SideStreams<U::Keying, Op>>::declare(node);
    (link(up, node, CallStage { op, on_fail, side_ends, node }), failures, sides)
}
