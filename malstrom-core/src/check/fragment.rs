//! What a fragment promises at its two ends.
use super::{Edge, pass, passes};
use crate::contract::stage::Stage;
use crate::contract::typed::Typed;

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
pub fn left<P: Stage, Kg, U: Typed>(up: U) -> Edge<(U::Keying, P, Kg, U::Node), U> {
    Edge::new(up)
}
