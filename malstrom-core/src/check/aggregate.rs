//! What aggregates ask of records and values.
use super::share::Copies;
use super::{Edge, asks, asks_copies};
use crate::contract::number::Number;
use crate::contract::typed::Typed;
use std::hash::Hash;
use std::ops::AddAssign;

asks! {
    /// What `sum` adds up.
    #[diagnostic::on_unimplemented(
        message = "`sum` cannot add up `{Self}`",
        label = "a value of type `{Self}`",
        note = "values that are added up are `Default` (zero), `Clone`, `AddAssign`, and `Send`: they can be sent to another worker; for anything else, use `fold`"
    )]
    Adds<>: Default + Clone + AddAssign + Send
}
asks! {
    /// What `min` and `max` compare.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be compared",
        label = "a value of type `{Self}`",
        note = "values that are compared are `PartialOrd`, `Clone`, and `Send`: they can be sent to another worker"
    )]
    Compares<>: PartialOrd + Clone + Send
}
asks! {
    /// What `top` compares, which stays where it is.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be compared",
        label = "a value of type `{Self}`",
        note = "values that are compared are `PartialOrd` and `Clone`"
    )]
    Ranks<>: PartialOrd + Clone
}
asks! {
    /// What `average` takes.
    #[diagnostic::on_unimplemented(
        message = "`average` takes numbers, and `{Self}` is none",
        label = "a value of type `{Self}`"
    )]
    Averages<>: Number
}
asks_copies! {
    /// What `reduce` and `top` keep.
    #[diagnostic::on_unimplemented(
        message = "`{T}` is kept and emitted again, but it is not `Clone`",
        label = "needs copies of `{T}`",
        note = "derive `Clone` for `{T}`"
    )]
    Keeps<T>: Clone
}
asks_copies! {
    /// What `distinct` tells apart.
    #[diagnostic::on_unimplemented(
        message = "`distinct` cannot tell one `{T}` from another",
        label = "compares `{T}`",
        note = "derive `PartialEq, Eq, Hash, Clone` for `{T}`"
    )]
    TellsApart<T>: Eq + Hash + Clone
}

/// The value that an aggregate's closure returns.
pub fn value<V, U>(_: &Option<V>, up: U) -> Edge<(V,), U> {
    Edge::new(up)
}
/// What `fold` begins with, which goes through the check together with its input.
pub fn initial<A, U>(initial: A, up: U) -> Edge<(Copies, A), (A, U)> {
    Edge::new((initial, up))
}
/// The records of an aggregate.
pub fn item<U: Typed>(up: U) -> Edge<(Copies, U::Item), U> {
    Edge::new(up)
}
