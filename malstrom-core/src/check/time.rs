//! What an edge knows of time and windows.
use super::{Edge, pass, passes};
use crate::contract::asks::Asks;
use crate::contract::form::{AnyTime, AnyWindows, Timing, Windowing};
use crate::contract::stage::Stage;
use crate::contract::typed::{TimeOf, Typed, WindowsOf};

/// `T` where a stream has no time, [`AnyTime`] elsewhere.
pub type Untimed<U, T> = <TimeOf<U> as Timing>::UntimedFor<T>;
type SeenTime<U, T> = <TimeOf<U> as Timing>::TimeOr<T>;
type Unwindowed<U, T> = <WindowsOf<U> as Windowing>::UnwindowedFor<T>;
/// The time that `Op` asks for, seen from a stream with times of `J`.
pub type AskedTime<Op, J = AnyTime> = <<Op as Stage>::Asks as Asks>::Time<J>;

/// An `EventTime` parameter needs event time.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` asks for `EventTime`, but stage `{Up}` has no event time",
    label = "asks for an event time of type `{Self}`",
    note = "say when records happened: `.. -> timestamps(|record| ..) -> {Op}`"
)]
pub trait HasTime<Op, Up> {
    pass!(Op, Up);
}
#[diagnostic::do_not_recommend]
impl<Op, Up> HasTime<Op, Up> for AnyTime {
    passes!(Op, Up);
}
/// The edge into a stage that may ask for the time.
pub fn asked_time<U: Typed, Op: Stage>(_: &Op, up: U) -> Edge<(Untimed<U, AskedTime<Op>>, Op, U::Node), U> {
    Edge::new(up)
}

/// An `EventTime` parameter needs the right type of time.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` asks for an event time of type `{T}`, but stage `{Up}` has times of type `{Self}`",
    label = "asks for an event time of type `{T}`",
    note = "write `EventTime<{Self}>`"
)]
pub trait SameTime<T, Op, Up> {
    pass!(T, Op, Up);
}
#[diagnostic::do_not_recommend]
impl<T, Op, Up> SameTime<T, Op, Up> for T {
    passes!(T, Op, Up);
}
/// The edge into a stage that asks for the time.
pub fn same_time<U: Typed, Op: Stage>(
    _: &Op,
    up: U,
) -> Edge<(SeenTime<U, AskedTime<Op>>, AskedTime<Op, SeenTime<U, AskedTime<Op>>>, Op, U::Node), U> {
    Edge::new(up)
}

/// Stands for something that an operator asks for.
#[derive(Debug)]
pub struct Asked;

/// Event-time timers need event time.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` sets event-time timers, but stage `{Up}` has no event time",
    label = "sets timers in event time",
    note = "say when records happened: `.. -> timestamps(|record| ..) -> {Op}`; `ProcessingTimers` go by the clock instead"
)]
pub trait TimersHaveTime<Op, Up> {
    pass!(Op, Up);
}
#[diagnostic::do_not_recommend]
impl<Op, Up> TimersHaveTime<Op, Up> for AnyTime {
    passes!(Op, Up);
}
/// The edge into a stage that may set timers.
pub fn timers<U: Typed, Op: Stage>(
    _: &Op,
    up: U,
) -> Edge<(Untimed<U, <Op::Asks as Asks>::Timers<AnyTime>>, Op, U::Node), U> {
    Edge::new(up)
}

/// Timers need a function that runs when they fire.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` sets timers, and nothing runs when they fire",
    label = "sets timers",
    note = "name the function: `#[operator(on_timer = ..)]`"
)]
pub trait TimersFire<Op> {
    pass!(Op);
}
#[diagnostic::do_not_recommend]
impl<Op> TimersFire<Op> for AnyTime {
    passes!(Op);
}
/// A stage that may set timers.
pub fn fires<U: Typed, Op: Stage>(_: &Op, up: U) -> Edge<(<Op::Asks as Asks>::Unfired<AnyTime>, Op), U> {
    Edge::new(up)
}

/// `on_close` needs windows.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` finishes windows (`on_close`), but stage `{Up}` has no windows",
    label = "finishes windows",
    note = "cut the stream into windows first: `.. -> window(tumbling(..)) else late -> {Op}`"
)]
pub trait HasWindows<Op, Up> {
    pass!(Op, Up);
}
#[diagnostic::do_not_recommend]
impl<Op, Up> HasWindows<Op, Up> for AnyWindows {
    passes!(Op, Up);
}
/// The edge into a stage that may finish windows.
pub fn closes<U: Typed, Op: Stage>(
    _: &Op,
    up: U,
) -> Edge<(Unwindowed<U, <Op::Asks as Asks>::Close<AnyWindows>>, Op, U::Node), U> {
    Edge::new(up)
}

/// A `Window` parameter needs windows.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` asks for the window, but stage `{Up}` has no windows",
    label = "asks for the window",
    note = "cut the stream into windows first: `.. -> window(tumbling(..)) else late -> {Op}`"
)]
pub trait InWindows<Op, Up> {
    pass!(Op, Up);
}
#[diagnostic::do_not_recommend]
impl<Op, Up> InWindows<Op, Up> for AnyWindows {
    passes!(Op, Up);
}
/// The edge into a stage that may ask for the window.
pub fn in_windows<U: Typed, Op: Stage>(
    _: &Op,
    up: U,
) -> Edge<(Unwindowed<U, <Op::Asks as Asks>::Window<AnyWindows>>, Op, U::Node), U> {
    Edge::new(up)
}
