//! How batches are written where they leave the process.
//!
//! A batch is one message. It begins with a head of sixteen bytes: the number of records, that of signals, and how many bytes the keys
//! and the records take. Keys and records follow, each as one archive that begins where it can be read in place, and then the stamps
//! and the signals. Hashes are not sent: who receives a key computes its hash, so that a wrong one cannot put it where nobody looks.
mod parts;
mod signals;

pub(crate) use parts::parts;

use super::batch::{Batch, Envelope};
use crate::contract::form::{Meta, Stamp};
use crate::contract::key::PartitionKey;
use crate::contract::record::archive::{access_all, encode_all};
use crate::contract::record::{CodecError, Record};
use crate::state::key_group::KeyHasher;
use std::cell::RefCell;

/// How long the head is.
const HEAD: usize = 16;
/// How many records a batch may have: more than any worker sends.
const MOST: usize = 1 << 20;

/// The bytes of the keys, of the records and of the stamps of a batch.
pub(crate) struct Section<'a> {
    count: usize,
    keys: &'a [u8],
    records: &'a [u8],
    stamps: &'a [u8],
}
/// How batches of an exchange are written, and read back.
pub(crate) struct Wire<M: Meta, T> {
    write: Box<dyn Fn(&Batch<M, T>, &mut Vec<u8>) -> Result<(), CodecError>>,
    read: Box<dyn Fn(&[u8], &mut Batch<M, T>) -> Result<(), CodecError>>,
}
/// That of records that are written as they are.
pub(crate) fn records<M: Meta<Key: PartitionKey>, T: Record>(seed: u64) -> Wire<M, T> {
    let hasher = RefCell::new(KeyHasher::new(seed));
    Wire::new(
        |envelopes: &[Envelope<M, T>], out: &mut Vec<u8>| {
            encode_all(envelopes.iter().map(|envelope| &envelope.record), out)
        },
        move |section: Section<'_>, out: &mut Vec<Envelope<M, T>>| {
            let keys = access_all::<M::Key>(section.keys, section.count)?;
            let records = access_all::<T>(section.records, section.count)?;
            let hasher = &mut *hasher.borrow_mut();
            out.reserve(section.count);
            for (at, (key, record)) in keys.values().zip(records.values()).enumerate() {
                let (key, record) = (key?, record?);
                out.push(Envelope { hash: hasher.hash(&key), stamp: section.stamp(at), key, record });
            }
            Ok(())
        },
    )
}
impl Section<'_> {
    /// The stamp of a record; there is one for each.
    fn stamp<S: Stamp>(&self, at: usize) -> S {
        let bytes = self.stamps.get(at * 8..at * 8 + 8).and_then(|bytes| bytes.try_into().ok());
        S::of(bytes.map_or(0, i64::from_le_bytes))
    }
}

/// Whether records have stamps of their own.
const fn stamped<M: Meta>() -> bool {
    size_of::<M::Stamp>() > 0
}

impl<M: Meta<Key: PartitionKey>, T: 'static> Wire<M, T> {
    /// That of batches whose records, of which there is at least one, are written and read so.
    fn new(
        write: impl Fn(&[Envelope<M, T>], &mut Vec<u8>) -> Result<(), CodecError> + 'static,
        read: impl Fn(Section<'_>, &mut Vec<Envelope<M, T>>) -> Result<(), CodecError> + 'static,
    ) -> Self {
        Wire {
            write: Box::new(move |batch, out| write_batch(batch, out, &write)),
            read: Box::new(move |bytes, batch| read_batch(bytes, batch, &read)),
        }
    }
}
impl<M: Meta, T> Wire<M, T> {
    /// Writes a batch, of which it is known that nothing else is in `out`.
    pub(crate) fn write(&self, batch: &Batch<M, T>, out: &mut Vec<u8>) -> Result<(), CodecError> {
        (self.write)(batch, out)
    }
    /// Reads a batch into an empty one.
    pub(crate) fn read(&self, bytes: &[u8], batch: &mut Batch<M, T>) -> Result<(), CodecError> {
        (self.read)(bytes, batch)
    }
}

fn write_batch<M: Meta<Key: Record>, T>(
    batch: &Batch<M, T>,
    out: &mut Vec<u8>,
    write: impl Fn(&[Envelope<M, T>], &mut Vec<u8>) -> Result<(), CodecError>,
) -> Result<(), CodecError> {
    let Batch { records, signals } = batch;
    out.resize(HEAD, 0);
    let (mut keys, mut written) = (0, 0);
    if !records.is_empty() {
        encode_all(records.iter().map(|envelope| &envelope.key), out)?;
        keys = out.len() - HEAD;
        out.resize(out.len().next_multiple_of(16), 0);
        let begin = out.len();
        write(records, out)?;
        written = out.len() - begin;
    }
    if stamped::<M>() {
        for envelope in records {
            out.extend_from_slice(&envelope.stamp.ticks().unwrap_or_default().to_le_bytes());
        }
    }
    for (at, signal) in signals {
        signals::write(*at, *signal, out);
    }
    for (place, number) in [records.len(), signals.len(), keys, written].into_iter().enumerate() {
        let number = u32::try_from(number).map_err(|_| CodecError::new("a batch takes more than 4 GiB"))?;
        out[4 * place..4 * place + 4].copy_from_slice(&number.to_le_bytes());
    }
    Ok(())
}
fn read_batch<M: Meta, T>(
    bytes: &[u8],
    batch: &mut Batch<M, T>,
    read: impl Fn(Section<'_>, &mut Vec<Envelope<M, T>>) -> Result<(), CodecError>,
) -> Result<(), CodecError> {
    let broken = || CodecError::new("a batch is cut off, or is none");
    let head = bytes.get(..HEAD).ok_or_else(broken)?;
    let number = |place: usize| u32::from_le_bytes([0, 1, 2, 3].map(|at| head[4 * place + at])) as usize;
    let [count, noted, keys, written] = [0, 1, 2, 3].map(number);
    if count > MOST {
        return Err(CodecError::new(format!("a batch has {count} records, and {MOST} are the most")));
    }
    let keys_end = HEAD.checked_add(keys).ok_or_else(broken)?;
    let begin = if count == 0 { keys_end } else { keys_end.next_multiple_of(16) };
    let end = begin.checked_add(written).ok_or_else(broken)?;
    let stamps_end = if stamped::<M>() { end + 8 * count } else { end };
    let part = |from: usize, to: usize| bytes.get(from..to).ok_or_else(broken);
    let (keys, records) = (part(HEAD, keys_end)?, part(begin, end)?);
    let (stamps, mut rest) = (part(end, stamps_end)?, part(stamps_end, bytes.len())?);
    if count > 0 {
        read(Section { count, keys, records, stamps }, &mut batch.records)?;
    }
    for _ in 0..noted {
        let (at, signal) = signals::read(&mut rest)?;
        if at > count || batch.signals.last().is_some_and(|(last, _)| *last > at) {
            return Err(CodecError::new("the signals of a batch are not in order"));
        }
        batch.signals.push((at, signal));
    }
    if rest.is_empty() { Ok(()) } else { Err(CodecError::new("there is something behind a batch")) }
}

#[cfg(test)]
mod tests;
