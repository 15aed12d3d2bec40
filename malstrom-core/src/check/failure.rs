//! Failures and what handles them.
use super::{Edge, asks, pass, passes};
use crate::contract::never::Never;
use crate::contract::stage::{ErrorOf, Fails, FailureKind, Stage};
use std::fmt::Display;

/// A failure must be handled.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` can fail with `{Self}`, and nothing handles the failure",
    label = "returns `Result<_, {Self}>`",
    note = "write `{Op}?` to fail the job, `{Op} else <stream>` to route failures to a dead-letter stream, or `{Op} else drop` to count and discard them"
)]
pub trait NeverFails<Op> {
    pass!(Op);
}
#[diagnostic::do_not_recommend]
impl<Op> NeverFails<Op> for Never {
    passes!(Op);
}
/// The failures of a stage, which goes through the check together with its input.
pub fn failure<U, Op: Stage>(op: Op, up: U) -> Edge<(ErrorOf<Op>, Op), (Op, U)> {
    Edge::new((op, up))
}

/// Only what can fail can be handled.
#[diagnostic::on_unimplemented(
    message = "operator `{Op}` cannot fail, so there is nothing to handle",
    label = "`{Op}` does not return a `Result`"
)]
pub trait CanFail<Op> {
    pass!(Op);
}
#[diagnostic::do_not_recommend]
impl<Op, E> CanFail<Op> for Fails<E> {
    passes!(Op);
}
/// The failures of a stage whose use handles them.
pub fn handled<U, Op: Stage>(op: Op, up: U) -> Edge<(Op::Failure, Op), (Op, U)> {
    Edge::new((op, up))
}

asks! {
    /// What ends a job must be printable.
    #[diagnostic::on_unimplemented(
        message = "`?` prints the failure of `{Op}`, but `{Self}` has no `Display`",
        label = "ends the job with a `{Self}`",
        note = "implement `Display` for `{Self}`, or handle it with `else`"
    )]
    Explains<Op>: Display
}
/// The failures of a stage whose use ends the job.
pub fn explained<U, Op: Stage>(op: Op, up: U) -> Edge<(<Op::Failure as FailureKind>::Error, Op), (Op, U)> {
    Edge::new((op, up))
}
