//! What a fragment promises at its two ends.
use super::window::Whole;
use super::{Edge, pass, passes};
use crate::contract::form::NoWindows;
use crate::contract::stage::Stage;
use crate::contract::time::Time;
use crate::contract::typed::{KeyingOf, TimeOf, Typed};

/// A fragment ends in the record type that it promises.
#[diagnostic::on_unimplemented(
    message = "pipeline `{P}` promises `{Expected}`, but its last stage `{Up}` produces `{Self}`",
    label = "promises `{Expected}`, but ends in `{Self}`"
)]
pub trait Returns<P, Expected, Up> {
    pass!(P, Expected, Up);
}
#[diagnostic::do_not_recommend]
impl<T, P, Up> Returns<P, T, Up> for T {
    passes!(P, T, Up);
}
/// The end of a fragment.
pub fn returned<P: Stage, U: Typed>(up: U) -> Edge<(U::Item, P, P::Out, U::Node), U> {
    Edge::new(up)
}

/// A fragment ends with the keying that it promises.
#[diagnostic::on_unimplemented(
    message = "pipeline `{P}` promises a stream that is `{Expected}`, but its last stage `{Up}` leaves it `{Self}`",
    label = "the stream is `{Self}` here",
    note = "say in the type how the stream is keyed: `<In, Out by Key>`"
)]
pub trait LeavesKeyed<P, Expected, Up> {
    pass!(P, Expected, Up);
}
#[diagnostic::do_not_recommend]
impl<Kg, P, Up> LeavesKeyed<P, Kg, Up> for Kg {
    passes!(P, Kg, Up);
}
/// The keying at the end of a fragment that promises `Kg`.
pub fn left<P: Stage, Kg, U: Typed>(up: U) -> Edge<(KeyingOf<U>, P, Kg, U::Node), U> {
    Edge::new(up)
}

/// A fragment ends with the times that it promises.
#[diagnostic::on_unimplemented(
    message = "pipeline `{P}` promises a stream whose event time is `{Expected}`, but its last stage `{Up}` leaves it `{Self}`",
    label = "the event time is `{Self}` here",
    note = "say in the type which times the stream has: `<In, Out at Time>`"
)]
pub trait LeavesTimed<P, Expected, Up> {
    pass!(P, Expected, Up);
}
#[diagnostic::do_not_recommend]
impl<Tm, P, Up> LeavesTimed<P, Tm, Up> for Tm {
    passes!(P, Tm, Up);
}
/// The times at the end of a fragment that promises `Tm`.
pub fn left_timed<P: Stage, Tm, U: Typed>(up: U) -> Edge<(TimeOf<U>, P, Tm, U::Node), U> {
    Edge::new(up)
}

/// The time that a fragment names. Checked by a constant, as fields are.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a time",
    label = "not a time",
    note = "times are `Timestamp`, `SystemTime`, integers of up to 64 bits, and types that implement `malstrom::Time`"
)]
pub trait PortTime {
    /// It is.
    const PASSED: bool;
}
#[diagnostic::do_not_recommend]
impl<T: Time> PortTime for T {
    const PASSED: bool = true;
}

/// A fragment ends outside of windows.
#[diagnostic::on_unimplemented(
    message = "pipeline `{P}` ends in windows: nothing behind its last stage `{Up}` knows where they close",
    label = "the stream is cut into windows here",
    note = "end the fragment in what closes them: an aggregate, or an operator that keeps state"
)]
pub trait LeavesWindows<P, Up> {
    pass!(P, Up);
}
#[diagnostic::do_not_recommend]
impl<P, Up> LeavesWindows<P, Up> for NoWindows {
    passes!(P, Up);
}
/// The windows at the end of a fragment.
pub fn left_windows<P: Stage, U: Typed>(up: U) -> Edge<(Whole<U>, P, U::Node), U> {
    Edge::new(up)
}
