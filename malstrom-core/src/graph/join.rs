//! Stages with several inputs: `union`, and operators with `on_right`.
use super::build::Graph;
use super::head::QueueHead;
use super::names;
use super::picture::{EdgeKind, NodeKind};
use super::policy::Policy;
use super::segment::{BATCHES, Ending, Intake};
use crate::contract::keying::{Keying, Need};
use crate::contract::stage::{ErrorOf, TwoInput};
use crate::contract::typed::{KeyOf, Typed};
use crate::exchange::inlet::Local;
use crate::exchange::queue::Queue;
use crate::stream::call::{CallPush, OnFail, PushRight, SideEnds};
use crate::stream::env::Env;
use crate::stream::keep::KeepFor;
use crate::stream::link::link;
use crate::stream::plain::PassStage;
use crate::stream::{At, Push, Segment, Stream, Turn, stream_of};
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

/// The inputs of a union so far.
pub struct Union<K, T, Kg, Node> {
    queues: Vec<Rc<Queue<K, T>>>,
    tails: Vec<usize>,
    names: PhantomData<fn() -> (Kg, Node)>,
}
impl<K, T, Kg, Node> std::fmt::Debug for Union<K, T, Kg, Node> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Union({} inputs)", self.queues.len())
    }
}
impl<T: 'static, Kg: Keying, Node: 'static> Typed for Union<Kg::Key, T, Kg, Node> {
    type Item = T;
    type Keying = Kg;
    type Node = Node;
}
/// The first input of a union.
pub fn union_of<U: Stream>(graph: Graph, first: U) -> Union<KeyOf<U>, U::Item, U::Keying, U::Node> {
    let tails = vec![first.tail()];
    Union { queues: vec![graph.queue(first)], tails, names: PhantomData }
}
/// A further input of a union.
pub fn union_with<U: Stream<Item = T>, T: 'static, Kg: Keying<Key = KeyOf<U>>, Node>(
    graph: Graph,
    mut union: Union<Kg::Key, T, Kg, Node>,
    next: U,
) -> Union<Kg::Key, T, Kg, Node> {
    union.tails.push(next.tail());
    union.queues.push(graph.queue(next));
    union
}
/// `union(a, b, ..)`
pub fn union<T: 'static, Kg: Keying, Node>(
    graph: Graph,
    id: &'static str,
    inputs: Union<Kg::Key, T, Kg, Node>,
) -> stream_of!(T, Kg, names::union) {
    let node = graph.node(id, NodeKind::Stage);
    for tail in inputs.tails {
        graph.edge::<T>(tail, node, EdgeKind::Forward);
    }
    let head = QueueHead::<Kg::Key, T, Kg, names::union>::new(inputs.queues, node);
    link(head, node, PassStage { node })
}

struct TwoHead<K, L, R, Op, F, S, Kg> {
    left: Rc<Queue<K, L>>,
    right: Rc<Queue<K, R>>,
    op: Op,
    on_fail: F,
    side_ends: S,
    node: usize,
    keying: PhantomData<fn() -> Kg>,
}
impl<L: 'static, R: 'static, Op: TwoInput, F: 'static, S: 'static, Kg: Keying> Typed
    for TwoHead<Kg::Key, L, R, Op, F, S, Kg>
{
    type Item = Op::Out;
    type Keying = Kg;
    type Node = Op;
}
impl<Op, F, S, Kg> Stream for TwoHead<Kg::Key, Op::In, Op::Right, Op, F, S, Kg>
where
    Kg: Keying,
    Op: TwoInput<Keep: KeepFor<Kg::Key>>,
    F: OnFail<Kg::Key, ErrorOf<Op>>,
    S: SideEnds<Kg::Key, Op::Sides>,
{
    fn tail(&self) -> usize {
        self.node
    }
    fn close<P: Push<Kg::Key, Op::Out>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        let chain = CallPush::new::<Kg::Key>(self.op, env, self.node, self.on_fail, self.side_ends, end);
        Ok(Box::new(TwoSegment {
            left: Intake::new(Local::new(vec![self.left])),
            right: Intake::new(Local::new(vec![self.right])),
            chain: Some(chain),
            ending: Ending::No,
        }))
    }
}

/// `(left, right) -> op`
pub fn call_two<A, B, Op, F>(
    graph: Graph,
    id: &'static str,
    op: Op,
    (left, right): (A, B),
    policy: F,
) -> (stream_of!(Op::Out, A::Keying, Op), F::Failures)
where
    A: Stream<Item = Op::In>,
    B: Stream<Item = Op::Right> + Typed<Keying: Keying<Key = KeyOf<A>>>,
    Op: TwoInput<Keep: KeepFor<KeyOf<A>>, Need: Need>,
    F: Policy<KeyOf<A>, ErrorOf<Op>>,
    (): SideEnds<KeyOf<A>, Op::Sides>,
{
    let node = graph.stage(&left, id, NodeKind::of::<Op>());
    graph.edge::<B::Item>(right.tail(), node, EdgeKind::Right);
    let (on_fail, failures) = policy.declare(&graph, node);
    let (left, right) = (graph.queue(left), graph.queue(right));
    let head =
        TwoHead::<_, _, _, _, _, _, A::Keying> { left, right, op, on_fail, side_ends: (), node, keying: PhantomData };
    (head, failures)
}

/// A segment with two inputs, which take turns batch by batch.
struct TwoSegment<K, L, R, P> {
    left: Intake<K, L, Local<K, L>>,
    right: Intake<K, R, Local<K, R>>,
    chain: Option<P>,
    ending: Ending,
}
impl<K: 'static, L: 'static, R: 'static, P: Push<K, L> + PushRight<K, R>> Segment for TwoSegment<K, L, R, P> {
    fn run(&mut self, _: Duration) -> Turn {
        let mut turn = Turn::Idle(None);
        if self.ending == Ending::No {
            for _ in 0..BATCHES {
                if !self.chain.as_mut().is_some_and(Push::pump) {
                    break;
                }
                let left = |chain: &mut P, at: At<'_, K>, record| chain.push(at, record);
                let right = |chain: &mut P, at: At<'_, K>, record| chain.push_right(at, record);
                let left = self.left.feed(&mut self.chain, left);
                let right = self.right.feed(&mut self.chain, right);
                if left.is_none() && right.is_none() {
                    break;
                }
                if let Some(chain) = &mut self.chain {
                    chain.settle(left.unwrap_or(0) + right.unwrap_or(0));
                }
                turn = Turn::Busy;
            }
        }
        let Some(chain) = &mut self.chain else { return Turn::Done };
        self.ending.advance(self.left.ended() && self.right.ended(), chain).unwrap_or(turn)
    }
    fn flush(&mut self) -> bool {
        self.chain.as_mut().is_some_and(Push::flush)
    }
}
