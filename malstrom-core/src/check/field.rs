//! What may be a field. Each trait gives the type back, so that where the check fails the type is unknown and nothing
//! that follows from it is reported again.
use crate::contract::key::PartitionKey;
use crate::contract::record::Record;

/// May be a field of a record.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a record: it cannot be written to a snapshot",
    label = "not a record",
    note = "annotate it with `#[derive(Record)]`, or leave the field out with `#[record(skip)]`"
)]
pub trait RecordField {
    /// The same type.
    type Is: Record;
}
#[diagnostic::do_not_recommend]
impl<T: Record> RecordField for T {
    type Is = T;
}

/// May be a field of keyed state.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of keyed state: it cannot be written to a snapshot",
    label = "not a record",
    note = "annotate it with `#[derive(Record)]`, or leave the field out with `#[record(skip)]`"
)]
pub trait StateField {
    /// The same type.
    type Is: Record;
}
#[diagnostic::do_not_recommend]
impl<T: Record> StateField for T {
    type Is = T;
}

/// May be a key, or a field of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key",
    label = "not a key",
    note = "a key derives `Key`, `PartialEq`, `Eq`, `Hash` and `Clone`; floats and hash maps are no keys"
)]
pub trait KeyField {
    /// The same type.
    type Is: PartitionKey;
}
#[diagnostic::do_not_recommend]
impl<T: PartitionKey> KeyField for T {
    type Is = T;
}
