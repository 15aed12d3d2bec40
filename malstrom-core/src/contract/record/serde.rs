//! `#[record(codec = serde)]`: types that only know serde, written by postcard as a string of bytes.
use super::archive::{De, Layout, Ser};
use super::limited::Limited;
use super::{CodecError, MAX_BYTES};
use ::serde::Serialize;
use ::serde::de::DeserializeOwned;
use rkyv::Place;
use rkyv::vec::{ArchivedVec, VecResolver};
use rkyv::with::{ArchiveWith, DeserializeWith, SerializeWith};

/// The layout of types that serde writes.
#[derive(Debug)]
pub struct Postcard;

/// A type that serde can write and read.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be written by serde, and `codec = serde` promises that",
    label = "needs serde's traits",
    note = "derive `serde::Serialize` and `serde::Deserialize` beside `Record`"
)]
pub trait BySerde: Send + Sized + 'static {
    /// The layout.
    type As: Layout<Self>;
}
#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned + Send + 'static> BySerde for T {
    type As = Postcard;
}

impl<T: Serialize + DeserializeOwned> ArchiveWith<T> for Postcard {
    type Archived = ArchivedVec<u8>;
    type Resolver = (VecResolver, usize);
    fn resolve_with(_: &T, (at, len): Self::Resolver, out: Place<Self::Archived>) {
        ArchivedVec::resolve_from_len(len, at, out);
    }
}
impl<T: Serialize + DeserializeOwned> SerializeWith<T, Ser> for Postcard {
    fn serialize_with(value: &T, ser: &mut Ser) -> Result<Self::Resolver, CodecError> {
        let bytes = postcard::to_allocvec(value).map_err(|error| CodecError::new(error.to_string()))?;
        if bytes.len() > MAX_BYTES {
            return Err(CodecError::new(format!("the value takes more than {MAX_BYTES} bytes")));
        }
        Ok((ArchivedVec::serialize_from_slice(bytes.as_slice(), ser)?, bytes.len()))
    }
}
impl<T: Serialize + DeserializeOwned> DeserializeWith<ArchivedVec<u8>, T, De> for Postcard {
    fn deserialize_with(bytes: &ArchivedVec<u8>, _: &mut De) -> Result<T, CodecError> {
        let mut postcard = postcard::Deserializer::from_bytes(bytes.as_slice());
        let value = Limited::read(&mut postcard, bytes.len()).map_err(|error| CodecError::new(error.to_string()))?;
        match postcard.finalize() {
            Ok([]) => Ok(value),
            _ => Err(CodecError::new("bytes are left over")),
        }
    }
}
