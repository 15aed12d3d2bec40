//! How an edge is keyed.
use super::{Edge, asks, pass, passes};
use crate::contract::key::PartitionKey;
use crate::contract::keying::{AnyKey, Keying, Need};
use crate::contract::record::Record;
use crate::contract::stage::Stage;
use crate::contract::typed::{KeyingOf, Typed};

/// The key that the state of `Op` is kept per, seen from a stream keyed by `J`.
pub type Wanted<Op, J = AnyKey> = <<Op as Stage>::Need as Need>::Wanted<J>;
/// The key that `Op` asks for, seen from a stream keyed by `J`.
pub type Asked<Op, J = AnyKey> = <<Op as Stage>::Need as Need>::Asked<J>;
type Missing<U, K> = <KeyingOf<U> as Keying>::UnkeyedFor<K>;
type Seen<U, K> = <KeyingOf<U> as Keying>::KeyOr<K>;

/// State needs a key.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` keeps state per `{Self}`, but stage `{Up}` is not keyed",
    label = "needs a stream keyed by `{Self}`",
    note = "partition the stream first: `.. -> key_by(|record| ..) -> {Op}`"
)]
pub trait WorksUnkeyed<Op, Up> {
    pass!(Op, Up);
}
#[diagnostic::do_not_recommend]
impl<Op, Up> WorksUnkeyed<Op, Up> for AnyKey {
    passes!(Op, Up);
}
/// The edge into a stage that may keep state.
pub fn keyed<U: Typed, Op: Stage>(_: &Op, up: U) -> Edge<(Missing<U, Wanted<Op>>, Op, U::Node), U> {
    Edge::new(up)
}

/// State needs its own key.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` keeps state per `{K}`, but stage `{Up}` is keyed by `{Self}`",
    label = "needs a stream keyed by `{K}`",
    note = "repartition the stream: `.. -> key_by(|record| ..) -> {Op}`"
)]
pub trait SameKey<K, Op, Up> {
    pass!(K, Op, Up);
}
#[diagnostic::do_not_recommend]
impl<K, Op, Up> SameKey<K, Op, Up> for K {
    passes!(K, Op, Up);
}
/// The edge into a stage that keeps state.
pub fn same_key<U: Typed, Op: Stage>(
    _: &Op,
    up: U,
) -> Edge<(Seen<U, Wanted<Op>>, Wanted<Op, Seen<U, Wanted<Op>>>, Op, U::Node), U> {
    Edge::new(up)
}

/// A `Key<'_, K>` parameter needs a key.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` asks for the key, but stage `{Up}` is not keyed",
    label = "asks for a key of type `{Self}`",
    note = "partition the stream first: `.. -> key_by(|record| ..) -> {Op}`"
)]
pub trait HasKey<Op, Up> {
    pass!(Op, Up);
}
#[diagnostic::do_not_recommend]
impl<Op, Up> HasKey<Op, Up> for AnyKey {
    passes!(Op, Up);
}
/// The edge into a stage that may ask for the key.
pub fn asked<U: Typed, Op: Stage>(_: &Op, up: U) -> Edge<(Missing<U, Asked<Op>>, Op, U::Node), U> {
    Edge::new(up)
}

/// A `Key<'_, K>` parameter needs the right key.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` asks for a key of type `{K}`, but stage `{Up}` is keyed by `{Self}`",
    label = "asks for a key of type `{K}`"
)]
pub trait AskedKey<K, Op, Up> {
    pass!(K, Op, Up);
}
#[diagnostic::do_not_recommend]
impl<K, Op, Up> AskedKey<K, Op, Up> for K {
    passes!(K, Op, Up);
}
/// The edge into a stage that asks for the key.
pub fn asked_key<U: Typed, Op: Stage>(
    _: &Op,
    up: U,
) -> Edge<(Seen<U, Asked<Op>>, Asked<Op, Seen<U, Asked<Op>>>, Op, U::Node), U> {
    Edge::new(up)
}

/// Aggregates need a key.
#[diagnostic::on_unimplemented(
    message = "stage `{Name}` needs a key, but stage `{Up}` is not keyed",
    label = "needs a keyed stream",
    note = "partition the stream first: `.. -> key_by(|record| ..) -> {Name}(..)`"
)]
pub trait Grouped<Name, Up> {
    pass!(Name, Up);
}
#[diagnostic::do_not_recommend]
impl<Name, Up> Grouped<Name, Up> for AnyKey {
    passes!(Name, Up);
}
/// Stands for a missing key.
#[derive(Debug)]
pub struct NoKey;
/// The edge into an aggregate.
pub fn grouped<U: Typed, Name>(_: &Name, up: U) -> Edge<(Missing<U, NoKey>, Name, U::Node), U> {
    Edge::new(up)
}

asks! {
    /// What `key_by` returned.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be a key",
        label = "keys this stream by `{Self}`",
        note = "keys have canonical bytes and equality: integers, strings, tuples of them, or a type with `#[derive(Key)]`"
    )]
    IsKey<>: PartitionKey
}
/// The key of an exchange.
pub fn is_key<U, K>(_: &Option<K>, up: U) -> Edge<(K,), U> {
    Edge::new(up)
}

asks! {
    /// What `key_by` sends.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot leave its worker: it is not a `Record`",
        label = "sends `{Self}` to the worker that owns its key",
        note = "annotate `{Self}` with `#[derive(Record)]`"
    )]
    Travels<>: Record
}
/// The records of an exchange.
pub fn travels<U: Typed>(up: U) -> Edge<(U::Item,), U> {
    Edge::new(up)
}
