//! Where a segment begins: at an edge.
use super::segment::EdgeSegment;
use crate::contract::keying::Keying;
use crate::contract::typed::Typed;
use crate::exchange::fabric::Links;
use crate::exchange::inlet::{Local, Remote};
use crate::exchange::queue::Queue;
use crate::stream::env::Env;
use crate::stream::{Push, Segment, Stream};
use std::marker::PhantomData;
use std::rc::Rc;

/// Reads queues of this worker.
pub(crate) struct QueueHead<K, T, Kg, Node> {
    pub(crate) queues: Vec<Rc<Queue<K, T>>>,
    tail: usize,
    names: PhantomData<fn(Kg, Node)>,
}
impl<K, T, Kg, Node> QueueHead<K, T, Kg, Node> {
    pub(crate) fn new(queues: Vec<Rc<Queue<K, T>>>, tail: usize) -> Self {
        QueueHead { queues, tail, names: PhantomData }
    }
}
impl<T: 'static, Kg: Keying, Node: 'static> Typed for QueueHead<Kg::Key, T, Kg, Node> {
    type Item = T;
    type Keying = Kg;
    type Node = Node;
}
impl<T: 'static, Kg: Keying, Node: 'static> Stream for QueueHead<Kg::Key, T, Kg, Node> {
    fn tail(&self) -> usize {
        self.tail
    }
    fn close<P: Push<Kg::Key, T>>(self, _: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        Ok(Box::new(EdgeSegment::new(Local::new(self.queues), end)))
    }
}

/// Reads an exchange.
pub(crate) struct ExchangeHead<T, Kg, Node> {
    pub(crate) number: usize,
    pub(crate) tail: usize,
    pub(crate) names: PhantomData<fn(T, Kg, Node)>,
}
impl<T: 'static, Kg: Keying, Node: 'static> Typed for ExchangeHead<T, Kg, Node> {
    type Item = T;
    type Keying = Kg;
    type Node = Node;
}
impl<T: Send + 'static, Kg: Keying<Key: Send>, Node: 'static> Stream for ExchangeHead<T, Kg, Node> {
    fn tail(&self) -> usize {
        self.tail
    }
    fn close<P: Push<Kg::Key, T>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        Ok(Box::new(EdgeSegment::new(Remote::new(Links::exchange(env, self.number)?), end)))
    }
}
