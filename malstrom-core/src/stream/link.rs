//! A stage behind a stream is a stream.
use super::env::Env;
use super::{Push, Segment, Stream, stream_of};
use crate::contract::keying::Keying;
use crate::contract::typed::{KeyOf, Typed};
use std::marker::PhantomData;

/// Turns the consumer behind a stage into one before it.
pub trait Wrap<K0, T0, K1, T1>: 'static {
    /// Puts the stage before `down`.
    fn wrap<P: Push<K1, T1>>(self, env: &Env, down: P) -> impl Push<K0, T0>;
}

struct Link<U, W, Item, Kg, Node> {
    up: U,
    wrap: W,
    tail: usize,
    names: PhantomData<fn(Item, Kg, Node)>,
}
impl<U: Stream, W: 'static, Item: 'static, Kg: Keying, Node: 'static> Typed for Link<U, W, Item, Kg, Node> {
    type Item = Item;
    type Keying = Kg;
    type Node = Node;
}
impl<U, W, Item, Kg, Node> Stream for Link<U, W, Item, Kg, Node>
where
    U: Stream,
    W: Wrap<KeyOf<U>, U::Item, Kg::Key, Item>,
    Item: 'static,
    Kg: Keying,
    Node: 'static,
{
    fn tail(&self) -> usize {
        self.tail
    }
    fn close<P: Push<Kg::Key, Item>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        self.up.close(env, self.wrap.wrap(env, end))
    }
}

/// Appends a stage, which is number `tail` in the plan.
pub(crate) fn link<U, W, Item, Kg, Node>(up: U, tail: usize, wrap: W) -> stream_of!(Item, Kg, Node)
where
    U: Stream,
    W: Wrap<KeyOf<U>, U::Item, Kg::Key, Item>,
    Item: 'static,
    Kg: Keying,
    Node: 'static,
{
    Link { up, wrap, tail, names: PhantomData::<fn(Item, Kg, Node)> }
}

/// The same stream under another name, or another view of the same key.
pub(crate) fn renamed<U, Kg, Node>(up: U) -> stream_of!(U::Item, Kg, Node)
where
    U: Stream,
    Kg: Keying<Key = KeyOf<U>>,
    Node: 'static,
{
    Renamed(up, PhantomData::<fn(Kg, Node)>)
}
struct Renamed<U, Kg, Node>(U, PhantomData<fn(Kg, Node)>);
impl<U: Stream, Kg: Keying<Key = KeyOf<U>>, Node: 'static> Typed for Renamed<U, Kg, Node> {
    type Item = U::Item;
    type Keying = Kg;
    type Node = Node;
}
impl<U: Stream, Kg: Keying<Key = KeyOf<U>>, Node: 'static> Stream for Renamed<U, Kg, Node> {
    fn tail(&self) -> usize {
        self.0.tail()
    }
    fn close<P: Push<Kg::Key, U::Item>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        self.0.close(env, end)
    }
}
