//! Keys: canonical bytes, and records.
#![deny(missing_docs, unused_qualifications, unreachable_pub, unused)]
use malstrom::key::canonical;
use malstrom::{Key, PartitionKey, Record};

/// A struct.
#[derive(Key, PartialEq, Eq, Hash, Clone, Debug)]
pub struct Id {
    region: u16,
    number: u64,
}
/// An enum.
#[derive(Key, PartialEq, Eq, Hash, Clone, Debug)]
pub enum Who<T> {
    /// No one.
    Nobody,
    /// Somebody.
    User(T, Option<u8>),
    /// Many.
    Group {
        /// Their name.
        name: String,
    },
}

fn same<K: PartitionKey + std::fmt::Debug>(key: K, expected: &[u8]) {
    assert_eq!(canonical(&key), expected);
    let mut bytes = Vec::new();
    key.encode(&mut bytes).unwrap();
    assert_eq!(K::decode(&bytes).unwrap(), key);
}

fn main() {
    same(Id { region: 1, number: 2 }, &[1, 0, 2, 0, 0, 0, 0, 0, 0, 0]);
    same(Who::<Id>::Nobody, &[0, 0]);
    same(Who::User(Id { region: 1, number: 2 }, None), &[1, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
    same(Who::<u8>::Group { name: "ab".into() }, &[2, 0, 2, 0, 0, 0, b'a', b'b']);
    fn _record<T: Record>() {}
    _record::<Who<String>>();
}
