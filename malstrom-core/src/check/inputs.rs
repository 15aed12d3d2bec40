//! Stages with several inputs.
use super::{Edge, asks, pass, passes};
use crate::contract::typed::{KeyOf, KeyingOf, TimeOf, Typed};
use crate::contract::windows::{Global, Sliding, Tumbling};

/// A union carries one type of record.
#[diagnostic::on_unimplemented(
    message = "cannot unite `{Left}` with `{Right}`: one carries `{Expected}`, the other `{Self}`",
    label = "carries `{Self}`"
)]
pub trait Unites<Expected, Left, Right> {
    pass!(Expected, Left, Right);
}
#[diagnostic::do_not_recommend]
impl<T, Left, Right> Unites<T, Left, Right> for T {
    passes!(T, Left, Right);
}
/// A further input of a union whose first input is `first`.
pub fn united<A: Typed, B: Typed>(_: &A, up: B) -> Edge<(B::Item, A::Item, A::Node, B::Node), B> {
    Edge::new(up)
}

/// A union is keyed in one way.
#[diagnostic::on_unimplemented(
    message = "cannot unite `{Left}` with `{Right}`: one is `{Expected}`, the other `{Self}`",
    label = "is `{Self}`"
)]
pub trait UnitesKeyed<Expected, Left, Right> {
    pass!(Expected, Left, Right);
}
#[diagnostic::do_not_recommend]
impl<Kg, Left, Right> UnitesKeyed<Kg, Left, Right> for Kg {
    passes!(Kg, Left, Right);
}
/// The keying of a further input of a union.
pub fn united_keyed<A: Typed, B: Typed>(_: &A, up: B) -> Edge<(KeyingOf<B>, KeyingOf<A>, A::Node, B::Node), B> {
    Edge::new(up)
}

/// A union has one type of time.
#[diagnostic::on_unimplemented(
    message = "cannot unite `{Left}` with `{Right}`: one has times of `{Expected}`, the other `{Self}`",
    label = "has times of `{Self}`",
    note = "take the times of both alike: `.. -> timestamps(|record| ..)`"
)]
pub trait UnitesTimed<Expected, Left, Right> {
    pass!(Expected, Left, Right);
}
#[diagnostic::do_not_recommend]
impl<Tm, Left, Right> UnitesTimed<Tm, Left, Right> for Tm {
    passes!(Tm, Left, Right);
}
/// The times of a further input of a union.
pub fn united_timed<A: Typed, B: Typed>(_: &A, up: B) -> Edge<(TimeOf<B>, TimeOf<A>, A::Node, B::Node), B> {
    Edge::new(up)
}

/// A join pairs records of the same key.
#[diagnostic::on_unimplemented(
    message = "cannot join `{Left}` with `{Right}`: one is keyed by `{Expected}`, the other by `{Self}`",
    label = "is keyed by `{Self}`",
    note = "key both by the same type: `.. -> key_by(|record| ..)`"
)]
pub trait JoinsKeys<Expected, Left, Right> {
    pass!(Expected, Left, Right);
}
#[diagnostic::do_not_recommend]
impl<K, Left, Right> JoinsKeys<K, Left, Right> for K {
    passes!(K, Left, Right);
}
/// The key of the second input of a join.
pub fn joined_keys<A: Typed, B: Typed>(_: &A, up: B) -> Edge<(KeyOf<B>, KeyOf<A>, A::Node, B::Node), B> {
    Edge::new(up)
}

/// A join compares times of one type.
#[diagnostic::on_unimplemented(
    message = "cannot join `{Left}` with `{Right}`: one has times of `{Expected}`, the other `{Self}`",
    label = "has times of `{Self}`",
    note = "take the times of both alike: `.. -> timestamps(|record| ..)`"
)]
pub trait JoinsTimes<Expected, Left, Right> {
    pass!(Expected, Left, Right);
}
#[diagnostic::do_not_recommend]
impl<Tm, Left, Right> JoinsTimes<Tm, Left, Right> for Tm {
    passes!(Tm, Left, Right);
}
/// The times of the second input of a join.
pub fn joined_times<A: Typed, B: Typed>(_: &A, up: B) -> Edge<(TimeOf<B>, TimeOf<A>, A::Node, B::Node), B> {
    Edge::new(up)
}

asks! {
    /// A join keeps records and pairs each with any number of others.
    #[diagnostic::on_unimplemented(
        message = "`join` pairs each record with any number of others, but `{Self}` is not `Clone`",
        label = "needs copies of each `{Self}`",
        note = "derive `Clone` for `{Self}`, or share it: `-> map(std::sync::Arc::new)`"
    )]
    Pairs<>: Clone
}
/// The records of an input of a join.
pub fn paired<U: Typed>(up: U) -> Edge<(U::Item,), U> {
    Edge::new(up)
}

/// Windows of a join lie at regular distances.
#[diagnostic::on_unimplemented(
    message = "`join` cannot pair within `{Self}`",
    label = "not windows that a join can pair within",
    note = "write `window = tumbling(..)`, `sliding(..)` or `global()`"
)]
pub trait PairsWithin {
    pass!();
}
#[diagnostic::do_not_recommend]
impl<D> PairsWithin for Tumbling<D> {
    passes!();
}
#[diagnostic::do_not_recommend]
impl<D> PairsWithin for Sliding<D> {
    passes!();
}
#[diagnostic::do_not_recommend]
impl PairsWithin for Global {
    passes!();
}
/// The windows of a join.
pub fn pairs_within<W>(windows: W) -> Edge<(W,), W> {
    Edge::new(windows)
}
