//! Configuration that is passed by value.

/// `#[arg]` by value is copied for each record.
#[diagnostic::on_unimplemented(
    message = "configuration `{Name}` is passed by value and is not `Copy`",
    label = "copied for each record",
    note = "take it by reference: `#[arg] {Name}: &{Self}`"
)]
pub trait ByValue<Name> {
    /// The value.
    fn value(&self) -> Self;
}
#[diagnostic::do_not_recommend]
impl<A: Copy, Name> ByValue<Name> for A {
    #[inline(always)]
    fn value(&self) -> A {
        *self
    }
}
