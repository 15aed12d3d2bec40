//! Where streams begin.
use super::{Edge, asks, pass, passes};
use crate::contract::iter::FromIter;
use crate::contract::never::Never;
use crate::contract::source::{Replays, Source};
use std::fmt::Display;
use std::marker::PhantomData;

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
    fn into_source(given: Edge<(Self,), Self>) -> Self::Source
    where
        Self: Sized;
}
/// What `source(..)` is given.
pub fn given<S>(source: S) -> Edge<(S,), S> {
    Edge::new(source)
}
/// It is a source already.
#[derive(Debug)]
pub struct AsItIs;
#[diagnostic::do_not_recommend]
impl<S: Source> IntoSource<AsItIs> for S {
    type Source = S;
    fn into_source(given: Edge<(S,), S>) -> S {
        given.0
    }
}
/// It is an iterator.
#[derive(Debug)]
pub struct ByIterating;
#[diagnostic::do_not_recommend]
impl<I: IntoIterator<Item: 'static, IntoIter: 'static> + 'static> IntoSource<ByIterating> for I {
    type Source = FromIter<I>;
    fn into_source(given: Edge<(I,), I>) -> FromIter<I> {
        FromIter::new(given.0)
    }
}

asks! {
    /// A source of a pipeline `P` that promises exactly-once.
    #[diagnostic::on_unimplemented(
        message = "source `source` cannot repeat what was lost, but pipeline `{P}` promises exactly-once",
        label = "`{Self}` is not known to give the same records again",
        note = "read from a source that can (a file, an iterator), or leave out `#[guarantee(exactly_once)]`; a source of your own that can says so by `impl malstrom::Replays`"
    )]
    RepeatsLost<P>: Replays
}
/// A source of a pipeline that promises exactly-once.
pub fn repeated<S, P>(source: S, _: PhantomData<P>) -> Edge<(S, P), S> {
    Edge::new(source)
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

asks! {
    /// What ends a job must be printable.
    #[diagnostic::on_unimplemented(
        message = "`?` prints the failures of this source, but `{Self}` has no `Display`",
        label = "its rows fail with `{Self}`",
        note = "implement `Display` for `{Self}`, or handle malformed rows with `else`"
    )]
    RowsExplain<>: Display
}
/// The rows of a source whose failures end the job.
pub fn rows_explained<S: Source>(source: S) -> Edge<(S::Error,), S> {
    Edge::new(source)
}

/// Whether the rows of a source can fail. `can_fail` is found on this type where they cannot, and in [`RowsMayFail`]
/// otherwise.
#[derive(Debug)]
pub struct Rows<E>(PhantomData<fn() -> E>);
/// The rows of a source whose use handles failures.
pub fn rows_of<S: Source>(_: &S) -> Rows<S::Error> {
    Rows(PhantomData)
}
/// They can.
#[derive(Debug)]
pub struct TheyCan;
/// They cannot.
#[derive(Debug)]
pub struct TheyCannot;
impl Rows<Never> {
    /// They cannot.
    pub fn can_fail<S>(&self, source: S) -> Edge<(TheyCannot,), S> {
        Edge::new(source)
    }
}
/// The rows of other sources.
pub trait RowsMayFail {
    /// They can.
    fn can_fail<S>(&self, source: S) -> Edge<(TheyCan,), S> {
        Edge::new(source)
    }
}
impl<E> RowsMayFail for Rows<E> {}

/// Only what can fail can be handled.
#[diagnostic::on_unimplemented(
    message = "source `source` cannot fail, so there is nothing to handle",
    label = "no row of it can be malformed"
)]
pub trait RowsHandled {
    pass!();
}
#[diagnostic::do_not_recommend]
impl RowsHandled for TheyCan {
    passes!();
}
