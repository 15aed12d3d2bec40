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
    /// What is kept beside each key's state to know when that is over: `(i64, i64)`, or `()` if it is kept for ever.
    #[doc(hidden)]
    type Deadline: Deadline;

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

/// When a key's state expires.
#[doc(hidden)]
pub trait Deadline: Copy + 'static {
    /// Whether it ever does.
    const EXPIRES: bool;
    /// At this time, in ticks; it is looked at when time has come to the end of `bucket`.
    fn at(time: i64, bucket: i64) -> Self;
    /// The time, `i64::MAX` if it never does.
    fn time(self) -> i64;
    /// The end of the bucket.
    fn bucket(self) -> i64;
}
impl Deadline for () {
    const EXPIRES: bool = false;
    #[inline(always)]
    fn at(_: i64, _: i64) {}
    #[inline(always)]
    fn time(self) -> i64 {
        i64::MAX
    }
    #[inline(always)]
    fn bucket(self) -> i64 {
        i64::MAX
    }
}
impl Deadline for (i64, i64) {
    const EXPIRES: bool = true;
    #[inline(always)]
    fn at(time: i64, bucket: i64) -> Self {
        (time, bucket)
    }
    #[inline(always)]
    fn time(self) -> i64 {
        self.0
    }
    #[inline(always)]
    fn bucket(self) -> i64 {
        self.1
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
