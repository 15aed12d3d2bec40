//! How values that stages keep are written to snapshots and read back.
//!
//! What an operator keeps per key is [`KeyedState`] and says so in its type. What aggregates, windows and joins keep are the
//! user's values as they come: those can be written only if they are records, and need be only where snapshots are on. So
//! an expansion hands on a [`Code`] where there is one, and a pipeline without is refused when it starts with snapshots.
mod composed;
mod probe;
mod shown;

pub use composed::{OfList, OfMap, OfOption, OfPair};
pub use probe::{Probe, Unwritten};
pub use shown::Shown;

use super::record::json::Json;
use super::record::{CodecError, Describe, Description, Record, TypeRef};
use super::state::KeyedState;
use std::fmt;
use std::marker::PhantomData;

/// Writes values of type `V` and reads them back.
pub trait Codec<V>: Clone + 'static {
    /// The version of what it writes, from 1.
    fn version(&self) -> u32 {
        1
    }
    /// Adds what values are made of to `d`, from which the fingerprint follows.
    fn describe(&self, d: &mut Describe) -> TypeRef;
    /// What values of a version are made of, if they can be read: this version's, and those that lead to it.
    fn description(&self, version: u32) -> Option<Description> {
        (version == self.version()).then(|| Description::by(|d| self.describe(d)))
    }
    /// Whether its author can raise the version and say how values of former versions become present ones.
    fn migrates(&self) -> bool {
        false
    }
    /// Appends a value's bytes to `out`; on an error `out` is left as it was.
    ///
    /// # Errors
    /// If the value is too large or nested too deep.
    fn encode(&self, value: &V, out: &mut Vec<u8>) -> Result<(), CodecError>;
    /// Reads a value that this version, or one before it, has written.
    ///
    /// # Errors
    /// If the bytes are not those of a value of that version.
    fn decode(&self, version: u32, bytes: &[u8]) -> Result<V, CodecError>;
    /// A value for people to look at; if nothing better is said, its bytes in hexadecimal.
    fn show(&self, value: &V) -> Json {
        let mut bytes = Vec::new();
        match self.encode(value, &mut bytes) {
            Ok(()) => Json::String(bytes.iter().map(|byte| format!("{byte:02x}")).collect()),
            Err(error) => Json::String(format!("<{error}>")),
        }
    }
}

/// Writes records.
pub struct OfRecord<T>(PhantomData<fn() -> T>);
impl<T> OfRecord<T> {
    /// The codec of `T`.
    pub const fn new() -> Self {
        OfRecord(PhantomData)
    }
}
impl<T> Default for OfRecord<T> {
    fn default() -> Self {
        Self::new()
    }
}
impl<T> Clone for OfRecord<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for OfRecord<T> {}
impl<T> fmt::Debug for OfRecord<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OfRecord")
    }
}
impl<T: Record> Codec<T> for OfRecord<T> {
    fn describe(&self, d: &mut Describe) -> TypeRef {
        T::describe(d)
    }
    #[inline]
    fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
        value.encode(out)
    }
    #[inline]
    fn decode(&self, _: u32, bytes: &[u8]) -> Result<T, CodecError> {
        T::decode(bytes)
    }
    fn show(&self, value: &T) -> Json {
        value.to_json()
    }
}

/// Writes keyed state, and brings state of former versions to the present one.
pub struct OfState<S>(PhantomData<fn() -> S>);
impl<S> OfState<S> {
    /// The codec of `S`.
    pub const fn new() -> Self {
        OfState(PhantomData)
    }
}
impl<S> Default for OfState<S> {
    fn default() -> Self {
        Self::new()
    }
}
impl<S> Clone for OfState<S> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<S> Copy for OfState<S> {}
impl<S> fmt::Debug for OfState<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OfState")
    }
}
impl<S: KeyedState> Codec<S> for OfState<S> {
    fn version(&self) -> u32 {
        S::VERSION
    }
    fn describe(&self, d: &mut Describe) -> TypeRef {
        S::describe(d)
    }
    fn description(&self, version: u32) -> Option<Description> {
        S::describe_version(version)
    }
    fn migrates(&self) -> bool {
        true
    }
    #[inline]
    fn encode(&self, value: &S, out: &mut Vec<u8>) -> Result<(), CodecError> {
        value.encode(out)
    }
    #[inline]
    fn decode(&self, version: u32, bytes: &[u8]) -> Result<S, CodecError> {
        S::decode_version(version, bytes)
    }
    fn show(&self, value: &S) -> Json {
        value.to_json()
    }
}

/// Writes values that may be absent, and never are when they are written.
#[derive(Clone, Copy, Debug)]
pub struct OfSome<C>(pub C);
impl<V, C: Codec<V>> Codec<Option<V>> for OfSome<C> {
    fn version(&self) -> u32 {
        self.0.version()
    }
    fn describe(&self, d: &mut Describe) -> TypeRef {
        self.0.describe(d)
    }
    fn description(&self, version: u32) -> Option<Description> {
        self.0.description(version)
    }
    fn migrates(&self) -> bool {
        self.0.migrates()
    }
    fn encode(&self, value: &Option<V>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let value = value.as_ref().ok_or_else(|| CodecError::new("there is no value"))?;
        self.0.encode(value, out)
    }
    fn decode(&self, version: u32, bytes: &[u8]) -> Result<Option<V>, CodecError> {
        self.0.decode(version, bytes).map(Some)
    }
    fn show(&self, value: &Option<V>) -> Json {
        value.as_ref().map_or(Json::Null, |value| self.0.show(value))
    }
}

/// Writes nothing: there is none of it.
#[derive(Clone, Copy, Debug)]
pub enum NoCodec {}
impl<V> Codec<V> for NoCodec {
    fn describe(&self, _: &mut Describe) -> TypeRef {
        match *self {}
    }
    fn encode(&self, _: &V, _: &mut Vec<u8>) -> Result<(), CodecError> {
        match *self {}
    }
    fn decode(&self, _: u32, _: &[u8]) -> Result<V, CodecError> {
        match *self {}
    }
}

/// How a value is written that an expansion found to be a record.
pub struct Code<T> {
    describe: fn(&mut Describe) -> TypeRef,
    encode: fn(&T, &mut Vec<u8>) -> Result<(), CodecError>,
    decode: fn(&[u8]) -> Result<T, CodecError>,
    show: fn(&T) -> Json,
}
impl<T: Record> Code<T> {
    /// That of a record.
    pub const fn of() -> Self {
        Code { describe: T::describe, encode: T::encode, decode: T::decode, show: T::to_json }
    }
}
impl<T> Clone for Code<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Code<T> {}
impl<T> fmt::Debug for Code<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code")
    }
}
impl<T: 'static> Codec<T> for Code<T> {
    fn describe(&self, d: &mut Describe) -> TypeRef {
        (self.describe)(d)
    }
    fn encode(&self, value: &T, out: &mut Vec<u8>) -> Result<(), CodecError> {
        (self.encode)(value, out)
    }
    fn decode(&self, _: u32, bytes: &[u8]) -> Result<T, CodecError> {
        (self.decode)(bytes)
    }
    fn show(&self, value: &T) -> Json {
        (self.show)(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_writing_a_record_agree() {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        OfRecord::new().encode(&(7u64, "x".to_owned()), &mut a).unwrap();
        let code = Code::<(u64, String)>::of();
        code.encode(&(7, "x".to_owned()), &mut b).unwrap();
        assert_eq!(a, b);
        assert_eq!(code.decode(1, &a), Ok((7, "x".to_owned())));
    }
}
