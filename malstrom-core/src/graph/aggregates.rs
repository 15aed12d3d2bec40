//! The running aggregates as stages.
use super::build::{By, Graph};
use super::combine::{Collects, Flat, Gathered};
use super::names;
use super::picture::NodeKind;
use super::windows::{FoldsIn, Gathers};
use crate::contract::code::Code;
use crate::contract::form::{Formed, Timing, Under};
use crate::contract::key::PartitionKey;
use crate::contract::keying::KeyedBy;
use crate::contract::number::Number;
use crate::contract::typed::Typed;
use crate::stream::aggregate::{Average, Count, Distinct, Extreme, Fold, FoldCodes, Reduce, Sum, Top};
use crate::stream::{Stream, stream_of};
use std::cmp::Ordering;

fn aggregate<U, K, Tm, Wn, A, Node: 'static>(
    graph: Graph,
    id: &'static str,
    (up, name): (U, &'static str),
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
    graph.keeps(node, Some(Wn::kept(name, &aggregate)));
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
            aggregate::<U, K, Tm, Wn, $kind, names::$name>(graph, id, ($stream, stringify!($name)), $make)
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

/// A stream and what `fold` makes of its records, until it is known how that is written.
pub struct Folding<U, A, F> {
    up: U,
    init: A,
    f: F,
}
impl<U, A, F> std::fmt::Debug for Folding<U, A, F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Folding")
    }
}
/// `fold(init, f)`, before it is known how what it comes to is written.
pub fn folding<U: Stream, A, F: FnMut(A, U::Item) -> A + 'static>(up: U, init: A, f: F) -> Folding<U, A, F> {
    Folding { up, init, f }
}
/// What `fold` comes to, and its records, to find out how they are written.
pub fn folded<U: Typed, A, F>(_: &Folding<U, A, F>) -> (Option<A>, Option<U::Item>) {
    (None, None)
}

// Behind the arguments that a pipeline gives stands how records are written, if it is known.
aggregates! {
    /// `count()`
    count<>(up: U) -> Count where [] => (up, Count)
    /// `sum(f)`
    sum<F, V>(by: By<U, F, V>) -> Sum<F, V> where [F: 'static] => (by.up, Sum(by.f, by.code))
    /// `min(f)`
    min<F, V>(by: By<U, F, V>) -> Extreme<F, Better<V>, V> where [V: PartialOrd, F: 'static]
        => (by.up, Extreme(by.f, less as Better<V>, by.code))
    /// `max(f)`
    max<F, V>(by: By<U, F, V>) -> Extreme<F, Better<V>, V> where [V: PartialOrd, F: 'static]
        => (by.up, Extreme(by.f, greater as Better<V>, by.code))
    /// `average(f)`
    average<F, V>(by: By<U, F, V>) -> Average<F> where [V: Number, F: 'static] => (by.up, Average(by.f))
    /// `reduce(f)`
    reduce<F>(up: U, f: F, code: Option<Code<U::Item>>) -> Reduce<F, U::Item>
        where [F: FnMut(U::Item, U::Item) -> U::Item + 'static] => (up, Reduce(f, code))
    /// `fold(init, f)`
    fold<A, F>(fold: Folding<U, A, F>, codes: FoldCodes<A, U::Item>) -> Fold<A, F, U::Item>
        where [A: Clone + 'static, F: FnMut(A, U::Item) -> A + 'static, Wn: FoldsIn<U::Item>,]
        => (fold.up, Fold(fold.init, fold.f, Wn::copier(), codes))
    /// `top(n, f)`
    top<F, V>(by: By<U, F, V>, n: usize, code: Option<Code<U::Item>>) -> Top<F, U::Item>
        where [V: PartialOrd, F: 'static] => (by.up, Top::new(n, by.f, code))
    /// `distinct()`
    distinct<>(up: U, code: Option<Code<U::Item>>) -> Distinct<U::Item> where [] => (up, Distinct::new(code))
}
