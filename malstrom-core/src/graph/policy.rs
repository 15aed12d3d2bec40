//! What the use of an operator, or of a source, says about its failures.
use super::build::Graph;
use super::head::QueueHead;
use crate::contract::keying::Keying;
use crate::contract::stage::Failure;
use crate::contract::typed::Typed;
use crate::exchange::queue::{Queue, QueueEnd};
use crate::stream::call::{CannotFail, DropFailed, FailJob, OnFail};
use crate::stream::env::{Env, Site};
use crate::stream::{At, Push, Segment, Stream};
use std::fmt::Display;
use std::marker::PhantomData;

/// What the use of an operator says about its failures: `F` of the calls below.
pub trait Policy<K, E>: 'static {
    /// What takes the failures.
    type OnFail: OnFail<K, E>;
    /// The stream of failures, if there is one.
    type Failures;
    /// Makes both.
    fn declare(self, graph: &Graph, node: usize) -> (Self::OnFail, Self::Failures);
}
/// Nothing: it cannot fail.
#[derive(Debug)]
pub struct Unfailing;
impl<K: 'static> Policy<K, crate::Never> for Unfailing {
    type OnFail = CannotFail;
    type Failures = ();
    fn declare(self, _: &Graph, _: usize) -> (CannotFail, ()) {
        (CannotFail, ())
    }
}
/// `?`
#[derive(Debug)]
pub struct OrFail;
impl<K: 'static, E: Display> Policy<K, E> for OrFail {
    type OnFail = FailJob;
    type Failures = ();
    fn declare(self, _: &Graph, _: usize) -> (FailJob, ()) {
        (FailJob::default(), ())
    }
}
/// `else drop`
#[derive(Debug)]
pub struct OrDrop;
impl<K: 'static, E: 'static> Policy<K, E> for OrDrop {
    type OnFail = DropFailed;
    type Failures = ();
    fn declare(self, _: &Graph, _: usize) -> (DropFailed, ()) {
        (DropFailed::default(), ())
    }
}
/// `else stream`, keyed as the operator's input is.
#[derive(Debug)]
pub struct OrElse<Kg, Node>(PhantomData<fn() -> (Kg, Node)>);
/// `else stream` behind `up`, under the stream's name.
pub fn or_else<U: Typed, Node>(_: &U, _: PhantomData<Node>) -> OrElse<U::Keying, Node> {
    OrElse(PhantomData)
}
/// `source(..) else stream`, under the stream's name.
pub fn rows_or_else<Node>(_: PhantomData<Node>) -> OrElse<crate::contract::keying::Unkeyed, Node> {
    OrElse(PhantomData)
}
impl<Kg: Keying, Node: 'static, E: 'static> Policy<Kg::Key, E> for OrElse<Kg, Node> {
    type OnFail = RouteFailed<Kg::Key, E>;
    type Failures = Failures<Kg::Key, E, Kg, Node>;
    fn declare(self, _: &Graph, node: usize) -> (Self::OnFail, Self::Failures) {
        let queue = Queue::new();
        let head = QueueHead::new(vec![queue.clone()], node);
        (RouteFailed { end: QueueEnd::new(queue), failed: 0 }, Failures(head))
    }
}
/// The stream that `else` names.
pub struct Failures<K, E, Kg, Node>(QueueHead<K, Failure<E>, Kg, Node>);
impl<K, E, Kg, Node> std::fmt::Debug for Failures<K, E, Kg, Node> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Failures")
    }
}
impl<E: 'static, Kg: Keying, Node: 'static> Typed for Failures<Kg::Key, E, Kg, Node> {
    type Item = Failure<E>;
    type Keying = Kg;
    type Node = Node;
}
impl<E: 'static, Kg: Keying, Node: 'static> Stream for Failures<Kg::Key, E, Kg, Node> {
    fn tail(&self) -> usize {
        self.0.tail()
    }
    fn close<P: Push<Kg::Key, Failure<E>>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        self.0.close(env, end)
    }
}
/// Sends failures to the stream that `else` names.
pub struct RouteFailed<K, E> {
    end: QueueEnd<K, Failure<E>>,
    failed: u64,
}
impl<K, E> std::fmt::Debug for RouteFailed<K, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RouteFailed")
    }
}
impl<K: Clone + 'static, E: 'static> OnFail<K, E> for RouteFailed<K, E> {
    fn fail(&mut self, at: At<'_, K>, error: E, site: &Site) {
        self.failed += 1;
        self.end.push(at, Failure { error, operator: site.id.clone() });
    }
    fn settle(&mut self, site: &Site) {
        let failed = std::mem::take(&mut self.failed);
        site.add(|c| c.failed += failed);
    }
    fn pump(&mut self) -> bool {
        self.end.pump()
    }
    fn flush(&mut self) -> bool {
        self.end.flush()
    }
    fn finish(&mut self) {
        self.end.finish();
    }
}
