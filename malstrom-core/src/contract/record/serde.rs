//! `#[record(codec = serde)]`: types that only know serde, written by postcard as a string of bytes.
use super::archive::{De, Ser};
use super::json::Json;
use super::limited::Limited;
use super::{CodecError, MAX_BYTES};
use ::serde::Serialize;
use ::serde::de::DeserializeOwned;
use rkyv::Place;
use rkyv::vec::{ArchivedVec, VecResolver};
use rkyv::with::{ArchiveWith, DeserializeWith, SerializeWith};

/// A record that has its own way of being written.
pub trait Opaque: Sized {
    /// The value's bytes.
    ///
    /// # Errors
    /// If it has none.
    fn to_bytes(&self) -> Result<Vec<u8>, CodecError>;
    /// The value that has these bytes.
    ///
    /// # Errors
    /// If there is none.
    fn from_bytes(bytes: &[u8]) -> Result<Self, CodecError>;
}

/// A type that serde can write and read.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written by serde, and `codec = serde` promises that",
    label = "needs serde's traits",
    note = "derive `serde::Serialize` and `serde::Deserialize` beside `Record`"
)]
pub trait BySerde: Sized {
    /// The value's bytes.
    ///
    /// # Errors
    /// If serde cannot write it.
    fn write(&self) -> Result<Vec<u8>, CodecError>;
    /// The value that has these bytes.
    ///
    /// # Errors
    /// If serde finds none, or more levels or elements than bytes could hold.
    fn read(bytes: &[u8]) -> Result<Self, CodecError>;
    /// As serde writes it; if it cannot, as for maps whose keys are no text, what it says instead.
    fn json(&self) -> Json;
}
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> BySerde for T {
    fn write(&self) -> Result<Vec<u8>, CodecError> {
        postcard::to_allocvec(self).map_err(|error| CodecError::new(error.to_string()))
    }
    fn read(bytes: &[u8]) -> Result<T, CodecError> {
        let mut postcard = postcard::Deserializer::from_bytes(bytes);
        let value = Limited::read(&mut postcard, bytes.len()).map_err(|error| CodecError::new(error.to_string()))?;
        match postcard.finalize() {
            Ok([]) => Ok(value),
            _ => Err(CodecError::new("bytes are left over")),
        }
    }
    fn json(&self) -> Json {
        serde_json::to_value(self).unwrap_or_else(|error| Json::String(format!("<{error}>")))
    }
}

/// The layout of opaque records: a string of bytes.
#[derive(Debug)]
pub struct AsBytes;

impl<T: Opaque> ArchiveWith<T> for AsBytes {
    type Archived = ArchivedVec<u8>;
    type Resolver = (VecResolver, usize);
    fn resolve_with(_: &T, (at, len): Self::Resolver, out: Place<Self::Archived>) {
        ArchivedVec::resolve_from_len(len, at, out);
    }
}
impl<T: Opaque> SerializeWith<T, Ser> for AsBytes {
    fn serialize_with(value: &T, ser: &mut Ser) -> Result<Self::Resolver, CodecError> {
        let bytes = value.to_bytes()?;
        if bytes.len() > MAX_BYTES {
            return Err(CodecError::new(format!("the value takes more than {MAX_BYTES} bytes")));
        }
        Ok((ArchivedVec::serialize_from_slice(bytes.as_slice(), ser)?, bytes.len()))
    }
}
impl<T: Opaque> DeserializeWith<ArchivedVec<u8>, T, De> for AsBytes {
    fn deserialize_with(bytes: &ArchivedVec<u8>, _: &mut De) -> Result<T, CodecError> {
        T::from_bytes(bytes.as_slice())
    }
}
