//! What the compiler knows about a stream.
use super::keying::Keying;

/// The types of a stream: what the checks of a pipeline talk about.
pub trait Typed: 'static {
    /// Its records.
    type Item: 'static;
    /// How it is keyed.
    type Keying: Keying;
    /// Names its last stage in messages.
    type Node: 'static;
}
/// The key that travels with a stream's records.
pub type KeyOf<U> = <<U as Typed>::Keying as Keying>::Key;
