//! Streams with several consumers, streams that are split, and side outputs.
use super::build::Graph;
use super::head::QueueHead;
use super::picture::NodeKind;
use super::policy::Policy;
use super::windows::{AfterOp, Behind, Stands};
use crate::contract::form::{Form, Formed, Meta, Timing, Under, Windowing};
use crate::contract::keying::Keying;
use crate::contract::snapshot::Task;
use crate::contract::stage::{ErrorOf, Operator, SideBuffer, Sides};
use crate::contract::typed::Typed;
use crate::exchange::queue::{Queue, QueueEnd, SplitEnd, Tee};
use crate::stream::call::SideEnds;
use crate::stream::link::link_to;
use crate::stream::signal::{End, Flow, Signal};
use crate::stream::{Push, Stream, stream_of};
use std::cell::RefCell;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

/// A stream that any number of consumers read.
pub struct Shared<T, Fm: Form, Node> {
    readers: Rc<RefCell<Vec<QueueEnd<Fm::Meta, T>>>>,
    tail: usize,
    spec: <Fm::Windows as Windowing>::Spec,
    names: PhantomData<fn(Node)>,
}
impl<T, Fm: Form, Node> std::fmt::Debug for Shared<T, Fm, Node> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Shared({} readers)", self.readers.borrow().len())
    }
}

/// Ends the segment, so that any number of consumers read the stream.
pub fn share<U>(graph: Graph, up: U) -> Shared<U::Item, U::Form, U::Node>
where
    U: Stream<Item: Clone>,
{
    let readers = Rc::new(RefCell::new(Vec::new()));
    let (tail, spec) = (up.tail(), up.spec());
    let ends = readers.clone();
    graph
        .segment(move |env| up.close(env, Tee { ends: std::mem::take(&mut *ends.borrow_mut()), site: env.site(tail) }));
    Shared { readers, tail, spec, names: PhantomData }
}
impl<T: 'static, Fm: Form, Node: 'static> Shared<T, Fm, Node> {
    /// One more consumer.
    pub fn read(&self) -> QueueHead<T, Fm, Node> {
        let queue = Queue::new();
        self.readers.borrow_mut().push(QueueEnd::new(queue.clone()));
        QueueHead::new(vec![queue], self.tail, self.spec.clone())
    }
}

/// One of the two streams that a stream is split into.
pub type Half<U> = QueueHead<<U as Typed>::Item, <U as Typed>::Form, <U as Typed>::Node>;
/// `split(f)`: those for which `f` holds, and the others.
pub fn split<U: Stream>(
    graph: Graph,
    id: &'static str,
    up: U,
    f: impl FnMut(&U::Item) -> bool + 'static,
) -> (Half<U>, Half<U>) {
    let node = graph.stage(&up, id, NodeKind::Stage);
    let (yes, no, spec) = (Queue::new(), Queue::new(), up.spec());
    let (y, n) = (QueueEnd::new(yes.clone()), QueueEnd::new(no.clone()));
    graph.segment(move |env| up.close(env, SplitEnd { f, yes: y, no: n, site: env.site(node) }));
    let half = |queue| QueueHead::new(vec![queue], node, spec.clone());
    (half(yes), half(no))
}

/// The side outputs of an operator on a stream that flows as `Fm`.
pub trait SideStreams<Fm: Form, Node>: Sides {
    /// Where they go.
    type Ends: SideEnds<Fm::Meta, Self>;
    /// The streams of what arrives there.
    type Streams;
    /// Makes both.
    fn declare(node: usize, spec: <Fm::Windows as Windowing>::Spec) -> (Self::Ends, Self::Streams);
}

/// Where one side output goes.
pub struct SideEnd<M: Meta, T>(QueueEnd<M, T>);
impl<M: Meta, T> std::fmt::Debug for SideEnd<M, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SideEnd")
    }
}
impl<M: Meta, T: 'static> Push<M, T> for SideEnd<M, T> {
    fn push(&mut self, at: crate::stream::At<'_, M>, record: T) {
        self.0.push(at, record);
    }
    fn signal(&mut self, signal: Signal) {
        self.0.signal(signal);
    }
    fn tick(&mut self, _: Duration) -> Option<Duration> {
        None
    }
    fn touch(&self, _: u64) {}
    fn worth_touching(&self) -> bool {
        false
    }
    fn full(&self) -> bool {
        self.0.full()
    }
    fn pump(&mut self) -> Flow {
        self.0.pump()
    }
    fn settle(&mut self, _: u64) {}
    fn flush(&mut self) -> bool {
        self.0.flush()
    }
    fn finish(&mut self, end: End) {
        self.0.finish(end);
    }
    fn persist(&mut self, _: Task<'_, '_>) {}
    fn passed(&self) -> u64 {
        Push::<M, T>::passed(&self.0)
    }
}
macro_rules! side_streams {
    ($($side:ident),+) => {
        impl<Fm: Form, Node: 'static, $($side: 'static),+> SideStreams<Fm, Node> for ($(SideBuffer<$side>,)+) {
            type Ends = ($(SideEnd<Fm::Meta, $side>,)+);
            type Streams = ($(QueueHead<$side, Fm, Node>,)+);
            #[allow(non_snake_case)]
            fn declare(node: usize, spec: <Fm::Windows as Windowing>::Spec) -> (Self::Ends, Self::Streams) {
                $(let $side = Queue::<Fm::Meta, $side>::new();)+
                (
                    ($(SideEnd(QueueEnd::new($side.clone())),)+),
                    ($(QueueHead::new(vec![$side], node, spec.clone()),)+),
                )
            }
        }
    };
}
side_streams!(A);
side_streams!(A, B);
side_streams!(A, B, C);
side_streams!(A, B, C, D);

/// An operator with side outputs: the main stream, that of the failures, and the sides, which leave the windows of the input.
#[allow(clippy::type_complexity)]
pub fn call_with_sides<U, Op, F, Kg, Tm, Wn>(
    graph: Graph,
    id: &'static str,
    op: Op,
    up: U,
    policy: F,
) -> (
    stream_of!(Op::Out, AfterOp<Op, Kg, Tm, Wn>, Op),
    F::Failures,
    <Op::Sides as SideStreams<Formed<Kg, Tm>, Op>>::Streams,
)
where
    Kg: Keying,
    Tm: Timing,
    Wn: Windowing,
    U: Stream<Item = Op::In> + Typed<Form = Formed<Kg, Tm, Wn>>,
    Op: Operator,
    Op::Sides: SideStreams<Formed<Kg, Tm>, Op>,
    F: Policy<Under<Kg::Key, Tm::Stamp>, ErrorOf<Op>>,
    Op::Keep: Behind<Wn>
        + Stands<Under<Kg::Key, Tm::Stamp>, Wn, Op, F::OnFail, <Op::Sides as SideStreams<Formed<Kg, Tm>, Op>>::Ends>,
{
    let node = graph.stage(&up, id, NodeKind::of::<Op>());
    graph.keeps(node, Op::Keep::kept());
    let (on_fail, failures) = policy.declare(&graph, node);
    let (spec, behind) = (up.spec(), Op::Keep::spec(up.spec()));
    let (side_ends, sides) = <Op::Sides as SideStreams<Formed<Kg, Tm>, Op>>::declare(node, ());
    let stage = Op::Keep::stand(spec, op, on_fail, side_ends, node);
    (link_to(up, node, behind, stage), failures, sides)
}
