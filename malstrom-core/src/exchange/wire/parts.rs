//! How what aggregates have put together before an exchange is written: records, and partial results between them. Neither needs to be a
//! record for the compiler, so each is written by what is known of it.
use super::{Section, Wire};
use crate::contract::code::{Code, Codec};
use crate::contract::form::Meta;
use crate::contract::key::PartitionKey;
use crate::contract::record::CodecError;
use crate::contract::record::archive::access_all;
use crate::exchange::batch::Envelope;
use crate::state::key_group::KeyHasher;
use crate::stream::combine::Part;
use std::cell::RefCell;

/// That of records that `code` writes, and of what is kept of several of them, which `codec` does.
pub(crate) fn parts<M: Meta<Key: PartitionKey>, T: 'static, V: 'static>(
    seed: u64,
    code: Code<T>,
    codec: impl Codec<V>,
) -> Wire<M, Part<T, V>> {
    let (hasher, version) = (RefCell::new(KeyHasher::new(seed)), codec.version());
    let reader = codec.clone();
    Wire::new(
        move |envelopes: &[Envelope<M, Part<T, V>>], out: &mut Vec<u8>| {
            for envelope in envelopes {
                let at = out.len();
                out.extend_from_slice(&[0; 12]);
                let records = match &envelope.record {
                    // No partial result is of no records.
                    Part::Record(record) => code.encode(record, out).map(|()| 0),
                    Part::Gathered { kept, records } => codec.encode(kept, out).map(|()| *records),
                }?;
                let len = u32::try_from(out.len() - at - 12).map_err(|_| CodecError::new("a value is too large"))?;
                out[at..at + 4].copy_from_slice(&len.to_le_bytes());
                out[at + 4..at + 12].copy_from_slice(&records.to_le_bytes());
            }
            Ok(())
        },
        move |section: Section<'_>, out: &mut Vec<Envelope<M, Part<T, V>>>| {
            let keys = access_all::<M::Key>(section.keys, section.count)?;
            let hasher = &mut *hasher.borrow_mut();
            let mut rest = section.records;
            for (at, key) in keys.values().enumerate() {
                let cut = || CodecError::new("a batch ends within a value");
                let (head, behind) = rest.split_first_chunk::<12>().ok_or_else(cut)?;
                let len = u32::from_le_bytes([0, 1, 2, 3].map(|at| head[at])) as usize;
                let records = u64::from_le_bytes([4, 5, 6, 7, 8, 9, 10, 11].map(|at| head[at]));
                let (bytes, behind) = behind.split_at_checked(len).ok_or_else(cut)?;
                rest = behind;
                let record = match records {
                    0 => Part::Record(code.decode(1, bytes)?),
                    records => Part::Gathered { kept: reader.decode(version, bytes)?, records },
                };
                let key = key?;
                out.push(Envelope { hash: hasher.hash(&key), stamp: section.stamp(at), key, record });
            }
            if rest.is_empty() {
                Ok(())
            } else {
                Err(CodecError::new("there is something behind the values of a batch"))
            }
        },
    )
}
