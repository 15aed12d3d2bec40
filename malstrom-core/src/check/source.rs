//! Where streams begin.
use super::{Edge, pass, passes};
use crate::contract::iter::FromIter;
use crate::contract::never::Never;
use crate::contract::source::Source;
use std::fmt::Display;

/// What `source(..)` takes: a [`Source`], or an iterator. A type is one or the other.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a source",
    label = "not a source",
    note = "a source is an iterator, one of `malstrom::connect`, or a type that implements `malstrom::Source`"
)]
pub trait IntoSource<Via> {
    /// The source.
    type Source: Source;
    /// Makes it.
    fn into_source(self) -> Self::Source;
}
/// It is a source already.
#[derive(Debug)]
pub struct AsItIs;
#[diagnostic::do_not_recommend]
impl<S: Source> IntoSource<AsItIs> for S {
    type Source = S;
    fn into_source(self) -> S {
        self
    }
}
/// It is an iterator.
#[derive(Debug)]
pub struct ByIterating;
#[diagnostic::do_not_recommend]
impl<I: IntoIterator<Item: 'static, IntoIter: 'static> + 'static> IntoSource<ByIterating> for I {
    type Source = FromIter<I>;
    fn into_source(self) -> FromIter<I> {
        FromIter::new(self)
    }
}

/// Malformed rows must be handled.
#[diagnostic::on_unimplemented(
    message = "source `source` can fail with `{Self}`, and nothing handles the failure",
    label = "some of its rows may be a `{Self}`",
    note = "write `source(..)?` to fail the job, `source(..) else <stream>` to route malformed rows to a dead-letter stream, or `source(..) else drop` to count and discard them"
)]
pub trait RowsNeverFail {
    pass!();
}
#[diagnostic::do_not_recommend]
impl RowsNeverFail for Never {
    passes!();
}
/// The rows of a source.
pub fn rows<S: Source>(source: S) -> Edge<(S::Error,), S> {
    Edge::new(source)
}

/// What ends a job must be printable.
#[diagnostic::on_unimplemented(
    message = "`?` prints the failures of this source, but `{Self}` cannot be printed",
    label = "its rows fail with `{Self}`",
    note = "where rows cannot fail there is nothing to handle; else implement `Display`, or handle them with `else`"
)]
pub trait RowsExplain {
    pass!();
}
#[diagnostic::do_not_recommend]
impl<E: Display> RowsExplain for E {
    passes!();
}
/// The rows of a source whose failures end the job.
pub fn rows_explained<S: Source>(source: S) -> Edge<(S::Error,), S> {
    Edge::new(source)
}
