//! Keys and the canonical bytes from which their key group follows.
//!
//! | key | canonical bytes |
//! |---|---|
//! | `u8` to `u128`, `i8` to `i128` | little-endian, as wide as the type |
//! | `usize`, `isize` | as `u64`, `i64` |
//! | `bool`, `char` | one byte, 0 or 1; the scalar value as `u32` |
//! | `String`, `bytes::Bytes` | the length in bytes as `u32`, then the bytes |
//! | `Vec`, `BTreeSet`, `BTreeMap` | the number of elements as `u32`, then each element, or each key and its value |
//! | `Option` | 0, or 1 and the value |
//! | arrays, tuples, structs | each element or field, in order |
//! | enums | the index of the variant as `u16`, then its fields |
//! | `Box`, `Arc` | the content |
//! | `Duration` | the seconds as `u64`, then the nanoseconds as `u32` |
//! | `Timestamp` | the microseconds since 1970 as `i64` |
//! | `Window` | its start, then its end |
//! | `()`, `PhantomData` | nothing |
//!
//! With the features of their crates' names:
//!
//! | key | canonical bytes |
//! |---|---|
//! | `uuid::Uuid` | its 16 bytes, as they are read |
//! | `jiff::Timestamp`, `chrono::DateTime<Utc>` | the seconds since 1970, rounded down, as `i64`, then the nanoseconds as `u32` |
//! | `jiff::civil::DateTime`, `chrono::NaiveDateTime` | the same, as if it were in UTC |
//! | `jiff::civil::Date`, `chrono::NaiveDate` | the days since 1970-01-01 as `i32` |
//! | `rust_decimal::Decimal` | without trailing zeros: the digits as 12 bytes, then the scale as `u32`, with the sign as its highest bit |
#[cfg(any(feature = "chrono", feature = "jiff", feature = "rust_decimal", feature = "uuid"))]
mod foreign;
mod groups;
mod values;

pub use groups::{KeyGroups, KeyGroupsError};

use super::record::Record;
use std::hash::Hash;

/// A value that streams can be keyed by. Derive it with `#[derive(Key)]`.
///
/// Implemented for what is a [`Record`], except floats, `HashMap` and `HashSet`: what has no canonical bytes.
///
/// Where a key lives follows from its *canonical bytes* alone, so they are part of the data format: they must be the
/// same on every machine and in every release, and equal keys must have equal bytes.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key",
    label = "not a key",
    note = "annotate the type with `#[derive(Key, PartialEq, Eq, Hash, Clone)]`; floats are no keys, for they are not `Eq`"
)]
pub trait PartitionKey: Record + Eq + Hash + Clone {
    /// Writes the canonical bytes of this key: integers little-endian, strings prefixed by their length, enums by the
    /// index of the variant.
    ///
    /// ```
    /// use malstrom_core::PartitionKey;
    /// use malstrom_core::contract::key::canonical;
    /// assert_eq!(canonical(&(7u16, "ab".to_owned())), [7, 0, 2, 0, 0, 0, b'a', b'b']);
    /// ```
    fn write_key(&self, out: &mut KeyWriter<'_>);
}

/// Takes the canonical bytes of one key. Up to 16 bytes stay in registers; longer keys spill to a reused buffer.
#[derive(Debug)]
pub struct KeyWriter<'a> {
    short: u128,
    len: usize,
    long: &'a mut Vec<u8>,
}

impl<'a> KeyWriter<'a> {
    /// A writer that spills into `long`, which it clears first when it does.
    #[inline(always)]
    pub fn new(long: &'a mut Vec<u8>) -> Self {
        KeyWriter { short: 0, len: 0, long }
    }
    /// Appends up to eight bytes, given as the low `len` bytes of `word`; its other bytes must be zero.
    #[inline(always)]
    pub fn word(&mut self, word: u64, len: usize) {
        if self.len + len <= 16 {
            self.short |= (word as u128) << (8 * (self.len as u32 & 15));
        } else {
            self.spill(&word.to_le_bytes()[..len]);
        }
        self.len += len;
    }
    /// Appends `bytes` as they are, without a length.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        if self.len + bytes.len() <= 16 {
            let mut padded = [0u8; 16];
            padded[..bytes.len()].copy_from_slice(bytes);
            if !bytes.is_empty() {
                self.short |= u128::from_le_bytes(padded) << (8 * self.len as u32);
            }
        } else {
            self.spill(bytes);
        }
        self.len += bytes.len();
    }
    fn spill(&mut self, bytes: &[u8]) {
        if self.len <= 16 {
            self.long.clear();
            self.long.extend_from_slice(&self.short.to_le_bytes()[..self.len]);
        }
        self.long.extend_from_slice(bytes);
    }
    /// The bytes written so far: `Ok((low, high, length))` while they fit in two words, else the spilled slice.
    #[inline(always)]
    pub fn finish(&self) -> Result<(u64, u64, usize), &[u8]> {
        if self.len <= 16 { Ok((self.short as u64, (self.short >> 64) as u64, self.len)) } else { Err(self.long) }
    }
}

/// The canonical bytes of `key`, for tests and tools.
pub fn canonical<K: PartitionKey>(key: &K) -> Vec<u8> {
    let mut long = Vec::new();
    let mut writer = KeyWriter::new(&mut long);
    key.write_key(&mut writer);
    match writer.finish() {
        Ok((low, high, len)) => {
            let both = u128::from(low) | u128::from(high) << 64;
            both.to_le_bytes().into_iter().take(len).collect()
        }
        Err(bytes) => bytes.to_vec(),
    }
}
