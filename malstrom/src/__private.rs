//! What the expansions of the macros need. No part of the interface: it changes without notice.
pub use malstrom_core::check::field::{KeyField, RecordField, StateField};
pub use malstrom_core::check::fresh::{Fresh, Skipped};
pub use malstrom_core::check::migrate::{MigratesFrom, SameKey};
pub use malstrom_core::contract::key::{KeyWriter, PartitionKey};
pub use malstrom_core::contract::record::archive::{Own, Ref};
pub use malstrom_core::contract::record::serde::BySerde;
pub use malstrom_core::contract::record::tree::{RecordOrKey, Refs};
pub use malstrom_core::contract::record::{CodecError, Describe, Description, Record, TypeRef};
pub use malstrom_core::contract::state::{KeyedState, decode_same, describe_same};
pub use malstrom_core::reexport::serde;
pub use malstrom_macros::Record;
pub use std::time::Duration;
