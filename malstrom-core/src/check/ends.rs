//! How many inputs and outputs a use of an operator gives it.
use super::{Edge, pass, passes};
use crate::contract::stage::{Plain, Stage, TwoInput};

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
pub fn ends<U, Op: Stage>(_: &Op, up: U) -> Edge<(Op::Ends, Op), U> {
    Edge::new(up)
}

/// `(left, right) -> op` needs an operator with `on_right`.
#[diagnostic::on_unimplemented(
    message = "operator `{Self}` takes one input, but is given two",
    label = "takes one input",
    note = "name the function for the second one: `#[operator(on_right = ..)]`"
)]
pub trait TakesTwo {
    pass!();
}
#[diagnostic::do_not_recommend]
impl<Op: TwoInput> TakesTwo for Op {
    passes!();
}
/// An operator with the two inputs that it is given.
pub fn takes_two<Op, L, R>(use_of: (Op, L, R)) -> Edge<(Op,), (Op, L, R)> {
    Edge::new(use_of)
}

/// The functions of one operator emit the same items.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` emits `{Expected}`, but its `on_right` function `{Arm}` emits `{Self}`",
    label = "emits `{Self}`"
)]
pub trait ArmEmits<Op, Expected, Arm> {
    pass!(Op, Expected, Arm);
}
#[diagnostic::do_not_recommend]
impl<T, Op, Arm> ArmEmits<Op, T, Arm> for T {
    passes!(Op, T, Arm);
}
/// The function for the second input of `Op`.
pub fn arm_of<Op: Stage, Arm: Stage>(arm: Arm) -> Edge<(Arm::Out, Op, Op::Out, Arm), Arm> {
    Edge::new(arm)
}
