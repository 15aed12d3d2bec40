//! State of an older version that becomes state of the next.
use crate::contract::key::PartitionKey;

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
