//! Where streams end.
use super::{Edge, asks, pass, passes};
use crate::contract::sink::{ExactlyOnce, Sink};
use crate::contract::typed::Typed;
use std::fmt::{Debug, Display};
use std::marker::PhantomData;

/// What `sink(..)` takes: any [`Sink`], or one of the printing sinks, which take whatever can be printed.
pub trait SinkLike: Sized {
    /// The sink as it was.
    type This;
    /// The record type it takes, where the stream's is `T`.
    type Expects<T>;
    /// `T` if records are printed with `Display`.
    type Shows<T>;
    /// `T` if records are printed with `Debug`.
    type Dumps<T>;
    /// Itself, unless it prints.
    type Named;
    /// Itself, if it prints with `Display`.
    type Printer;
    /// Itself, if it prints with `Debug`.
    type Dumper;
    /// Hands it on.
    fn this(self) -> Self::This;
}
asks! {
    /// Whether an expression is a sink.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is not a sink",
        label = "not a sink",
        note = "a sink is one of `malstrom::connect`, or a type that implements `malstrom::Sink`"
    )]
    IsSink<>: SinkLike
}
/// What `sink(..)` is given.
pub fn is_sink<S>(sink: S) -> Edge<(S,), S> {
    Edge::new(sink)
}
/// Stands for a record that need not be printed, and for a printer that a sink is not.
#[derive(Debug)]
pub struct Unprinted;
#[diagnostic::do_not_recommend]
impl<S: Sink> SinkLike for S {
    type This = S;
    type Expects<T> = S::In;
    type Shows<T> = Unprinted;
    type Dumps<T> = Unprinted;
    type Named = S;
    type Printer = Unprinted;
    type Dumper = Unprinted;
    fn this(self) -> S {
        self
    }
}

/// What can be part of a pipeline that promises exactly-once.
pub trait Promises {}
#[diagnostic::do_not_recommend]
impl<S: ExactlyOnce> Promises for S {}
impl Promises for Unprinted {}
asks! {
    /// A sink of a pipeline `P` that promises exactly-once. Those that print have sentences of their own.
    #[diagnostic::on_unimplemented(
        message = "sink `{Self}` is at-least-once, but pipeline `{P}` promises exactly-once",
        label = "after a failure, something may be there twice",
        note = "write into a sink that is exactly-once (`files::csv_sink`, `files::jsonl_sink`), or leave out `#[guarantee(exactly_once)]`; a sink of your own that is says so by `GUARANTEE` and by `impl malstrom::ExactlyOnce`"
    )]
    KeepsPromise<P>: Promises
}
/// The sink, for [`KeepsPromise`].
pub fn promised<S: SinkLike, P>(sink: S, _: PhantomData<P>) -> Edge<(S::Named, P), S> {
    Edge::new(sink)
}
asks! {
    /// The same for `stdout`.
    #[diagnostic::on_unimplemented(
        message = "sink `stdout` is at-least-once, but pipeline `{P}` promises exactly-once",
        label = "after a failure, something may be there twice",
        note = "write into a sink that is exactly-once (`files::csv_sink`, `files::jsonl_sink`), or leave out `#[guarantee(exactly_once)]`"
    )]
    StdoutKeepsPromise<P>: Promises
}
/// The sink, for [`StdoutKeepsPromise`].
pub fn promised_stdout<S: SinkLike, P>(sink: S, _: PhantomData<P>) -> Edge<(S::Printer, P), S> {
    Edge::new(sink)
}
asks! {
    /// The same for `debug`.
    #[diagnostic::on_unimplemented(
        message = "sink `debug` is at-least-once, but pipeline `{P}` promises exactly-once",
        label = "after a failure, something may be there twice",
        note = "write into a sink that is exactly-once (`files::csv_sink`, `files::jsonl_sink`), or leave out `#[guarantee(exactly_once)]`"
    )]
    DebugKeepsPromise<P>: Promises
}
/// The sink, for [`DebugKeepsPromise`].
pub fn promised_debug<S: SinkLike, P>(sink: S, _: PhantomData<P>) -> Edge<(S::Dumper, P), S> {
    Edge::new(sink)
}

/// Makes a sink of what `sink(..)` takes, once the record type is known.
pub trait SinkOf<T> {
    /// The sink.
    type Sink: Sink<In = T>;
    /// Makes it.
    fn sink_of(self) -> Self::Sink;
}
impl<T, S: Sink<In = T>> SinkOf<T> for S {
    type Sink = S;
    fn sink_of(self) -> S {
        self
    }
}

/// The record type of a sink.
#[diagnostic::on_unimplemented(
    message = "sink `{S}` takes `{Expected}`, but stage `{Up}` produces `{Self}`",
    label = "takes `{Expected}`, but is fed `{Self}`"
)]
pub trait DrainsInto<S, Expected, Up> {
    pass!(S, Expected, Up);
}
#[diagnostic::do_not_recommend]
impl<T, S, Up> DrainsInto<S, T, Up> for T {
    passes!(S, T, Up);
}
/// The edge into a sink.
pub fn drained<U: Typed, S: SinkLike>(_: &S, up: U) -> Edge<(U::Item, S, S::Expects<U::Item>, U::Node), U> {
    Edge::new(up)
}

asks! {
    /// What `stdout` prints.
    #[diagnostic::on_unimplemented(
        message = "sink `stdout` needs `Display`, but `{Self}` has none",
        label = "prints `{Self}`",
        note = "implement `Display`, turn records into text with `-> map(|r| format!(..))`, or use `debug()`"
    )]
    Shown<>: Display
}
impl Display for Unprinted {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}
/// The edge into a sink that may print.
pub fn shown<U: Typed, S: SinkLike>(_: &S, up: U) -> Edge<(S::Shows<U::Item>,), U> {
    Edge::new(up)
}

asks! {
    /// What `debug` prints.
    #[diagnostic::on_unimplemented(
        message = "sink `debug` needs `Debug`, but `{Self}` has none",
        label = "prints `{Self}`",
        note = "derive `Debug` for `{Self}`"
    )]
    Dumped<>: Debug
}
/// The edge into a sink that may print with `Debug`.
pub fn dumped<U: Typed, S: SinkLike>(_: &S, up: U) -> Edge<(S::Dumps<U::Item>,), U> {
    Edge::new(up)
}
