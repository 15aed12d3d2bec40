//! The running aggregates as stages.
use super::build::{By, Graph};
use super::combine::{Collects, Flat, Gathered};
use super::names;
use super::picture::NodeKind;
use super::windows::{FoldsIn, Gathers};
use crate::contract::form::{Formed, Timing, Under};
use crate::contract::key::PartitionKey;
use crate::contract::keying::KeyedBy;
use crate::contract::number::Number;
use crate::contract::typed::Typed;
use crate::stream::aggregate::{Average, Count, Distinct, Extreme, Fold, Reduce, Sum, Top};
use crate::stream::{Stream, stream_of};
use std::cmp::Ordering;

fn aggregate<U, K, Tm, Wn, A, Node: 'static>(
    graph: Graph,
    id: &'static str,
    up: U,
    aggregate: A,
) -> stream_of!(Gathered<Wn, K, Tm, U::Item, A>, Flat<K, Tm>, Node)
where
    U: Stream + Typed<Form = Formed<KeyedBy<K>, Tm, Wn>>,
    K: PartitionKey,
    Tm: Timing,
    Wn: Gathers<Under<K, Tm::Stamp>, U::Item, A>,
    U::Crossing: Collects<U, K, Tm, Wn, A>,
{
    let node = graph.stage(&up, id, NodeKind::Stateful);
    U::Crossing::collect(graph, up, node, aggregate)
}

/// An aggregate: its parameters beside the stream, and how they become an [`Aggregate`](crate::stream::aggregate::Aggregate).
macro_rules! aggregates {
    ($($(#[$doc:meta])* $name:ident<$($p:ident),*>($up:ident: $in:ty $(, $arg:ident: $arg_ty:ty)*)
        -> $kind:ty where [$($bound:tt)*] => ($stream:expr, $make:expr))*) => { $(
        $(#[$doc])*
        pub fn $name<U, K, Tm, Wn $(, $p)*>(
            graph: Graph,
            id: &'static str,
            $up: $in
            $(, $arg: $arg_ty)*
        ) -> stream_of!(Gathered<Wn, K, Tm, U::Item, $kind>, Flat<K, Tm>, names::$name)
        where
            U: Stream + Typed<Form = Formed<KeyedBy<K>, Tm, Wn>>,
            K: PartitionKey,
            Tm: Timing,
            Wn: Gathers<Under<K, Tm::Stamp>, U::Item, $kind>,
            U::Crossing: Collects<U, K, Tm, Wn, $kind>,
            $($bound)*
        {
            aggregate::<U, K, Tm, Wn, $kind, names::$name>(graph, id, $stream, $make)
        }
    )* };
}
/// How `min` and `max` compare.
pub type Better<V> = fn(&V, &V) -> bool;
/// Whether `new` takes the place of `kept`: it does where what is kept compares with nothing, as a NaN does.
fn replaces<V: PartialOrd>(new: &V, kept: &V, wins: Ordering) -> bool {
    new.partial_cmp(kept) == Some(wins) || kept.partial_cmp(kept).is_none()
}
fn less<V: PartialOrd>(new: &V, kept: &V) -> bool {
    replaces(new, kept, Ordering::Less)
}
fn greater<V: PartialOrd>(new: &V, kept: &V) -> bool {
    replaces(new, kept, Ordering::Greater)
}

aggregates! {
    /// `count()`
    count<>(up: U) -> Count where [] => (up, Count)
    /// `sum(f)`
    sum<F, V>(by: By<U, F, V>) -> Sum<F> where [F: 'static] => (by.up, Sum(by.f))
    /// `min(f)`
    min<F, V>(by: By<U, F, V>) -> Extreme<F, Better<V>> where [V: PartialOrd, F: 'static]
        => (by.up, Extreme(by.f, less as Better<V>))
    /// `max(f)`
    max<F, V>(by: By<U, F, V>) -> Extreme<F, Better<V>> where [V: PartialOrd, F: 'static]
        => (by.up, Extreme(by.f, greater as Better<V>))
    /// `average(f)`
    average<F, V>(by: By<U, F, V>) -> Average<F> where [V: Number, F: 'static] => (by.up, Average(by.f))
    /// `reduce(f)`
    reduce<F>(up: U, f: F) -> Reduce<F> where [F: FnMut(U::Item, U::Item) -> U::Item + 'static] => (up, Reduce(f))
    /// `fold(init, f)`
    fold<A, F>(up: U, init: A, f: F) -> Fold<A, F, U::Item>
        where [A: Clone + 'static, F: FnMut(A, U::Item) -> A + 'static, Wn: FoldsIn<U::Item>,]
        => (up, Fold(init, f, Wn::copier()))
    /// `top(n, f)`
    top<F, V>(by: By<U, F, V>, n: usize) -> Top<F> where [V: PartialOrd, F: 'static] => (by.up, Top::new(n, by.f))
    /// `distinct()`
    distinct<>(up: U) -> Distinct where [] => (up, Distinct::default())
}
