//! How operators keep state, and how streams are keyed.
use std::marker::PhantomData;

/// How an operator keeps state.
pub trait Keep: 'static {
    /// What the function borrows mutably.
    type State: 'static;
    /// What is handed over by value when a window closes.
    type Closed: 'static;
}
/// Not at all.
#[derive(Debug)]
pub struct Stateless;
impl Keep for Stateless {
    type State = ();
    type Closed = ();
}
/// `&mut S`: made fresh at a key's first record.
#[derive(Debug)]
pub struct PerKey<S>(PhantomData<fn() -> S>);
// No bound on `S`: that it is keyed state is asked once, where its key is.
impl<S: 'static> Keep for PerKey<S> {
    type State = S;
    type Closed = S;
}
/// `&mut Option<S>`: `None` on return drops the key's state.
#[derive(Debug)]
pub struct PerKeyOption<S>(PhantomData<fn() -> S>);
impl<S: 'static> Keep for PerKeyOption<S> {
    type State = Option<S>;
    type Closed = S;
}

/// What a stage needs of its input's keying: [`AnyKeying`], [`KeyedBy`] for state, or [`AsksKey`] for a `Key<'_, K>`.
pub trait Need: 'static {
    /// The key its state is kept per, as seen from a stream keyed by `J`; `J` itself if it keeps none.
    type Wanted<J: 'static>: 'static;
    /// The key it asks for, as seen from a stream keyed by `J`; `J` itself if it asks for none.
    type Asked<J: 'static>: 'static;
}
/// What a stage without state needs.
#[derive(Debug)]
pub struct AnyKeying;
impl Need for AnyKeying {
    type Wanted<J: 'static> = J;
    type Asked<J: 'static> = J;
}
/// What a stage without state that takes a `Key<'_, K>` needs.
#[derive(Debug)]
pub struct AsksKey<K>(PhantomData<fn() -> K>);
impl<K: 'static> Need for AsksKey<K> {
    type Wanted<J: 'static> = J;
    type Asked<J: 'static> = K;
}
impl<K: 'static> Need for KeyedBy<K> {
    type Wanted<J: 'static> = K;
    type Asked<J: 'static> = J;
}

/// How a stream is keyed.
pub trait Keying: 'static {
    /// The key that travels with each record.
    type Key: Clone + Eq + 'static;
    /// The key, or `K` where there is none.
    type KeyOr<K: 'static>: 'static;
    /// `K` where there is no key.
    type UnkeyedFor<K: 'static>: 'static;
}
/// A stream nobody has called `key_by` on.
#[derive(Debug)]
pub struct Unkeyed;
/// A stream partitioned by `K`.
#[derive(Debug)]
pub struct KeyedBy<K>(PhantomData<fn() -> K>);
/// The key a fragment was entered with: carried through, but not the fragment's to use.
#[derive(Debug)]
pub struct Carried<Kg>(PhantomData<fn() -> Kg>);
/// Stands for "no key wanted" in checks.
#[derive(Debug)]
pub struct AnyKey;

impl Keying for Unkeyed {
    type Key = ();
    type KeyOr<K: 'static> = K;
    type UnkeyedFor<K: 'static> = K;
}
impl<K: Clone + Eq + 'static> Keying for KeyedBy<K> {
    type Key = K;
    type KeyOr<J: 'static> = K;
    type UnkeyedFor<J: 'static> = AnyKey;
}
impl<Kg: Keying> Keying for Carried<Kg> {
    type Key = Kg::Key;
    type KeyOr<K: 'static> = K;
    type UnkeyedFor<K: 'static> = K;
}
