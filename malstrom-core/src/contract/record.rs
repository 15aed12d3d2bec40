//! Records: values that may leave their worker.
//!
//! A record is written in rkyv's format, and everything that is read is validated first, so bytes from a broken disk or
//! from a stranger give an error and nothing else. What a derived type generates is only how to take it apart and how
//! to put it together again ([`tree::RecordOrKey`]); the format itself is generic code in [`archive`] and [`tree`], in which
//! the unsafe code of this module lies.
pub mod archive;
mod containers;
mod describe;
mod difference;
#[cfg(any(feature = "chrono", feature = "jiff", feature = "rust_decimal", feature = "uuid"))]
pub(super) mod foreign;
pub mod json;
mod limited;
mod parse;
pub mod serde;
pub mod tree;
mod values;

pub use describe::{Describe, Description, TypeRef, Variant, description, fingerprint};
pub use difference::difference;

use std::fmt;

/// A value that may leave its worker: by an exchange between processes, or in a snapshot.
/// Derive it with `#[derive(Record)]`.
///
/// Implemented for the primitives, `String`, `Vec`, `Option`, `Box`, `Arc`, arrays, tuples of up to 12, maps and sets of
/// the standard library, `Duration`, `bytes::Bytes`, [`Timestamp`](crate::Timestamp) and [`Window`](crate::Window). `usize`
/// and `isize` are written as 64 bits.
///
/// With the features of their crates' names also for `uuid::Uuid`; `jiff::Timestamp`, `civil::Date` and `civil::DateTime`;
/// `chrono::DateTime<Utc>`, `NaiveDate` and `NaiveDateTime`; `rust_decimal::Decimal`.
///
/// ```
/// use malstrom_core::Record;
/// let record = (7u64, vec![Some("a".to_owned()), None]);
/// let mut bytes = Vec::new();
/// record.encode(&mut bytes)?;
/// assert_eq!(Record::decode(&bytes), Ok(record));
/// assert!(<(u64, Vec<Option<String>>)>::decode(&bytes[1..]).is_err());
/// # Ok::<(), malstrom_core::CodecError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot leave its worker: it is not a `Record`",
    label = "not a record",
    note = "annotate the type with `#[derive(Record)]`"
)]
pub trait Record: Send + Sized + 'static {
    /// How it is laid out in bytes.
    #[doc(hidden)]
    type As: archive::Layout<Self>;

    /// Adds what this type is made of to `d`, from which its fingerprint follows.
    fn describe(d: &mut Describe) -> TypeRef;

    /// Appends this value's bytes to `out`; on an error `out` is left as it was.
    ///
    /// # Errors
    /// If the value is nested more than [`MAX_DEPTH`] levels deep or its bytes exceed [`MAX_BYTES`].
    #[inline]
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        archive::encode(self, out)
    }

    /// This value for people to look at: see [`json`].
    #[doc(hidden)]
    fn to_json(&self) -> json::Json;

    /// Reads a value back from exactly the bytes that [`encode`](Record::encode) has written. They need not be aligned.
    ///
    /// # Errors
    /// If the bytes are not those of a value of this type. Nothing that is read can cause a panic, and the memory used is
    /// proportional to the number of bytes.
    #[inline]
    fn decode(bytes: &[u8]) -> Result<Self, CodecError> {
        archive::decode(bytes)
    }
}

/// How many boxes, vectors and maps may lie inside each other in one record.
pub const MAX_DEPTH: usize = 128;
/// How many bytes one record may have.
pub const MAX_BYTES: usize = 1 << 30;
/// How many elements that take no bytes, such as `()`, one vector, map or set may have.
pub const MAX_EMPTY: usize = 1 << 16;

/// Why a record could not be written or read.
#[derive(Clone, PartialEq, Eq)]
pub struct CodecError(Box<str>);

impl CodecError {
    /// An error with this message.
    ///
    /// ```
    /// let error = malstrom_core::CodecError::new("too long");
    /// assert_eq!(error.to_string(), "too long");
    /// ```
    pub fn new(message: impl Into<String>) -> Self {
        CodecError(message.into().into())
    }
}
impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl fmt::Debug for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodecError({})", self.0)
    }
}
impl std::error::Error for CodecError {}
impl rkyv::rancor::Trace for CodecError {
    fn trace<R: fmt::Debug + fmt::Display + Send + Sync + 'static>(self, _: R) -> Self {
        self
    }
}
impl rkyv::rancor::Source for CodecError {
    fn new<T: std::error::Error + Send + Sync + 'static>(source: T) -> Self {
        CodecError::new(source.to_string())
    }
}
