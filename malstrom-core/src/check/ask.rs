//! What operators ask for after their record.
use crate::contract::extract::{Context, Extract};

/// A parameter behind the record.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not something an operator can ask for",
    label = "not an operator parameter",
    note = "after the record, an operator may take `EventTime`, `Watermark`, `Window`, `Key<'_, _>`, `Timers<'_, _>`, `ProcessingTimers<'_, _>`, `Output<'_, _>` or `Metrics<'_>`; configuration is marked `#[arg]`"
)]
pub trait Parameter<'a> {
    /// Reads it off the context.
    fn ask(context: &'a Context<'a>) -> Self;
}
#[diagnostic::do_not_recommend]
impl<'a, T: Extract<'a>> Parameter<'a> for T {
    #[inline(always)]
    fn ask(context: &'a Context<'a>) -> T {
        T::extract(context)
    }
}

/// A `Key<'_, K>` parameter beside state asks for the key of the state.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` keeps state per `{Self}`, but asks for a key of type `{K}`",
    label = "the state is kept per `{Self}`"
)]
pub trait StateKeyIs<K, Op> {
    /// Does nothing.
    fn same() {}
}
#[diagnostic::do_not_recommend]
impl<K, Op> StateKeyIs<K, Op> for K {}
