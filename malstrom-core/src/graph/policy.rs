//! What the use of an operator, or of a source, says about its failures.
use super::build::Graph;
use super::head::QueueHead;
use crate::contract::form::{Form, Formed, Meta, Windowing};
use crate::contract::stage::Failure;
use crate::contract::typed::{KeyingOf, TimeOf};
use crate::exchange::queue::{Queue, QueueEnd};
use crate::stream::call::{CannotFail, DropFailed, FailJob, OnFail};
use crate::stream::env::Site;
use crate::stream::signal::{End, Flow, Signal};
use crate::stream::{At, Push, Stream};
use std::fmt::Display;
use std::marker::PhantomData;

/// What the use of an operator says about its failures: `F` of the calls below.
pub trait Policy<M: Meta, E>: 'static {
    /// What takes the failures.
    type OnFail: OnFail<M, E>;
    /// The stream of failures, if there is one.
    type Failures;
    /// Makes both.
    fn declare(self, graph: &Graph, node: usize) -> (Self::OnFail, Self::Failures);
}
/// Nothing: it cannot fail.
#[derive(Debug)]
pub struct Unfailing;
impl<M: Meta> Policy<M, crate::Never> for Unfailing {
    type OnFail = CannotFail;
    type Failures = ();
    fn declare(self, _: &Graph, _: usize) -> (CannotFail, ()) {
        (CannotFail, ())
    }
}
/// `?`
#[derive(Debug)]
pub struct OrFail;
impl<M: Meta, E: Display> Policy<M, E> for OrFail {
    type OnFail = FailJob;
    type Failures = ();
    fn declare(self, _: &Graph, _: usize) -> (FailJob, ()) {
        (FailJob::default(), ())
    }
}
/// `else drop`
#[derive(Debug)]
pub struct OrDrop;
impl<M: Meta, E: 'static> Policy<M, E> for OrDrop {
    type OnFail = DropFailed;
    type Failures = ();
    fn declare(self, _: &Graph, _: usize) -> (DropFailed, ()) {
        (DropFailed::default(), ())
    }
}
/// `else stream`, which flows as the operator's input does, outside of its windows: what fails belongs to none any more.
pub struct OrElse<Fm: Form, Node>(<Fm::Windows as Windowing>::Spec, PhantomData<fn() -> Node>);
impl<Fm: Form, Node> std::fmt::Debug for OrElse<Fm, Node> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OrElse")
    }
}
/// `else stream` behind `up`, under the stream's name.
pub fn or_else<U: Stream, Node>(_: &U, _: PhantomData<Node>) -> OrElse<Formed<KeyingOf<U>, TimeOf<U>>, Node> {
    OrElse((), PhantomData)
}
/// `source(..) else stream`, under the stream's name.
pub fn rows_or_else<Node>(_: PhantomData<Node>) -> OrElse<Formed, Node> {
    OrElse((), PhantomData)
}
impl<Fm: Form, Node: 'static, E: 'static> Policy<Fm::Meta, E> for OrElse<Fm, Node> {
    type OnFail = RouteFailed<Fm::Meta, E>;
    type Failures = QueueHead<Failure<E>, Fm, Node>;
    fn declare(self, _: &Graph, node: usize) -> (Self::OnFail, Self::Failures) {
        let queue = Queue::new();
        let head = QueueHead::new(vec![queue.clone()], node, self.0);
        (RouteFailed { end: QueueEnd::new(queue), failed: 0 }, head)
    }
}
/// Sends failures to the stream that `else` names.
pub struct RouteFailed<M: Meta, E> {
    end: QueueEnd<M, Failure<E>>,
    failed: u64,
}
impl<M: Meta, E> std::fmt::Debug for RouteFailed<M, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RouteFailed")
    }
}
impl<M: Meta, E: 'static> OnFail<M, E> for RouteFailed<M, E> {
    fn fail(&mut self, at: At<'_, M>, error: E, site: &Site) {
        self.failed += 1;
        self.end.push(at, Failure { error, operator: site.id.clone() });
    }
    fn signal(&mut self, signal: Signal) {
        self.end.signal(signal);
    }
    fn settle(&mut self, site: &Site) {
        let failed = std::mem::take(&mut self.failed);
        site.add(|c| c.failed += failed);
    }
    fn pump(&mut self) -> Flow {
        self.end.pump()
    }
    fn flush(&mut self) -> bool {
        self.end.flush()
    }
    fn finish(&mut self, end: End) {
        self.end.finish(end);
    }
}
