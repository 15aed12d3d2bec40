//! How numbers and texts lie in objects: little endian, texts with their length in front, a checksum at the end.
use crate::contract::snapshot::Part;
use crate::error::Error;
use std::fmt;
use xxhash_rust::xxh3::xxh3_64;

/// The checksum of everything that is stored.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// Appends what an object is made of.
#[derive(Default)]
pub(super) struct Writer(Vec<u8>);
impl Writer {
    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }
    pub(super) fn u16(&mut self, value: u16) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    pub(super) fn u128(&mut self, value: u128) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }
    pub(super) fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }
    /// A length. Whatever is counted lies in memory, so that it is below 2³² is checked where it is read.
    pub(super) fn len(&mut self, len: usize) {
        self.u32(u32::try_from(len).unwrap_or(u32::MAX));
    }
    pub(super) fn text(&mut self, text: &str) {
        self.len(text.len());
        self.raw(text.as_bytes());
    }
    pub(super) fn finish(self) -> Vec<u8> {
        self.0
    }
    /// With the checksum of all of it behind.
    pub(super) fn seal(mut self) -> Vec<u8> {
        let sum = checksum(&self.0);
        self.u64(sum);
        self.0
    }
}

/// Why the bytes of an object cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Garbled {
    /// They are not what was written.
    Damaged(String),
    /// A newer release has written them.
    Newer {
        /// Their format.
        format: u32,
        /// The newest that this release reads.
        known: u32,
    },
}
impl From<&str> for Garbled {
    fn from(why: &str) -> Self {
        Garbled::Damaged(why.to_owned())
    }
}
impl From<String> for Garbled {
    fn from(why: String) -> Self {
        Garbled::Damaged(why)
    }
}
impl fmt::Display for Garbled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Garbled::Damaged(why) => f.write_str(why),
            Garbled::Newer { format, known } => {
                write!(f, "it has format {format}, and this release reads formats up to {known}")
            }
        }
    }
}
impl Garbled {
    /// The error for this object.
    pub(super) fn of(self, object: String) -> Error {
        match self {
            Garbled::Damaged(message) => Error::Damaged { object, message },
            Garbled::Newer { format, known } => Error::snapshot(format!(
                "`{object}` was written by a newer release: it has format {format}, and this one reads formats up to {known}. Run the \
                 release that wrote it, or a later one"
            )),
        }
    }
}

/// Takes apart what a [`Writer`] has put together, and believes nothing.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}
impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }
    /// What [`Writer::seal`] has written, after its checksum was found right.
    pub(super) fn unseal(bytes: &'a [u8]) -> Result<Self, Garbled> {
        let Some((body, sum)) = bytes.split_last_chunk() else {
            return Err(format!("it has only {} bytes", bytes.len()).into());
        };
        if checksum(body) != u64::from_le_bytes(*sum) {
            return Err("its checksum is wrong".into());
        }
        Ok(Reader::new(body))
    }
    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Garbled> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or("it ends too early")?;
        self.rest = rest;
        Ok(taken)
    }
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Garbled> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or("it ends too early")?;
        self.rest = rest;
        Ok(*taken)
    }
    pub(super) fn u8(&mut self) -> Result<u8, Garbled> {
        self.array().map(u8::from_le_bytes)
    }
    pub(super) fn u16(&mut self) -> Result<u16, Garbled> {
        self.array().map(u16::from_le_bytes)
    }
    pub(super) fn u32(&mut self) -> Result<u32, Garbled> {
        self.array().map(u32::from_le_bytes)
    }
    pub(super) fn u64(&mut self) -> Result<u64, Garbled> {
        self.array().map(u64::from_le_bytes)
    }
    pub(super) fn u128(&mut self) -> Result<u128, Garbled> {
        self.array().map(u128::from_le_bytes)
    }
    /// The number of things that follow, each of at least `least` bytes, so that no more memory is asked for than there
    /// are bytes.
    pub(super) fn len(&mut self, least: usize) -> Result<usize, Garbled> {
        let len = self.u32()? as usize;
        if len.saturating_mul(least.max(1)) > self.rest.len() {
            return Err("it ends too early".into());
        }
        Ok(len)
    }
    pub(super) fn text(&mut self) -> Result<String, Garbled> {
        let len = self.len(1)?;
        let bytes = self.take(len)?;
        std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| "a text in it is not UTF-8".into())
    }
    pub(super) fn part(&mut self) -> Result<Part, Garbled> {
        use Part::{Counts, EventTimers, ProcessingTimers, Splits, Staged, State, Time};
        let number = self.u8()?;
        let all = [State, EventTimers, ProcessingTimers, Time, Splits, Staged, Counts];
        all.into_iter()
            .find(|part| *part as u8 == number)
            .ok_or_else(|| format!("it has an unknown part {number}").into())
    }
    /// The format, which may not be newer than `known`.
    pub(super) fn format(&mut self, known: u32) -> Result<u32, Garbled> {
        match self.u32()? {
            0 => Err("it has format 0".into()),
            format if format > known => Err(Garbled::Newer { format, known }),
            format => Ok(format),
        }
    }
    /// Nothing may be left.
    pub(super) fn end(&self) -> Result<(), Garbled> {
        if self.rest.is_empty() { Ok(()) } else { Err(format!("{} bytes too many", self.rest.len()).into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut w = Writer::default();
        w.u8(1);
        w.u16(2);
        w.u32(3);
        w.u64(4);
        w.u128(5);
        w.text("é");
        let bytes = w.seal();
        let mut r = Reader::unseal(&bytes).unwrap();
        assert_eq!((r.u8(), r.u16(), r.u32(), r.u64(), r.u128()), (Ok(1), Ok(2), Ok(3), Ok(4), Ok(5)));
        assert!(r.end().is_err());
        assert_eq!(r.text(), Ok("é".to_owned()));
        assert_eq!(r.end(), Ok(()));
        assert!(r.u8().is_err());
    }

    #[test]
    fn a_length_beyond_the_end_asks_for_no_memory() {
        let mut w = Writer::default();
        w.u32(u32::MAX);
        w.u64(0);
        let bytes = w.finish();
        assert!(Reader::new(&bytes).text().is_err());
        assert!(Reader::new(&bytes).len(4).is_err());
        assert_eq!(Reader::new(&[2, 0, 0, 0, 7, 7]).len(1), Ok(2));
    }
}
