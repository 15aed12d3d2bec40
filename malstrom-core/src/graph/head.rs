//! Where a segment begins: at an edge.
use super::segment::EdgeSegment;
use super::taps::{LateOf, Tap, Taps};
use crate::contract::crossing::{Apart, Fresh};
use crate::contract::form::{Form, Windowing};
use crate::contract::keying::Keying;
use crate::contract::typed::{SpecOf, Typed};
use crate::exchange::fabric::Links;
use crate::exchange::inlet::{Local, Remote};
use crate::exchange::queue::Queue;
use crate::stream::env::Env;
use crate::stream::{Push, Segment, Stream};
use std::marker::PhantomData;
use std::rc::Rc;

/// Reads queues of this worker.
///
/// The stages that end a segment return their head by name: `impl Stream` would carry the types of all stages before it,
/// and checking a pipeline would take time that grows with the square of its length.
pub struct QueueHead<T, Fm: Form, Node> {
    queues: Vec<Rc<Queue<Fm::Meta, T>>>,
    tail: usize,
    spec: <Fm::Windows as Windowing>::Spec,
    names: PhantomData<fn(Node)>,
}
impl<T, Fm: Form, Node> QueueHead<T, Fm, Node> {
    pub(crate) fn new(
        queues: Vec<Rc<Queue<Fm::Meta, T>>>,
        tail: usize,
        spec: <Fm::Windows as Windowing>::Spec,
    ) -> Self {
        QueueHead { queues, tail, spec, names: PhantomData }
    }
}
impl<T, Fm: Form, Node> std::fmt::Debug for QueueHead<T, Fm, Node> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "QueueHead({} queues)", self.queues.len())
    }
}
impl<T: 'static, Fm: Form, Node: 'static> Typed for QueueHead<T, Fm, Node> {
    type Item = T;
    type Form = Fm;
    type Node = Node;
}
impl<T: 'static, Fm: Form, Node: 'static> Stream for QueueHead<T, Fm, Node> {
    type Crossing = Apart;
    fn tail(&self) -> usize {
        self.tail
    }
    fn spec(&self) -> SpecOf<Self> {
        self.spec.clone()
    }
    fn close<P: Push<Fm::Meta, T>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        Ok(Box::new(EdgeSegment::new(env, Local::new(self.queues), end)))
    }
}

/// Reads an exchange. By name for the same reason as [`QueueHead`].
pub struct ExchangeHead<T, Fm: Form, Node> {
    pub(crate) number: usize,
    pub(crate) tap: Rc<Tap<Fm::Meta, T>>,
    pub(crate) tail: usize,
    pub(crate) spec: <Fm::Windows as Windowing>::Spec,
    pub(crate) names: PhantomData<fn(T, Node)>,
}
impl<T, Fm: Form, Node> std::fmt::Debug for ExchangeHead<T, Fm, Node> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ExchangeHead({})", self.number)
    }
}
impl<T: 'static, Fm: Form, Node: 'static> Typed for ExchangeHead<T, Fm, Node> {
    type Item = T;
    type Form = Fm;
    type Node = Node;
}
impl<T: Send + 'static, Fm: Form<Keying: Keying<Key: Send>>, Node: 'static> Stream for ExchangeHead<T, Fm, Node> {
    type Crossing = Fresh;
    fn tail(&self) -> usize {
        self.tail
    }
    fn spec(&self) -> SpecOf<Self> {
        self.spec.clone()
    }
    fn close<P: Push<Fm::Meta, T>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        let wire = || Ok(self.tap.wire(env.seed()));
        let exchange = Links::receive::<Fm::Meta, T>(env, self.number, self.tail, wire)?;
        Ok(Box::new(EdgeSegment::new(env, Remote::new(exchange), end)))
    }
}
impl<T: Send + 'static, Fm: Form<Keying: Keying<Key: Send>>, Node: 'static> Taps for ExchangeHead<T, Fm, Node> {
    fn tap(&self) -> Rc<Tap<Fm::Meta, T>> {
        self.tap.clone()
    }
    fn into_late(self) -> Option<LateOf<Self>> {
        None
    }
    fn wants_late(&self) -> bool {
        false
    }
}
