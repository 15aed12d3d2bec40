//! How sessions are written to snapshots.
use super::{Gathered, Run};
use crate::contract::code::{Code, Codec, OfList};
use crate::contract::record::{CodecError, Describe, TypeRef};

/// Writes the sessions of a key. By what the agenda knows them is not written.
#[derive(Clone)]
pub(super) struct OfRuns<C>(pub(super) C);
impl<V, C: Codec<V>> Codec<Vec<Run<V>>> for OfRuns<C> {
    fn describe(&self, d: &mut Describe) -> TypeRef {
        OfList(OfRun(self.0.clone())).describe(d)
    }
    fn encode(&self, runs: &Vec<Run<V>>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        OfList(OfRun(self.0.clone())).encode(runs, out)
    }
    fn decode(&self, version: u32, bytes: &[u8]) -> Result<Vec<Run<V>>, CodecError> {
        let runs: Vec<Run<V>> = OfList(OfRun(self.0.clone())).decode(version, bytes)?;
        if runs.is_empty() || !runs.is_sorted_by(|a, b| a.last < b.first) {
            return Err(CodecError::new("the sessions of a key are not in order"));
        }
        Ok(runs)
    }
}
/// Writes the first and the last time, whether the window has closed, and what is kept.
#[derive(Clone)]
struct OfRun<C>(C);
impl<V, C: Codec<V>> Codec<Run<V>> for OfRun<C> {
    fn describe(&self, d: &mut Describe) -> TypeRef {
        let time = || TypeRef::plain("i64");
        TypeRef::of("", [time(), time(), TypeRef::plain("bool"), self.0.describe(d)])
    }
    fn encode(&self, run: &Run<V>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let before = out.len();
        out.extend(run.first.to_le_bytes());
        out.extend(run.last.to_le_bytes());
        out.push(u8::from(run.fired));
        self.0.encode(&run.kept, out).inspect_err(|_| out.truncate(before))
    }
    fn decode(&self, version: u32, bytes: &[u8]) -> Result<Run<V>, CodecError> {
        let broken = || CodecError::new("a session without its times");
        let (first, rest) = bytes.split_first_chunk().ok_or_else(broken)?;
        let (last, rest) = rest.split_first_chunk().ok_or_else(broken)?;
        let (fired, kept) = match rest {
            [fired @ (0 | 1), kept @ ..] => (*fired == 1, kept),
            _ => return Err(broken()),
        };
        let (first, last) = (i64::from_le_bytes(*first), i64::from_le_bytes(*last));
        if first > last {
            return Err(CodecError::new("a session ends before it begins"));
        }
        Ok(Run { id: 0, first, last, fired, kept: self.0.decode(version, kept)? })
    }
}

/// Writes a record behind its time.
#[derive(Clone)]
pub(crate) struct OfTimed<C>(pub(crate) C);
impl<T, C: Codec<T>> Codec<(i64, T)> for OfTimed<C> {
    fn describe(&self, d: &mut Describe) -> TypeRef {
        TypeRef::of("", [TypeRef::plain("i64"), self.0.describe(d)])
    }
    fn encode(&self, (time, record): &(i64, T), out: &mut Vec<u8>) -> Result<(), CodecError> {
        self.encode_parts(*time, record, out)
    }
    fn decode(&self, version: u32, bytes: &[u8]) -> Result<(i64, T), CodecError> {
        let (time, record) = bytes.split_first_chunk().ok_or_else(|| CodecError::new("a record without its time"))?;
        Ok((i64::from_le_bytes(*time), self.0.decode(version, record)?))
    }
}
impl<C> OfTimed<C> {
    /// As [`encode`](Codec::encode), where the two do not lie beside each other.
    pub(crate) fn encode_parts<T>(&self, time: i64, record: &T, out: &mut Vec<u8>) -> Result<(), CodecError>
    where
        C: Codec<T>,
    {
        let before = out.len();
        out.extend(time.to_le_bytes());
        self.0.encode(record, out).inspect_err(|_| out.truncate(before))
    }
}

/// Writes what is kept of a session, or its records.
pub(super) enum OfGathered<C, T> {
    Kept(C),
    Records(OfList<OfTimed<Code<T>>>),
}
impl<C, T> OfGathered<C, T> {
    pub(super) fn kept(codec: C) -> Self {
        OfGathered::Kept(codec)
    }
    pub(super) fn records(code: Code<T>) -> Self {
        OfGathered::Records(OfList(OfTimed(code)))
    }
}
impl<C: Clone, T> Clone for OfGathered<C, T> {
    fn clone(&self) -> Self {
        match self {
            OfGathered::Kept(codec) => OfGathered::Kept(codec.clone()),
            OfGathered::Records(codec) => OfGathered::Records(codec.clone()),
        }
    }
}
impl<V, T: 'static, C: Codec<V>> Codec<Gathered<V, T>> for OfGathered<C, T> {
    fn describe(&self, d: &mut Describe) -> TypeRef {
        match self {
            OfGathered::Kept(codec) => codec.describe(d),
            OfGathered::Records(codec) => codec.describe(d),
        }
    }
    fn encode(&self, gathered: &Gathered<V, T>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        match (self, gathered) {
            (OfGathered::Kept(codec), Gathered::Kept(kept)) => codec.encode(kept, out),
            (OfGathered::Records(codec), Gathered::Records(records)) => codec.encode(records, out),
            _ => Err(CodecError::new("a session of another aggregate")),
        }
    }
    fn decode(&self, version: u32, bytes: &[u8]) -> Result<Gathered<V, T>, CodecError> {
        Ok(match self {
            OfGathered::Kept(codec) => Gathered::Kept(codec.decode(version, bytes)?),
            OfGathered::Records(codec) => Gathered::Records(codec.decode(version, bytes)?),
        })
    }
}
