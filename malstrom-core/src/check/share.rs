//! Streams with several consumers.
use super::{Edge, Holds, Impossible, Otherwise, pass, passes};
use crate::contract::typed::Typed;
use std::marker::PhantomData;

/// Stands for the copies that a shared stream makes of `T`. It knows how to clone without asking `T: Clone` of those
/// who pass it on.
pub struct Copies;
/// A stream with two consumers is copied.
#[diagnostic::on_unimplemented(
    message = "stream `{Node}` has two consumers, so its records are copied, but `{T}` is not `Clone`",
    label = "this second consumer needs a copy of each `{T}`",
    note = "derive `Clone` for `{T}`, or share it: `-> map(std::sync::Arc::new)`"
)]
pub trait Shareable<T, Node, Via> {
    pass!(T, Node);
}
#[diagnostic::do_not_recommend]
impl<T: Clone, Node> Shareable<T, Node, Holds> for Copies {
    passes!(T, Node);
}
#[diagnostic::do_not_recommend]
impl<T: Impossible, Node> Shareable<T, Node, Otherwise> for Copies {
    passes!(T, Node);
}
/// A stream that is read twice.
pub fn copied<U: Typed>(up: U) -> Edge<(Copies, U::Item, U::Node), U> {
    Edge::new(up)
}
impl std::fmt::Debug for Copies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Copies")
    }
}

/// A type as a value.
pub type Named<T> = PhantomData<fn() -> T>;
