//! Names for streams.
use super::taps::{LateOf, Tap, Taps};
use crate::contract::crossing::Crossing;
use crate::contract::form::{Form, Windowing};
use crate::contract::typed::{MetaOf, SpecOf, Typed};
use crate::stream::env::Env;
use crate::stream::{Push, Segment, Stream};
use std::marker::PhantomData;
use std::rc::Rc;

/// The same stream under another name, or another view of what it travels under. It came from an exchange as `C` says.
pub struct Renamed<U, Fm: Form, Node, C> {
    up: U,
    spec: <Fm::Windows as Windowing>::Spec,
    names: PhantomData<fn(Node, C)>,
}
impl<U, Fm: Form, Node, C> Renamed<U, Fm, Node, C> {
    pub(crate) fn new(up: U, spec: <Fm::Windows as Windowing>::Spec) -> Self {
        Renamed { up, spec, names: PhantomData }
    }
}
impl<U, Fm: Form, Node, C> std::fmt::Debug for Renamed<U, Fm, Node, C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Renamed")
    }
}
impl<U: Stream, Fm: Form<Meta = MetaOf<U>>, Node: 'static, C: 'static> Typed for Renamed<U, Fm, Node, C> {
    type Item = U::Item;
    type Form = Fm;
    type Node = Node;
}
impl<U: Stream, Fm: Form<Meta = MetaOf<U>>, Node: 'static, C: Crossing> Stream for Renamed<U, Fm, Node, C> {
    type Crossing = C;
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
impl<U: Taps, Fm: Form<Meta = MetaOf<U>>, Node: 'static, C: Crossing> Taps for Renamed<U, Fm, Node, C> {
    fn tap(&self) -> Rc<Tap<MetaOf<Self>, Self::Item>> {
        self.up.tap()
    }
    fn into_late(self) -> Option<LateOf<Self>> {
        self.up.into_late()
    }
    fn wants_late(&self) -> bool {
        self.up.wants_late()
    }
}
