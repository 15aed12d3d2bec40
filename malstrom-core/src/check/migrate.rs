//! State of an older version that becomes state of the next.
use crate::contract::key::PartitionKey;
use crate::contract::state::KeyedState;

/// What keyed state names: its key, and the version before it.
pub trait Names<What> {
    /// The type.
    type Is;
}
/// The key.
#[derive(Debug)]
pub struct ItsKey;
/// The version before.
#[derive(Debug)]
pub struct ItsOld;

/// Is keyed state. Checked by a constant, as fields are.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be kept as keyed state",
    label = "not keyed state",
    note = "annotate the type with `#[keyed_state(key = ..)]`"
)]
pub trait IsState {
    /// It is.
    const PASSED: bool;
}
#[diagnostic::do_not_recommend]
impl<S: KeyedState> IsState for S {
    const PASSED: bool = true;
}

/// A version of state that can be made from the version `Old`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made from `{Old}`, and `migrate_from` promises that",
    label = "no `From<{Old}>`",
    note = "write `impl From<{Old}> for {Self}`"
)]
pub trait MigratesFrom<Old> {
    /// The next version of `old`.
    fn migrate(old: Old) -> Self;
}
#[diagnostic::do_not_recommend]
impl<Old, New: From<Old>> MigratesFrom<Old> for New {
    fn migrate(old: Old) -> Self {
        old.into()
    }
}

/// A key that is the same in two versions of state.
#[diagnostic::on_unimplemented(
    message = "the old version is kept per `{Old}`, the new one per `{Self}`: a migration cannot change the key",
    label = "another key"
)]
pub trait KeepsKey<Old>: PartitionKey {
    /// Does nothing.
    fn same() {}
}
#[diagnostic::do_not_recommend]
impl<K: PartitionKey> KeepsKey<K> for K {}
