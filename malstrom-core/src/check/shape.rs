//! Whether a return type is what its operator says. Checked by constants, as fields are.
use crate::contract::shape::{OptionType, ResultType};

/// An `Option`, for `shape = filter_map`.
#[diagnostic::on_unimplemented(
    message = "`shape = filter_map` needs an `Option`, but `{Self}` is none",
    label = "not an `Option`"
)]
pub trait IsOption {
    /// It is.
    const PASSED: bool;
}
#[diagnostic::do_not_recommend]
impl<T: OptionType> IsOption for T {
    const PASSED: bool = true;
}

/// An iterator, for `shape = flat_map`.
#[diagnostic::on_unimplemented(
    message = "`shape = flat_map` needs an iterator, but `{Self}` is none",
    label = "not an iterator"
)]
pub trait IsIterator {
    /// It is.
    const PASSED: bool;
}
#[diagnostic::do_not_recommend]
impl<T: IntoIterator> IsIterator for T {
    const PASSED: bool = true;
}

/// A `Result`, for types that are called so.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is called `Result`, but is none",
    label = "not a `Result`",
    note = "a return type whose name ends in `Result` is taken for one: give this one another name"
)]
pub trait IsResult {
    /// It is.
    const PASSED: bool;
}
#[diagnostic::do_not_recommend]
impl<T: ResultType> IsResult for T {
    const PASSED: bool = true;
}
