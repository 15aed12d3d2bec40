//! Streams with several consumers.
use super::{Edge, asks_copies};
use crate::contract::typed::Typed;
use std::marker::PhantomData;

/// Stands for the copies that a stage makes of its records.
#[derive(Debug)]
pub struct Copies;
asks_copies! {
    /// A stream with two consumers is copied.
    #[diagnostic::on_unimplemented(
        message = "stream `{Node}` has two consumers, so its records are copied, but `{T}` is not `Clone`",
        label = "this second consumer needs a copy of each `{T}`",
        note = "derive `Clone` for `{T}`, or share it: `-> map(std::sync::Arc::new)`"
    )]
    Shareable<T, Node>: Clone
}
/// A stream that is read twice.
pub fn copied<U: Typed>(up: U) -> Edge<(Copies, U::Item, U::Node), U> {
    Edge::new(up)
}

/// A type as a value.
pub type Named<T> = PhantomData<fn() -> T>;
