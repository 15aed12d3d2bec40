//! State that is made at a key's first record, and fields that are not written.

/// A type whose state can be made at a key's first record.
///
/// ```
/// use malstrom_core::check::fresh::Fresh;
/// assert_eq!(u64::fresh(), 0);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no fresh value: derive `Default`, or take `&mut Option<{Self}>`",
    label = "made at the first record of a key"
)]
pub trait Fresh {
    /// It has one: checked by a constant, as fields are.
    const PASSED: bool;
    /// The state of a key that has none yet.
    fn fresh() -> Self;
}
#[diagnostic::do_not_recommend]
impl<T: Default> Fresh for T {
    const PASSED: bool = true;
    fn fresh() -> Self {
        T::default()
    }
}

/// A type whose fields may be left out with `#[record(skip)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be skipped: it has no value to begin with when the record is read",
    label = "needs `Default`"
)]
pub trait Skipped {
    /// The value of the field in a record that has just been read.
    fn skipped() -> Self;
}
#[diagnostic::do_not_recommend]
impl<T: Default> Skipped for T {
    fn skipped() -> Self {
        T::default()
    }
}
