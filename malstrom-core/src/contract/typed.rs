//! What the compiler knows about a stream.
use super::form::{Form, Windowing};
use super::keying::Keying;

/// The types of a stream: what the checks of a pipeline talk about.
pub trait Typed: 'static {
    /// Its records.
    type Item: 'static;
    /// How it flows.
    type Form: Form;
    /// Names its last stage in messages.
    type Node: 'static;
}
/// How a stream is keyed.
pub type KeyingOf<U> = <<U as Typed>::Form as Form>::Keying;
/// The key that travels with a stream's records.
pub type KeyOf<U> = <KeyingOf<U> as Keying>::Key;
/// The event time of a stream.
pub type TimeOf<U> = <<U as Typed>::Form as Form>::Time;
/// The windows of a stream.
pub type WindowsOf<U> = <<U as Typed>::Form as Form>::Windows;
/// What is known of them while the graph is built.
pub type SpecOf<U> = <WindowsOf<U> as Windowing>::Spec;
/// What a stream's records travel under.
pub type MetaOf<U> = <<U as Typed>::Form as Form>::Meta;
