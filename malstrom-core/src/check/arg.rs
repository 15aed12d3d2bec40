//! Configuration that is passed by value.
use super::{Holds, Impossible, Otherwise};

/// Stands for the configuration of an operator. That a reference to `A` could be copied is thus no advice.
#[derive(Debug)]
pub struct Configuration;
/// `#[arg]` by value is copied for each record.
#[diagnostic::on_unimplemented(
    message = "configuration `{Name}` is passed by value and is not `Copy`",
    label = "copied for each record",
    note = "take it by reference: `#[arg] {Name}: &{A}`"
)]
pub trait ByValue<A, Name, Via> {
    /// The value.
    fn value(value: &A) -> A;
}
#[diagnostic::do_not_recommend]
impl<A: Copy, Name> ByValue<A, Name, Holds> for Configuration {
    #[inline(always)]
    fn value(value: &A) -> A {
        *value
    }
}
#[diagnostic::do_not_recommend]
impl<A: Impossible + Copy, Name> ByValue<A, Name, Otherwise> for Configuration {
    fn value(value: &A) -> A {
        *value
    }
}
