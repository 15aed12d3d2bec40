//! Keyed state: before or after the derives, with fields left out, and migrated step by step.
#![deny(missing_docs, unused_qualifications, unreachable_pub, unused)]
use malstrom::{Key, KeyedState, Record, keyed_state};

/// A key.
#[derive(Key, PartialEq, Eq, Hash, Clone)]
pub struct Card(u64);

/// Versions that were.
pub mod old {
    use super::Card;
    use malstrom::keyed_state;
    /// The first.
    #[keyed_state(key = Card, name = "profile")]
    pub struct First(pub u8);
    /// The second.
    #[keyed_state(key = Card, name = "profile", version = 3, migrate_from = First)]
    pub struct Second {
        /// A count.
        pub count: u32,
    }
    impl From<First> for Second {
        fn from(First(count): First) -> Self {
            Second { count: count.into() }
        }
    }
}

/// The attribute first.
#[keyed_state(key = Card, name = "profile", version = 4, migrate_from = old::Second)]
#[derive(Default, Debug, PartialEq)]
pub struct Profile {
    count: u64,
    #[record(skip)]
    cached: Option<std::time::Instant>,
    #[cfg(any())]
    absent: Nowhere,
}
impl From<old::Second> for Profile {
    fn from(old: old::Second) -> Self {
        Profile { count: old.count.into(), ..Default::default() }
    }
}

/// The derives first.
#[derive(Default, Debug, Clone)]
#[keyed_state(key = (u64, String))]
pub struct Count {
    n: u64,
    /// Not kept.
    #[record(skip)]
    pub cached: u8,
}

/// By serde.
#[keyed_state(key = u64)]
#[record(codec = serde)]
#[derive(serde::Serialize, serde::Deserialize, Default)]
pub enum Phase {
    /// The first.
    #[default]
    Start,
}

/// Under another name.
pub mod renamed {
    use malstrom as ms;
    /// Elsewhere.
    #[ms::keyed_state(key = u64, crate = ms)]
    pub struct Elsewhere(u8);
    /// Elsewhere.
    #[derive(ms::Record)]
    #[record(crate = ms)]
    pub struct Record(pub u8);
    /// Elsewhere.
    #[derive(ms::Key, PartialEq, Eq, Hash, Clone)]
    #[key(crate = ms)]
    pub struct Key(pub u8);
}

fn main() {
    let mut bytes = Vec::new();
    old::First(7).encode(&mut bytes).unwrap();
    assert_eq!(Profile::decode_version(1, &bytes).unwrap(), Profile { count: 7, ..Default::default() });
    let unknown = Profile::decode_version(2, &bytes).unwrap_err().to_string();
    assert_eq!(unknown, "this program does not know version 2 of state `profile`");
    assert!(Profile::describe_version(2).is_none());
    let newer = Profile::decode_version(5, &bytes).unwrap_err().to_string();
    assert_eq!(newer, "this program does not know version 5 of state `profile`");
    assert!(Profile::describe_version(3).is_some_and(|old| old != Profile::describe_version(4).unwrap()));
    assert_eq!((Count::NAME, Count::VERSION, Count::TTL), ("Count", 1, None));
    assert_ne!(Count::fingerprint(), Profile::fingerprint());
    fn _state<T: KeyedState>() {}
    _state::<Phase>();
    _state::<renamed::Elsewhere>();
    fn _key<T: malstrom::PartitionKey>() {}
    _key::<renamed::Key>();
    fn _record<T: Record>() {}
    _record::<renamed::Record>();
}
