//! The running aggregates as stages.
use super::build::{By, Graph};
use super::names;
use super::picture::NodeKind;
use crate::contract::form::Keyed;
use crate::contract::key::PartitionKey;
use crate::contract::number::Number;
use crate::contract::typed::Typed;
use crate::stream::aggregate::{Aggregate, AggregateStage, Average, Count, Distinct, Extreme, Fold, Reduce, Sum, Top};
use crate::stream::link::link;
use crate::stream::{Stream, stream_of};
use std::hash::Hash;
use std::ops::AddAssign;

fn aggregate<U, K, A, Node: 'static>(
    graph: Graph,
    id: &'static str,
    up: U,
    aggregate: A,
) -> stream_of!(A::Out, U::Form, Node)
where
    U: Stream + Typed<Form: Keyed<K>>,
    K: PartitionKey,
    A: Aggregate<K, U::Item>,
{
    let node = graph.stage(&up, id, NodeKind::Stateful);
    link(up, node, AggregateStage { aggregate, node })
}
/// `count()`
pub fn count<U, K: PartitionKey>(graph: Graph, id: &'static str, up: U) -> stream_of!((K, u64), U::Form, names::count)
where
    U: Stream + Typed<Form: Keyed<K>>,
{
    aggregate::<U, K, _, names::count>(graph, id, up, Count)
}
/// `sum(f)`
pub fn sum<U, K, V, F>(
    graph: Graph,
    id: &'static str,
    By { up, f, .. }: By<U, F, V>,
) -> stream_of!((K, V), U::Form, names::sum)
where
    F: FnMut(&U::Item) -> V + 'static,
    U: Stream + Typed<Form: Keyed<K>>,
    K: PartitionKey,
    V: Default + Clone + AddAssign + 'static,
{
    aggregate::<U, K, _, names::sum>(graph, id, up, Sum(f))
}
/// Whether `new` takes the place of `kept`: it does where what is kept compares with nothing, as a NaN does.
fn replaces<V: PartialOrd>(new: &V, kept: &V, wins: std::cmp::Ordering) -> bool {
    new.partial_cmp(kept) == Some(wins) || kept.partial_cmp(kept).is_none()
}
/// `min(f)`
pub fn min<U, K, V, F>(
    graph: Graph,
    id: &'static str,
    By { up, f, .. }: By<U, F, V>,
) -> stream_of!((K, V), U::Form, names::min)
where
    F: FnMut(&U::Item) -> V + 'static,
    U: Stream + Typed<Form: Keyed<K>>,
    K: PartitionKey,
    V: PartialOrd + Clone + 'static,
{
    let better = |new: &V, kept: &V| replaces(new, kept, std::cmp::Ordering::Less);
    aggregate::<U, K, _, names::min>(graph, id, up, Extreme(f, better))
}
/// `max(f)`
pub fn max<U, K, V, F>(
    graph: Graph,
    id: &'static str,
    By { up, f, .. }: By<U, F, V>,
) -> stream_of!((K, V), U::Form, names::max)
where
    F: FnMut(&U::Item) -> V + 'static,
    U: Stream + Typed<Form: Keyed<K>>,
    K: PartitionKey,
    V: PartialOrd + Clone + 'static,
{
    let better = |new: &V, kept: &V| replaces(new, kept, std::cmp::Ordering::Greater);
    aggregate::<U, K, _, names::max>(graph, id, up, Extreme(f, better))
}
/// `average(f)`
pub fn average<U, K, V, F>(
    graph: Graph,
    id: &'static str,
    By { up, f, .. }: By<U, F, V>,
) -> stream_of!((K, f64), U::Form, names::average)
where
    F: FnMut(&U::Item) -> V + 'static,
    U: Stream + Typed<Form: Keyed<K>>,
    K: PartitionKey,
    V: Number,
{
    aggregate::<U, K, _, names::average>(graph, id, up, Average(f))
}
/// `reduce(f)`
pub fn reduce<U, K>(
    graph: Graph,
    id: &'static str,
    up: U,
    f: impl FnMut(U::Item, U::Item) -> U::Item + 'static,
) -> stream_of!((K, U::Item), U::Form, names::reduce)
where
    U: Stream + Typed<Form: Keyed<K>, Item: Clone>,
    K: PartitionKey,
{
    aggregate::<U, K, _, names::reduce>(graph, id, up, Reduce(f))
}
/// `fold(init, f)`
pub fn fold<U, K, A>(
    graph: Graph,
    id: &'static str,
    up: U,
    init: A,
    f: impl FnMut(A, U::Item) -> A + 'static,
) -> stream_of!((K, A), U::Form, names::fold)
where
    U: Stream + Typed<Form: Keyed<K>>,
    K: PartitionKey,
    A: Clone + 'static,
{
    aggregate::<U, K, _, names::fold>(graph, id, up, Fold(init, f))
}
/// `top(n, f)`
pub fn top<U, K, V, F>(
    graph: Graph,
    id: &'static str,
    By { up, f, .. }: By<U, F, V>,
    n: usize,
) -> stream_of!((K, Vec<U::Item>), U::Form, names::top)
where
    F: FnMut(&U::Item) -> V + 'static,
    U: Stream + Typed<Form: Keyed<K>, Item: Clone>,
    K: PartitionKey,
    V: PartialOrd,
{
    aggregate::<U, K, _, names::top>(graph, id, up, Top(n, f))
}
/// `distinct()`
pub fn distinct<U, K>(graph: Graph, id: &'static str, up: U) -> stream_of!(U::Item, U::Form, names::distinct)
where
    U: Stream + Typed<Form: Keyed<K>, Item: Eq + Hash + Clone>,
    K: PartitionKey,
{
    aggregate::<U, K, _, names::distinct>(graph, id, up, Distinct)
}
