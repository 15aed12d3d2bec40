//! The functions beside an operator: `on_right`, `on_timer`, `on_close`. `Role` is which of them it is.
use super::{Edge, asks, pass, passes};
use crate::contract::keying::{Keep, Stateless};
use crate::contract::never::Never;
use crate::contract::record::Record;
use crate::contract::stage::{ArmFailure, FailureKind, Operator, Stage, TimerOf, TimerSet};

/// The functions of one operator emit the same items.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` emits `{Expected}`, but its `{Role}` function `{Arm}` emits `{Self}`",
    label = "emits `{Self}`"
)]
pub trait ArmEmits<Op, Expected, Arm, Role> {
    pass!(Op, Expected, Arm, Role);
}
#[diagnostic::do_not_recommend]
impl<T, Op, Arm, Role> ArmEmits<Op, T, Arm, Role> for T {
    passes!(Op, T, Arm, Role);
}
/// A function beside `Op`.
pub fn arm_of<Op: Stage, Arm: Stage, Role>(arm: Arm) -> Edge<(Arm::Out, Op, Op::Out, Arm, Role), Arm> {
    Edge::new(arm)
}

/// The functions of one operator keep the same state.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` and its `{Role}` function `{Arm}` keep different state",
    label = "keeps different state",
    note = "both take the same state first, in the same way: `&mut S` or `&mut Option<S>`"
)]
pub trait ArmKeeps<Op, Expected, Arm, Role> {
    pass!(Op, Expected, Arm, Role);
}
#[diagnostic::do_not_recommend]
impl<K, Op, Arm, Role> ArmKeeps<Op, K, Arm, Role> for K {
    passes!(Op, K, Arm, Role);
}
/// The state of a function beside `Op`.
pub fn arm_keeps<Op: Operator, Arm: Operator, Role>(arm: Arm) -> Edge<(Arm::Keep, Op, Op::Keep, Arm, Role), Arm> {
    Edge::new(arm)
}

/// The functions beside an operator have no side outputs.
#[diagnostic::on_unimplemented(
    message = "`{Role}` function `{Arm}` has side outputs, and only operator `{Op}` itself may have those",
    label = "has side outputs"
)]
pub trait ArmEnds<Op, Expected, Arm, Role> {
    pass!(Op, Expected, Arm, Role);
}
#[diagnostic::do_not_recommend]
impl<S, Op, Arm, Role> ArmEnds<Op, S, Arm, Role> for S {
    passes!(Op, S, Arm, Role);
}
/// The side outputs of a function beside `Op`.
pub fn arm_ends<Op, Arm: Operator, Role>(arm: Arm) -> Edge<(Arm::Sides, Op, (), Arm, Role), Arm> {
    Edge::new(arm)
}

asks! {
    /// The functions beside an operator fail as it does.
    #[diagnostic::on_unimplemented(
        message = "`{Role}` function `{Arm}` can fail, but operator `{Op}` does not fail with the same type",
        label = "fails otherwise than `{Op}`",
        note = "both return a `Result` with the same error, or only `{Op}` does"
    )]
    ArmFails<Op, Expected, Arm, Role>: MayRaise<Expected>
}
/// [`ArmFailure`], by the type of failure.
pub trait MayRaise<F> {}
impl<F: FailureKind, A: ArmFailure<F>> MayRaise<F> for A {}
/// The failures of a function beside `Op`.
pub fn arm_fails<Op: Stage, Arm: Stage, Role>(arm: Arm) -> Edge<(Arm::Failure, Op, Op::Failure, Arm, Role), Arm> {
    Edge::new(arm)
}

/// The functions beside an operator set its timers, if any.
#[diagnostic::on_unimplemented(
    message = "`{Role}` function `{Arm}` sets other timers than operator `{Op}`",
    label = "sets timers that hold `{Self}`",
    note = "the timers of an operator hold what its `on_timer` function takes: name one with `#[operator(on_timer = ..)]`"
)]
pub trait ArmTimers<Op, Expected, Arm, Role> {
    pass!(Op, Expected, Arm, Role);
}
#[diagnostic::do_not_recommend]
impl<X, Op, Arm, Role> ArmTimers<Op, X, Arm, Role> for X {
    passes!(Op, X, Arm, Role);
}
/// The timers of a function beside `Op`.
pub fn arm_timers<Op: Operator, Arm: Operator, Role>(
    arm: Arm,
) -> Edge<(<Arm::Timers as TimerSet>::Or<TimerOf<Op>>, Op, TimerOf<Op>, Arm, Role), Arm> {
    Edge::new(arm)
}

/// A function that finishes windows takes the state by value.
#[diagnostic::on_unimplemented(
    message = "`on_close` function `{Arm}` borrows state, but the state of a closing window is handed over by value",
    label = "takes its state by reference",
    note = "write `fn {Arm}(state: State, window: Window, ..)`"
)]
pub trait ArmByValue<Op, Arm> {
    pass!(Op, Arm);
}
#[diagnostic::do_not_recommend]
impl<Op, Arm> ArmByValue<Op, Arm> for Stateless {
    passes!(Op, Arm);
}
/// The state that an `on_close` function of `Op` keeps itself.
pub fn arm_by_value<Op, Arm: Operator>(arm: Arm) -> Edge<(Arm::Keep, Op, Arm), Arm> {
    Edge::new(arm)
}

/// A function that finishes windows takes the state of its operator.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` keeps `{Self}`, but its `on_close` function `{Arm}` takes `{Expected}`",
    label = "takes `{Expected}`"
)]
pub trait ArmTakes<Op, Expected, Arm> {
    pass!(Op, Expected, Arm);
}
#[diagnostic::do_not_recommend]
impl<S, Op, Arm> ArmTakes<Op, S, Arm> for S {
    passes!(Op, S, Arm);
}
/// What an `on_close` function of `Op` takes.
pub fn arm_takes<Op: Operator, Arm: Stage>(arm: Arm) -> Edge<(<Op::Keep as Keep>::Closed, Op, Arm::In, Arm), Arm> {
    Edge::new(arm)
}

/// A function that finishes windows sets no timers.
#[diagnostic::on_unimplemented(
    message = "`on_close` function `{Arm}` sets timers, but its window has closed and nothing would run",
    label = "sets timers that hold `{Self}`"
)]
pub trait ArmSetsNone<Op, Arm> {
    pass!(Op, Arm);
}
#[diagnostic::do_not_recommend]
impl<Op, Arm> ArmSetsNone<Op, Arm> for Never {
    passes!(Op, Arm);
}
/// The timers of an `on_close` function of `Op`.
pub fn arm_sets_none<Op, Arm: Operator>(arm: Arm) -> Edge<(TimerOf<Arm>, Op, Arm), Arm> {
    Edge::new(arm)
}

/// Timers hold what the function that runs when they fire takes.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` sets timers that hold `{Timer}`, but its `on_timer` function `{Arm}` takes `{Self}`",
    label = "takes `{Self}`"
)]
pub trait TimerIs<Timer, Op, Arm> {
    pass!(Timer, Op, Arm);
}
#[diagnostic::do_not_recommend]
impl<Timer, Op, Arm> TimerIs<Timer, Op, Arm> for Timer {
    passes!(Timer, Op, Arm);
}
/// What an `on_timer` function of `Op` takes.
pub fn timer_is<Op: Operator, Arm: Stage>(
    _: &Arm,
    timer: TimerOf<Op>,
) -> Edge<(Arm::In, TimerOf<Op>, Op, Arm), TimerOf<Op>> {
    Edge::new(timer)
}

/// What timers hold. Checked by a constant, as fields are.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be held by a timer: it cannot be written to a snapshot",
    label = "not a record",
    note = "annotate it with `#[derive(Record)]`"
)]
pub trait IsTimer {
    /// It can.
    const PASSED: bool;
}
#[diagnostic::do_not_recommend]
impl<X: Record> IsTimer for X {
    const PASSED: bool = true;
}
