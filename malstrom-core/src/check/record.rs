//! The record type of an edge.
use super::{Edge, asks, pass, passes};
use crate::contract::stage::{Stage, TwoInput};
use crate::contract::typed::Typed;

/// The record type of a stage's input.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` expects `{Expected}`, but stage `{Up}` produces `{Self}`",
    label = "expects `{Expected}`, but is fed `{Self}`"
)]
pub trait FlowsInto<Op, Expected, Up> {
    pass!(Op, Expected, Up);
}
#[diagnostic::do_not_recommend]
impl<T, Op, Up> FlowsInto<Op, T, Up> for T {
    passes!(Op, T, Up);
}

/// Names a stream's type through `Op: Stage`, so that an unmet bound of `Op` ends there too.
pub trait Applies {
    /// The stream as it was.
    type To<Through>;
}
impl<Op: Stage> Applies for Op {
    type To<Through> = Through;
}

/// The edge into a stage.
pub fn record<U: Typed, Op: Stage>(_: &Op, up: U) -> Edge<(U::Item, Op, Op::In, U::Node), <Op as Applies>::To<U>> {
    Edge::new(up)
}

asks! {
    /// The bounds of a generic operator hold. That one does not, rustc says itself; here the matter ends.
    #[diagnostic::on_unimplemented(
        message = "a bound of operator `{Self}` is not met",
        label = "not for these types",
        note = "its signature says what it asks of its type parameters"
    )]
    BoundsHold<>: Stage
}
/// An operator whose bounds may not hold.
pub fn bounds<U, Op>(op: Op, up: U) -> Edge<(Op,), (Op, U)> {
    Edge::new((op, up))
}

/// The edge into the second input of an operator.
pub fn record_right<U: Typed, Op: TwoInput>(
    _: &Op,
    up: U,
) -> Edge<(U::Item, Op, Op::Right, U::Node), <Op as Applies>::To<U>> {
    Edge::new(up)
}
