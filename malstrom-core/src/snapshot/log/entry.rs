//! The entries of the commit log.
use super::super::format::{Garbled, Reader, Writer};
use bytes::Bytes;
use xxhash_rust::xxh3::xxh3_128;

/// No entry is longer.
pub const MAX_ENTRY: usize = 1024;
/// Texts in an entry are cut to this length, so that it stays below [`MAX_ENTRY`].
pub(crate) const MAX_TEXT: usize = 200;

const MAGIC: &[u8; 4] = b"MSLG";
const FORMAT: u32 = 1;

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Record {
    /// A coordinator begins, with the term of the entry.
    Claim {
        /// The name of the job.
        job: String,
        /// Who it is, for people.
        id: String,
    },
    /// A snapshot is committed.
    Snapshot {
        /// Its interval.
        interval: u64,
        /// Its manifest.
        manifest: String,
        /// The checksum of the whole manifest.
        checksum: u64,
    },
    /// A savepoint is committed.
    Savepoint {
        /// Its name.
        name: String,
        /// Its interval.
        interval: u64,
        /// Its manifest.
        manifest: String,
        /// The checksum of the whole manifest.
        checksum: u64,
    },
    /// Somebody wants another number of workers.
    Target {
        /// How many.
        workers: u32,
    },
}

/// An entry of the commit log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Its place in the log, from 1.
    pub seq: u64,
    /// The term of the coordinator that wrote it.
    pub term: u64,
    /// Tells two attempts at the same entry apart.
    pub nonce: u128,
    /// The hash of the entry before it, 0 if it is the first.
    pub prev: u128,
    /// What it says.
    pub record: Record,
}
impl Entry {
    /// Its bytes.
    pub fn encode(&self) -> Bytes {
        let mut w = Writer::default();
        w.raw(MAGIC);
        w.u32(FORMAT);
        w.u8(match &self.record {
            Record::Claim { .. } => 0,
            Record::Snapshot { .. } => 1,
            Record::Savepoint { .. } => 2,
            Record::Target { .. } => 3,
        });
        w.u64(self.seq);
        w.u64(self.term);
        w.u128(self.nonce);
        w.u128(self.prev);
        match &self.record {
            Record::Claim { job, id } => {
                w.text(cut(job));
                w.text(cut(id));
            }
            Record::Snapshot { interval, manifest, checksum } => {
                w.u64(*interval);
                w.text(cut(manifest));
                w.u64(*checksum);
            }
            Record::Savepoint { name, interval, manifest, checksum } => {
                w.text(cut(name));
                w.u64(*interval);
                w.text(cut(manifest));
                w.u64(*checksum);
            }
            Record::Target { workers } => w.u32(*workers),
        }
        w.seal().into()
    }
    /// Reads what [`encode`](Self::encode) has written, for the entry at `seq`.
    ///
    /// # Errors
    /// What is wrong with the bytes.
    pub fn decode(seq: u64, bytes: &[u8]) -> Result<Self, Garbled> {
        if bytes.len() > MAX_ENTRY {
            return Err(format!("it has {} bytes", bytes.len()).into());
        }
        let entry = Self::read(Reader::unseal(bytes)?)?;
        if entry.seq != seq {
            return Err(format!("it is entry {}", entry.seq).into());
        }
        Ok(entry)
    }
    fn read(mut r: Reader<'_>) -> Result<Self, Garbled> {
        if r.take(4)? != MAGIC {
            return Err("it is not an entry of a commit log".into());
        }
        r.format(FORMAT)?;
        let kind = r.u8()?;
        let (seq, term, nonce, prev) = (r.u64()?, r.u64()?, r.u128()?, r.u128()?);
        let record = match kind {
            0 => Record::Claim { job: r.text()?, id: r.text()? },
            1 => Record::Snapshot { interval: r.u64()?, manifest: r.text()?, checksum: r.u64()? },
            2 => Record::Savepoint { name: r.text()?, interval: r.u64()?, manifest: r.text()?, checksum: r.u64()? },
            3 => Record::Target { workers: r.u32()? },
            kind => return Err(format!("it is of the unknown kind {kind}").into()),
        };
        r.end()?;
        Ok(Entry { seq, term, nonce, prev, record })
    }
}

/// What the entry behind one with these bytes has as `prev`.
pub(crate) fn hash(bytes: &[u8]) -> u128 {
    xxh3_128(bytes)
}

fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(MAX_TEXT)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record() -> impl Strategy<Value = Record> {
        let text = || "[a-zé/0-9]{0,40}";
        prop_oneof![
            (text(), text()).prop_map(|(job, id)| Record::Claim { job, id }),
            (any::<u64>(), text(), any::<u64>()).prop_map(|(interval, manifest, checksum)| Record::Snapshot {
                interval,
                manifest,
                checksum
            }),
            (text(), any::<u64>(), text(), any::<u64>()).prop_map(|(name, interval, manifest, checksum)| {
                Record::Savepoint { name, interval, manifest, checksum }
            }),
            any::<u32>().prop_map(|workers| Record::Target { workers }),
        ]
    }

    proptest! {
        #[test]
        fn an_entry_is_read_as_it_was_written(
            record in record(), seq: u64, term: u64, nonce: u128, prev: u128, at: prop::sample::Index, bit in 0u8..8,
        ) {
            let entry = Entry { seq, term, nonce, prev, record };
            let bytes = entry.encode();
            prop_assert!(bytes.len() <= MAX_ENTRY);
            prop_assert_eq!(Entry::decode(seq, &bytes), Ok(entry));
            prop_assert!(Entry::decode(seq.wrapping_add(1), &bytes).is_err());
            let mut broken = bytes.to_vec();
            let at = at.index(broken.len());
            broken[at] ^= 1 << bit;
            prop_assert!(Entry::decode(seq, &broken).is_err());
            prop_assert!(Entry::decode(seq, &bytes[..at]).is_err());
        }
    }

    #[test]
    fn an_entry_never_grows_beyond_its_limit() {
        let long = "é".repeat(5_000);
        let record = Record::Savepoint { name: long.clone(), interval: 0, manifest: long, checksum: 0 };
        let entry = Entry { seq: 1, term: 1, nonce: 0, prev: 0, record };
        assert!(entry.encode().len() <= MAX_ENTRY);
        assert!(Entry::decode(1, &entry.encode()).is_ok());
    }
}
