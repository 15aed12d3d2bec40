//! Stages with several inputs.
use super::{Edge, pass, passes};
use crate::contract::typed::{KeyingOf, TimeOf, Typed};

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
