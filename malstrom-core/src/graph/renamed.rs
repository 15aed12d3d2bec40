//! Names for streams.
use crate::contract::crossing::Apart;
use crate::contract::form::{Form, Windowing};
use crate::contract::typed::{MetaOf, SpecOf, Typed};
use crate::stream::env::Env;
use crate::stream::{Push, Segment, Stream};
use std::marker::PhantomData;

/// The same stream under another name, or another view of what it travels under.
pub struct Renamed<U, Fm: Form, Node> {
    up: U,
    spec: <Fm::Windows as Windowing>::Spec,
    names: PhantomData<fn(Node)>,
}
impl<U, Fm: Form, Node> Renamed<U, Fm, Node> {
    pub(crate) fn new(up: U, spec: <Fm::Windows as Windowing>::Spec) -> Self {
        Renamed { up, spec, names: PhantomData }
    }
}
impl<U, Fm: Form, Node> std::fmt::Debug for Renamed<U, Fm, Node> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Renamed")
    }
}
impl<U: Stream, Fm: Form<Meta = MetaOf<U>>, Node: 'static> Typed for Renamed<U, Fm, Node> {
    type Item = U::Item;
    type Form = Fm;
    type Node = Node;
}
impl<U: Stream, Fm: Form<Meta = MetaOf<U>>, Node: 'static> Stream for Renamed<U, Fm, Node> {
    type Crossing = Apart;
    fn tail(&self) -> usize {
        self.up.tail()
    }
    fn spec(&self) -> SpecOf<Self> {
        self.spec.clone()
    }
    fn close<P: Push<Fm::Meta, U::Item>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        self.up.close(env, end)
    }
}
