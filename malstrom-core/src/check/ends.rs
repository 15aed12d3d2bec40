//! How many inputs and outputs a use of an operator gives it.
use super::{Edge, asks, pass, passes};
use crate::contract::stage::{ArmFailure, Operator, Plain, Stage, TwoInput};
use crate::contract::typed::Typed;

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

/// The functions of one operator keep the same state.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` and its `on_right` function `{Arm}` keep different state",
    label = "keeps different state",
    note = "both take the same state first, in the same way: `&mut S` or `&mut Option<S>`"
)]
pub trait ArmKeeps<Op, Expected, Arm> {
    pass!(Op, Expected, Arm);
}
#[diagnostic::do_not_recommend]
impl<K, Op, Arm> ArmKeeps<Op, K, Arm> for K {
    passes!(Op, K, Arm);
}
/// The state of the function for the second input of `Op`.
pub fn arm_keeps<Op: Operator, Arm: Operator>(arm: Arm) -> Edge<(Arm::Keep, Op, Op::Keep, Arm), Arm> {
    Edge::new(arm)
}

/// The function for the second input has no side outputs.
#[diagnostic::on_unimplemented(
    message = "`on_right` function `{Arm}` has side outputs, and only operator `{Op}` itself may have those",
    label = "has side outputs"
)]
pub trait ArmEnds<Op, Expected, Arm> {
    pass!(Op, Expected, Arm);
}
#[diagnostic::do_not_recommend]
impl<S, Op, Arm> ArmEnds<Op, S, Arm> for S {
    passes!(Op, S, Arm);
}
/// The side outputs of the function for the second input of `Op`.
pub fn arm_ends<Op, Arm: Operator>(arm: Arm) -> Edge<(Arm::Sides, Op, (), Arm), Arm> {
    Edge::new(arm)
}

asks! {
    /// The function for the second input fails as its operator does.
    #[diagnostic::on_unimplemented(
        message = "`on_right` function `{Arm}` can fail, but operator `{Op}` does not fail with the same type",
        label = "fails otherwise than `{Op}`",
        note = "both return a `Result` with the same error, or only `{Op}` does"
    )]
    ArmFails<Op, Expected, Arm>: MayRaise<Expected>
}
/// [`ArmFailure`], by the type of failure.
pub trait MayRaise<F> {}
impl<F: crate::contract::stage::FailureKind, A: ArmFailure<F>> MayRaise<F> for A {}
/// The failures of the function for the second input of `Op`.
pub fn arm_fails<Op: Stage, Arm: Stage>(arm: Arm) -> Edge<(Arm::Failure, Op, Op::Failure, Arm), Arm> {
    Edge::new(arm)
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
pub fn alike<Op, L: Typed, R: Typed>(_: &Op, _: &L, right: R) -> Edge<(R::Keying, L::Keying, Op, L::Node, R::Node), R> {
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
