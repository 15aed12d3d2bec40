//! What windows need, and what stages need of windows.
use super::share::Copies;
use super::time::Untimed;
use super::{Edge, asks, asks_copies, pass, passes};
use crate::contract::asks::Asks;
use crate::contract::form::{AnyTime, AnyWindows, NoWindows, Timing, Windowing};
use crate::contract::never::Never;
use crate::contract::stage::Stage;
use crate::contract::time::{Span, Time, Timestamp};
use crate::contract::typed::{TimeOf, Typed, WindowsOf};
use crate::contract::windows::{Wanted, WindowLike};
use std::time::Duration;

asks! {
    /// What `timestamps` takes from records.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not a time",
        label = "takes a `{Self}` from each record",
        note = "times are `Timestamp`, `SystemTime`, integers of up to 64 bits, and types that implement `malstrom::Time`"
    )]
    IsTime<>: Time
}
/// The times of a stream.
pub fn is_time<U, T>(_: &Option<T>, up: U) -> Edge<(T,), U> {
    Edge::new(up)
}

asks! {
    /// What lengths are given in.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not a length of time where times are `{Times}`",
        label = "not a length of time for `{Times}`",
        note = "it is a `Duration`, such as `5.seconds()`, where times are of the calendar, and an integer where they are integers"
    )]
    IsLength<Times>: LengthFor<Times>
}
/// [`Span`], for any type of time.
pub trait LengthFor<T> {}
impl<T: Time, D: Span<T>> LengthFor<T> for D {}
/// A length on the clock of a stream whose times are of type `T`.
pub fn length<T, D>(_: &Option<T>, length: D) -> Edge<(D, T), D> {
    Edge::new(length)
}
/// A length on the clock of a stream that has times already.
pub fn length_at<U: Typed, D>(_: &U, length: D) -> Edge<(D, SeenTime<U>), D> {
    Edge::new(length)
}
type SeenTime<U> = <TimeOf<U> as Timing>::TimeOr<Timestamp>;

/// How long a silent split is waited for goes by the clock of the machine.
#[diagnostic::on_unimplemented(
    message = "`idle` is a `Duration`, not `{Self}`",
    label = "not a `Duration`",
    note = "write `idle = 30.seconds()`"
)]
pub trait IsIdle {
    pass!();
}
#[diagnostic::do_not_recommend]
impl IsIdle for Duration {
    passes!();
}
#[diagnostic::do_not_recommend]
impl IsIdle for Never {
    passes!();
}
/// What `idle` is given.
pub fn idle<D>(idle: D) -> Edge<(D,), D> {
    Edge::new(idle)
}

asks! {
    /// What `window` takes.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is no kind of windows",
        label = "not a kind of windows",
        note = "write `tumbling(size)`, `sliding(size, every)`, `session(gap)`, `counted(n)` or `global()`"
    )]
    IsWindow<>: WindowLike
}
/// What `window(..)` is given.
pub fn is_window<W>(windows: W) -> Edge<(W,), W> {
    Edge::new(windows)
}

/// Windows and joins need event time.
#[diagnostic::on_unimplemented(
    message = "stage `{Name}` needs event time, but stage `{Up}` has none",
    label = "needs a stream with event time",
    note = "say when records happened: `.. -> timestamps(|record| ..) -> ..`"
)]
pub trait TimedFor<Name, Up> {
    pass!(Name, Up);
}
#[diagnostic::do_not_recommend]
impl<Name, Up> TimedFor<Name, Up> for AnyTime {
    passes!(Name, Up);
}
/// The edge into `window`.
pub fn window_time<U: Typed, W: WindowLike, Name>(
    _: &W,
    _: &Name,
    up: U,
) -> Edge<(Untimed<U, W::Wants<AnyTime>>, Name, U::Node), U> {
    Edge::new(up)
}
/// The edge into a stage that always needs time.
pub fn needs_time<U: Typed, Name>(_: &Name, up: U) -> Edge<(Untimed<U, Wanted>, Name, U::Node), U> {
    Edge::new(up)
}
/// Windows and the edge into them, whose times measure their lengths.
pub fn window_length<U: Typed, W: WindowLike>(windows: W, up: U) -> Edge<(W::Length, SeenTime<U>), (W, U)> {
    Edge::new((windows, up))
}

/// A stream that is only looked at.
#[derive(Debug)]
pub struct Seen<U>(std::marker::PhantomData<fn() -> U>);
impl<U: Typed> Typed for Seen<U> {
    type Item = U::Item;
    type Form = U::Form;
    type Node = U::Node;
}
/// Looks at a stream.
pub fn seen<U: Typed>(_: &U) -> Seen<U> {
    Seen(std::marker::PhantomData)
}

/// Late records must go somewhere.
#[diagnostic::on_unimplemented(
    message = "`window` refuses late records, and nothing says where they go",
    label = "refuses late records",
    note = "write `window(..) else <stream>` to route them to a stream, `window(..) else drop` to count and discard them, or `window(..)?` to fail the job"
)]
pub trait NeverLate {
    pass!();
}
#[diagnostic::do_not_recommend]
impl NeverLate for AnyTime {
    passes!();
}
/// Windows whose use says nothing of late records.
pub fn late<U, W: WindowLike>(windows: W, up: U) -> Edge<(W::Refuses<AnyTime>,), (W, U)> {
    Edge::new((windows, up))
}

/// Only windows that close in event time have a lateness.
#[diagnostic::on_unimplemented(
    message = "these windows have no `lateness`: no record can be late for them",
    label = "waits for late records",
    note = "leave `lateness` out, and `else` too"
)]
pub trait HasLateness {
    pass!();
}
#[diagnostic::do_not_recommend]
impl HasLateness for Wanted {
    passes!();
}
/// Windows with a lateness.
pub fn lenient<U, W: WindowLike>(windows: W, up: U) -> Edge<(W::Refuses<AnyTime>,), (W, U)> {
    Edge::new((windows, up))
}

/// [`NoWindows`] where a stream has none, [`AnyWindows`] elsewhere.
pub type Whole<U> = <WindowsOf<U> as Windowing>::UnwindowedFor<NoWindows>;

/// Some stages take no windows.
#[diagnostic::on_unimplemented(
    message = "stage `{Name}` takes no windows, but stage `{Up}` is cut into windows",
    label = "takes no windows",
    note = "let an aggregate or an operator with state close the windows first, or cut the stream behind `{Name}`"
)]
pub trait TakesNoWindows<Name, Up> {
    pass!(Name, Up);
}
#[diagnostic::do_not_recommend]
impl<Name, Up> TakesNoWindows<Name, Up> for NoWindows {
    passes!(Name, Up);
}
/// The edge into a stage that takes no windows.
pub fn whole<U: Typed, Name>(_: &Name, up: U) -> Edge<(Whole<U>, Name, U::Node), U> {
    Edge::new(up)
}

/// A stream does not end in windows.
#[diagnostic::on_unimplemented(
    message = "nothing closes the windows that stage `{Up}` is cut into",
    label = "the stream is still cut into windows here",
    note = "windows are closed by an aggregate, such as `-> count()`, or by an operator that keeps state; without either, leave `window(..)` out"
)]
pub trait WindowsClosed<Up> {
    pass!(Up);
}
#[diagnostic::do_not_recommend]
impl<Up> WindowsClosed<Up> for NoWindows {
    passes!(Up);
}
/// The edge into a sink, which closes no windows.
pub fn closed<U: Typed>(up: U) -> Edge<(Whole<U>, U::Node), U> {
    Edge::new(up)
}

/// Fragments take no windows.
#[diagnostic::on_unimplemented(
    message = "pipeline `{Op}` takes no windows, but stage `{Up}` is cut into windows",
    label = "takes no windows",
    note = "let an aggregate or an operator with state close the windows first, or cut the stream inside `{Op}`"
)]
pub trait EntersWhole<Op, Up> {
    pass!(Op, Up);
}
#[diagnostic::do_not_recommend]
impl<Op, Up> EntersWhole<Op, Up> for AnyWindows {
    passes!(Op, Up);
}
/// The edge into a stage that may be a fragment.
pub fn enters_whole<U: Typed, Op: Stage>(
    _: &Op,
    up: U,
) -> Edge<(<WindowsOf<U> as Windowing>::WindowedFor<<Op::Asks as Asks>::Whole<AnyWindows>>, Op, U::Node), U> {
    Edge::new(up)
}

/// Timers are set per key, and windows have state of their own.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` sets timers, but stage `{Up}` is cut into windows, and its state is kept per window",
    label = "sets timers",
    note = "a window ends by itself: name a function for that with `#[operator(on_close = ..)]`"
)]
pub trait NoTimersInWindows<Op, Up> {
    pass!(Op, Up);
}
#[diagnostic::do_not_recommend]
impl<Op, Up> NoTimersInWindows<Op, Up> for AnyWindows {
    passes!(Op, Up);
}
/// The edge into a stage that may set timers.
pub fn timers_in_windows<U: Typed, Op: Stage>(
    _: &Op,
    up: U,
) -> Edge<(<WindowsOf<U> as Windowing>::WindowedFor<<Op::Asks as Asks>::AnyTimers<AnyWindows>>, Op, U::Node), U> {
    Edge::new(up)
}

asks_copies! {
    /// A record that belongs to several windows is copied.
    #[diagnostic::on_unimplemented(
        message = "stage `{Name}` is given each record once per window, so they are copied, but `{T}` is not `Clone`",
        label = "needs a copy of each `{T}`",
        note = "derive `Clone` for `{T}`"
    )]
    Dealt<T, Name>: Clone
}
/// The records that operator `Op` is given per window, if it keeps state.
pub fn dealt<U: Typed, Op: Stage>(
    _: &Op,
    up: U,
) -> Edge<(Copies, <WindowsOf<U> as Windowing>::Copied<<Op::Asks as Asks>::IfState<U::Item>>, Op), U> {
    Edge::new(up)
}
/// The records that aggregate `Name` is given per window.
pub fn dealt_to<U: Typed, Name>(
    _: &Name,
    up: U,
) -> Edge<(Copies, <WindowsOf<U> as Windowing>::Copied<U::Item>, Name), U> {
    Edge::new(up)
}

asks_copies! {
    /// The state of a window that may have to be corrected is copied when it closes.
    #[diagnostic::on_unimplemented(
        message = "operator `{Op}` finishes a window again for each record within its lateness, but its state `{S}` is not `Clone`",
        label = "hands over a copy of `{S}`",
        note = "derive `Clone` for `{S}`"
    )]
    Corrects<S, Op>: Clone
}
/// The state that an operator keeps in windows that may have to be corrected.
pub fn corrected<U: Typed, Op: Stage>(
    _: &Op,
    up: U,
) -> Edge<(Copies, <WindowsOf<U> as Windowing>::Retained<<Op::Asks as Asks>::State<()>>, Op), U> {
    Edge::new(up)
}
