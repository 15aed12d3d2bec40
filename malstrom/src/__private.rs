//! What the expansions of the macros need. No part of the interface: it changes without notice.
pub use malstrom_core::check::field::{Checked, If, KeyField, OfKey, OfRecord, Part, RecordField, StateField};
pub use malstrom_core::check::fresh::{Fresh, Skipped};
pub use malstrom_core::check::migrate::{ItsKey, ItsOld, MigratesFrom, Names, OldState, SameKey};
pub use malstrom_core::contract::key::{KeyWriter, PartitionKey};
pub use malstrom_core::contract::record::archive::{Own, Ref};
pub use malstrom_core::contract::record::serde::{AsBytes, BySerde, Opaque};
pub use malstrom_core::contract::record::tree::{RecordOrKey, Refs};
pub use malstrom_core::contract::record::{CodecError, Describe, Description, Record, TypeRef};
pub use malstrom_core::contract::state::{KeyedState, decode_same, describe_same};
pub use malstrom_core::reexport::serde;
pub use malstrom_macros::Record;
pub use std::time::Duration;
pub use std::vec::Vec;
