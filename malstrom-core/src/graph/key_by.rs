//! `key_by(f)`: the exchange.
use super::build::{By, Graph, Rekeyed};
use super::fuses::{Fuses, LateOf};
use super::head::ExchangeHead;
use super::picture::NodeKind;
use super::segment::EdgeSegment;
use crate::contract::crossing::Fresh;
use crate::contract::form::{Form, Timing, Under};
use crate::contract::key::PartitionKey;
use crate::contract::record::Record;
use crate::contract::typed::{MetaOf, SpecOf, TimeOf, Typed};
use crate::exchange::fabric::Links;
use crate::exchange::inlet::Remote;
use crate::exchange::outlet::{KeyByEnd, Scatter};
use crate::state::key_group::KeyHasher;
use crate::stream::env::Env;
use crate::stream::plain::KeyByPush;
use crate::stream::{Push, Segment, Stream};
use std::marker::PhantomData;

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
    graph.segment(move |env| {
        let out = Scatter::new(Links::exchange::<<Rekeyed<U, K> as Form>::Meta, U::Item>(env, number)?);
        up.close(env, KeyByEnd { f, hasher: KeyHasher::new(env.seed()), out, site: env.site(node) })
    });
    ExchangeHead { number, tail: node, spec, names: PhantomData }
}

/// `key_by(f)` where an aggregate follows that may begin before the exchange.
pub fn key_by_fused<U, K, F>(graph: Graph, id: &'static str, up: By<U, F, K>) -> KeyByHead<U, F, K>
where
    U: Stream<Item: Record>,
    K: PartitionKey,
    F: FnMut(&U::Item) -> K + 'static,
{
    let By { up, f, .. } = up;
    let node = graph.stage(&up, id, NodeKind::Exchange);
    KeyByHead { up, f, node, number: graph.exchange_number(), key: PhantomData }
}
/// A stream that is about to be partitioned.
pub struct KeyByHead<U, F, K> {
    up: U,
    f: F,
    node: usize,
    number: usize,
    key: PhantomData<fn() -> K>,
}
impl<U, F, K> std::fmt::Debug for KeyByHead<U, F, K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyByHead({})", self.number)
    }
}
impl<U: Stream, F: 'static, K: PartitionKey> Typed for KeyByHead<U, F, K> {
    type Item = U::Item;
    type Form = Rekeyed<U, K>;
    type Node = U::Node;
}
/// What its records travel under.
type Travels<U, K> = Under<K, <TimeOf<U> as Timing>::Stamp>;
impl<U, F, K> Stream for KeyByHead<U, F, K>
where
    U: Stream<Item: Record>,
    K: PartitionKey,
    F: FnMut(&U::Item) -> K + 'static,
{
    type Crossing = Fresh;
    fn tail(&self) -> usize {
        self.node
    }
    fn spec(&self) -> SpecOf<Self> {
        self.up.spec()
    }
    /// Nothing begins before the exchange after all.
    fn close<P: Push<MetaOf<Self>, U::Item>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        let exchange = Links::exchange::<Travels<U, K>, U::Item>(env, self.number)?;
        let (hasher, out) = (KeyHasher::new(env.seed()), Scatter::new(exchange.clone()));
        env.add_upstream(self.up.close(env, KeyByEnd { f: self.f, hasher, out, site: env.site(self.node) })?);
        Ok(Box::new(EdgeSegment::new(Remote::new(exchange), end)))
    }
}
impl<U, F, K> Fuses for KeyByHead<U, F, K>
where
    U: Stream<Item: Record>,
    K: PartitionKey,
    F: FnMut(&U::Item) -> K + 'static,
{
    fn wants_late(&self) -> bool {
        false
    }
    fn end_in<P: Push<MetaOf<Self>, U::Item>>(
        self,
        graph: &Graph,
        end: impl FnOnce(&Env) -> crate::Result<P> + 'static,
    ) -> Option<LateOf<Self>> {
        let KeyByHead { up, f, node, key, .. } = self;
        graph.segment(move |env| {
            let (hasher, site) = (KeyHasher::new(env.seed()), env.site(node));
            up.close(env, KeyByPush { f, hasher, down: end(env)?, site, key })
        });
        None
    }
}
