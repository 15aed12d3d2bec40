//! What may be a field.
//!
//! A field's type is named once, in an impl of [`Part`] of its own, where all tokens lie at the user's type. If it cannot
//! be a field, this is reported there, the type is unknown, and nothing that follows from it is reported again.
use crate::contract::key::PartitionKey;
use crate::contract::record::Record;

/// The type of the field `INDEX` of a type that derives `Why`.
#[diagnostic::on_unimplemented(message = "`{Self}` has no field {INDEX}")]
pub trait Part<const INDEX: usize, Why> {
    /// The field's type.
    type Is;
}

/// `T`, if the check has passed.
///
/// Whether it has is computed by a constant: there a failing check speaks for itself, while in a type rustc reports what
/// the check is implemented by.
#[diagnostic::on_unimplemented(message = "the check of `{T}` has not passed")]
pub trait If<T> {
    /// The type.
    type Is;
}
/// The result of a check.
#[derive(Debug)]
pub struct Checked<const PASSED: bool>;
impl<T> If<T> for Checked<true> {
    type Is = T;
}

/// The fields of records.
#[derive(Debug)]
pub struct OfRecord;
/// The fields of keys.
#[derive(Debug)]
pub struct OfKey;

/// May be a field of a record.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a record: it cannot be written to a snapshot",
    label = "not a record",
    note = "annotate it with `#[derive(Record)]`, or leave the field out with `#[record(skip)]`"
)]
pub trait RecordField {
    /// It may.
    const PASSED: bool;
    /// The same type, for fields that depend on parameters.
    type Is: Record;
}
#[diagnostic::do_not_recommend]
impl<T: Record> RecordField for T {
    const PASSED: bool = true;
    type Is = T;
}

/// May be a field of keyed state.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of keyed state: it cannot be written to a snapshot",
    label = "not a record",
    note = "annotate it with `#[derive(Record)]`, or leave the field out with `#[record(skip)]`"
)]
pub trait StateField {
    /// It may.
    const PASSED: bool;
    /// The same type, for fields that depend on parameters.
    type Is: Record;
}
#[diagnostic::do_not_recommend]
impl<T: Record> StateField for T {
    const PASSED: bool = true;
    type Is = T;
}

/// May be a key, or a field of one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a key",
    label = "not a key",
    note = "a key derives `Key`, `PartialEq`, `Eq`, `Hash` and `Clone`; floats and hash maps are no keys"
)]
pub trait KeyField {
    /// It may.
    const PASSED: bool;
    /// The same type, for fields that depend on parameters.
    type Is: PartitionKey;
}
#[diagnostic::do_not_recommend]
impl<T: PartitionKey> KeyField for T {
    const PASSED: bool = true;
    type Is = T;
}
