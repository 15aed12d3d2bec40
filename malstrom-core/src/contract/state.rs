//! Keyed state: what operators keep per key.
use super::key::PartitionKey;
use super::record::{self, CodecError, Description, Record};
use std::time::Duration;

/// State that is kept per key. Annotate the type with `#[keyed_state(key = ..)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept as keyed state",
    label = "not keyed state",
    note = "annotate the type with `#[keyed_state(key = ..)]`"
)]
pub trait KeyedState: Record {
    /// What it is kept per.
    type Key: PartitionKey;
    /// What it is called in snapshots.
    const NAME: &'static str;
    /// The version of its fields, from 1.
    const VERSION: u32;
    /// How long a key's state outlives the last change to it.
    const TTL: Option<Duration>;

    /// A number that changes when the fields do. Snapshots keep it: a restore is refused if it has changed and the
    /// version has not.
    fn fingerprint() -> u64 {
        record::fingerprint::<Self>()
    }

    /// Reads state that version `version` has written, and brings it to this version step by step.
    ///
    /// # Errors
    /// If the bytes are not state of that version, or no migration leads from it.
    #[doc(hidden)]
    fn decode_version(version: u32, bytes: &[u8]) -> Result<Self, CodecError> {
        decode_same(version, bytes)
    }

    /// What the fields of version `version` are, if a migration leads from it.
    #[doc(hidden)]
    fn describe_version(version: u32) -> Option<Description> {
        (version == Self::VERSION).then(record::description::<Self>)
    }
}

/// What an expansion with a migration calls for its own version, and for those that are newer.
#[doc(hidden)]
pub fn decode_same<S: KeyedState>(version: u32, bytes: &[u8]) -> Result<S, CodecError> {
    if version == S::VERSION {
        S::decode(bytes)
    } else {
        Err(CodecError::new(format!("this program does not know version {version} of state `{}`", S::NAME)))
    }
}

/// What an expansion with a migration calls for its own version.
#[doc(hidden)]
pub fn describe_same<S: KeyedState>() -> Option<Description> {
    Some(record::description::<S>())
}
