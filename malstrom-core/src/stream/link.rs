//! A stage behind a stream is a stream.
use super::env::Env;
use super::{Push, Segment, Stream, stream_of};
use crate::contract::crossing::Apart;
use crate::contract::form::{Form, Meta, Windowing};
use crate::contract::typed::{MetaOf, SpecOf, Typed, WindowsOf};
use std::marker::PhantomData;

/// Turns the consumer behind a stage into one before it.
pub trait Wrap<M0: Meta, T0, M1: Meta, T1>: 'static {
    /// Puts the stage before `down`.
    fn wrap<P: Push<M1, T1>>(self, env: &Env, down: P) -> impl Push<M0, T0>;
}

struct Link<U, W, Item, Fm: Form, Node> {
    up: U,
    wrap: W,
    tail: usize,
    spec: <Fm::Windows as Windowing>::Spec,
    names: PhantomData<fn(Item, Node)>,
}
impl<U: Stream, W: 'static, Item: 'static, Fm: Form, Node: 'static> Typed for Link<U, W, Item, Fm, Node> {
    type Item = Item;
    type Form = Fm;
    type Node = Node;
}
impl<U, W, Item, Fm, Node> Stream for Link<U, W, Item, Fm, Node>
where
    U: Stream,
    W: Wrap<MetaOf<U>, U::Item, Fm::Meta, Item>,
    Item: 'static,
    Fm: Form,
    Node: 'static,
{
    type Crossing = Apart;
    fn tail(&self) -> usize {
        self.tail
    }
    fn spec(&self) -> SpecOf<Self> {
        self.spec.clone()
    }
    fn close<P: Push<Fm::Meta, Item>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        self.up.close(env, self.wrap.wrap(env, end))
    }
}

/// Appends a stage, which is number `tail` in the plan. The stream has the same windows behind it.
pub(crate) fn link<U, W, Item, Fm, Node>(up: U, tail: usize, wrap: W) -> stream_of!(Item, Fm, Node)
where
    U: Stream,
    W: Wrap<MetaOf<U>, U::Item, Fm::Meta, Item>,
    Item: 'static,
    Fm: Form<Windows = WindowsOf<U>>,
    Node: 'static,
{
    let spec = up.spec();
    link_to(up, tail, spec, wrap)
}

/// Appends a stage behind which the stream has the windows of `spec`.
pub(crate) fn link_to<U, W, Item, Fm, Node>(
    up: U,
    tail: usize,
    spec: <Fm::Windows as Windowing>::Spec,
    wrap: W,
) -> stream_of!(Item, Fm, Node)
where
    U: Stream,
    W: Wrap<MetaOf<U>, U::Item, Fm::Meta, Item>,
    Item: 'static,
    Fm: Form,
    Node: 'static,
{
    Link::<_, _, _, Fm, _> { up, wrap, tail, spec, names: PhantomData::<fn(Item, Node)> }
}
