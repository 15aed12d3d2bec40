//! How many inputs and outputs a use of an operator gives it.
use super::{Edge, asks, pass, passes};
use crate::contract::stage::{Plain, Stage, TwoInput};
use crate::contract::typed::{KeyingOf, TimeOf, Typed};

/// An ordinary use serves operators with one input and one output.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` has more than one input or output, and this use leaves one open",
    label = "leaves an input or an output open",
    note = "side outputs are bound by `let (main, side) = .. -> {Op};`, a second input is given by `(left, right) -> {Op}`"
)]
pub trait ClosedUse<Op> {
    pass!(Op);
}
#[diagnostic::do_not_recommend]
impl<Op> ClosedUse<Op> for Plain {
    passes!(Op);
}
/// The ends of a stage in an ordinary use.
pub fn ends<U, Op: Stage>(op: Op, up: U) -> Edge<(Op::Ends, Op), (Op, U)> {
    Edge::new((op, up))
}

asks! {
    /// `(left, right) -> op` needs an operator with `on_right`.
    #[diagnostic::on_unimplemented(
        message = "operator `{Self}` takes one input, but is given two",
        label = "takes one input",
        note = "name the function for the second one: `#[operator(on_right = ..)]`"
    )]
    TakesTwo<>: TwoInput
}
/// An operator with the two inputs that it is given.
pub fn takes_two<Op, L, R>(use_of: (Op, L, R)) -> Edge<(Op,), (Op, L, R)> {
    Edge::new(use_of)
}

/// Both inputs of an operator travel under the same key.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` takes inputs that are keyed alike, but stage `{Left}` is `{Expected}` and stage `{Right}` is `{Self}`",
    label = "its inputs are keyed differently"
)]
pub trait KeyedAlike<Expected, Op, Left, Right> {
    pass!(Expected, Op, Left, Right);
}
#[diagnostic::do_not_recommend]
impl<Kg, Op, Left, Right> KeyedAlike<Kg, Op, Left, Right> for Kg {
    passes!(Kg, Op, Left, Right);
}
/// The keying of the second input of `Op`.
pub fn alike<Op, L: Typed, R: Typed>(
    _: &Op,
    _: &L,
    right: R,
) -> Edge<(KeyingOf<R>, KeyingOf<L>, Op, L::Node, R::Node), R> {
    Edge::new(right)
}

/// Both inputs of an operator have times of the same type.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` takes inputs with the same type of time, but stage `{Left}` has `{Expected}` and stage `{Right}` has `{Self}`",
    label = "its inputs differ in time"
)]
pub trait TimedAlike<Expected, Op, Left, Right> {
    pass!(Expected, Op, Left, Right);
}
#[diagnostic::do_not_recommend]
impl<Tm, Op, Left, Right> TimedAlike<Tm, Op, Left, Right> for Tm {
    passes!(Tm, Op, Left, Right);
}
/// The time of the second input of `Op`.
pub fn timed_alike<Op, L: Typed, R: Typed>(
    _: &Op,
    _: &L,
    right: R,
) -> Edge<(TimeOf<R>, TimeOf<L>, Op, L::Node, R::Node), R> {
    Edge::new(right)
}

/// A tuple has a name for each output of an operator.
#[diagnostic::on_unimplemented(
    message = "this tuple names {Named} streams, but operator `{Op}` has {Self}",
    label = "has {Self}",
    note = "the first is the main stream; the others are its `Output<'_, _>` parameters in their order"
)]
pub trait NamesOutputs<Op, Named> {
    pass!(Op, Named);
}
#[diagnostic::do_not_recommend]
impl<Op, N> NamesOutputs<Op, N> for N {
    passes!(Op, N);
}
/// The outputs of a stage, in words: [`names`](crate::graph::names).
pub fn outputs<U, Op: Stage, Named>(op: Op, _: Named, up: U) -> Edge<(Op::Outputs, Op, Named), (Op, U)> {
    Edge::new((op, up))
}
