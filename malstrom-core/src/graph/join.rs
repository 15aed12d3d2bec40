//! Stages with several inputs: `union`, and operators with `on_right`.
use super::build::Graph;
use super::head::QueueHead;
use super::intake::{Alignment, Intake, Pass};
use super::names;
use super::picture::{EdgeKind, NodeKind};
use super::policy::Policy;
use super::segment::{Door, Ending, Front, turns};
use crate::contract::form::{Form, Meta, Windowing};
use crate::contract::keying::Need;
use crate::contract::snapshot::{Barrier, Task};
use crate::contract::stage::{ErrorOf, TwoInput};
use crate::contract::typed::{MetaOf, SpecOf, Typed};
use crate::exchange::changes::Halt;
use crate::exchange::fabric::Links;
use crate::exchange::inlet::Local;
use crate::exchange::queue::Queue;
use crate::stream::call::{CallPush, OnFail, PushRight, SideEnds};
use crate::stream::env::Env;
use crate::stream::keep::KeepFor;
use crate::stream::link::link;
use crate::stream::merge::Merge;
use crate::stream::plain::PassStage;
use crate::stream::signal::{Flow, Signal};
use crate::stream::timing::TimersFor;
use crate::stream::{At, Push, Segment, Stream, Turn, stream_of};
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

/// The inputs of a union so far.
pub struct Union<T, Fm: Form, Node> {
    queues: Vec<Rc<Queue<Fm::Meta, T>>>,
    tails: Vec<usize>,
    spec: <Fm::Windows as Windowing>::Spec,
    names: PhantomData<fn() -> Node>,
}
impl<T, Fm: Form, Node> std::fmt::Debug for Union<T, Fm, Node> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Union({} inputs)", self.queues.len())
    }
}
impl<T: 'static, Fm: Form, Node: 'static> Typed for Union<T, Fm, Node> {
    type Item = T;
    type Form = Fm;
    type Node = Node;
}
/// The first input of a union.
pub fn union_of<U: Stream>(graph: Graph, first: U) -> Union<U::Item, U::Form, U::Node> {
    let (tails, spec) = (vec![first.tail()], first.spec());
    Union { queues: vec![graph.queue(first)], tails, spec, names: PhantomData }
}
/// A further input of a union.
pub fn union_with<U: Stream<Item = T>, T: 'static, Fm: Form<Meta = MetaOf<U>>, Node>(
    graph: Graph,
    mut union: Union<T, Fm, Node>,
    next: U,
) -> Union<T, Fm, Node> {
    union.tails.push(next.tail());
    union.queues.push(graph.queue(next));
    union
}
/// `union(a, b, ..)`
pub fn union<T: 'static, Fm: Form, Node>(
    graph: Graph,
    id: &'static str,
    inputs: Union<T, Fm, Node>,
) -> stream_of!(T, Fm, names::union) {
    let node = graph.node(id, NodeKind::Stage);
    for tail in inputs.tails {
        graph.edge::<T>(tail, node, EdgeKind::Forward);
    }
    let head = QueueHead::<T, Fm, names::union>::new(inputs.queues, node, inputs.spec);
    link(head, node, PassStage { node })
}

struct TwoHead<L, R, Op, F, S, Fm: Form> {
    left: Rc<Queue<Fm::Meta, L>>,
    right: Rc<Queue<Fm::Meta, R>>,
    op: Op,
    on_fail: F,
    side_ends: S,
    node: usize,
    spec: <Fm::Windows as Windowing>::Spec,
}
impl<L: 'static, R: 'static, Op: TwoInput, F: 'static, S: 'static, Fm: Form> Typed for TwoHead<L, R, Op, F, S, Fm> {
    type Item = Op::Out;
    type Form = Fm;
    type Node = Op;
}
impl<Op, F, S, Fm> Stream for TwoHead<Op::In, Op::Right, Op, F, S, Fm>
where
    Fm: Form,
    Op: TwoInput<Keep: KeepFor<Fm::Meta>, Timers: TimersFor<<Fm::Meta as Meta>::Key>>,
    F: OnFail<Fm::Meta, ErrorOf<Op>>,
    S: SideEnds<Fm::Meta, Op::Sides>,
{
    type Crossing = crate::contract::crossing::Apart;
    fn tail(&self) -> usize {
        self.node
    }
    fn spec(&self) -> SpecOf<Self> {
        self.spec.clone()
    }
    fn close<P: Push<Fm::Meta, Op::Out>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>> {
        let chain =
            CallPush::<_, Fm::Meta, _, _, _, _>::new(self.op, env, self.node, self.on_fail, self.side_ends, end);
        Ok(Box::new(TwoSegment::new(env, self.left, self.right, chain)))
    }
}

/// `(left, right) -> op`
pub fn call_two<A, B, Op, F>(
    graph: Graph,
    id: &'static str,
    op: Op,
    (left, right): (A, B),
    policy: F,
) -> (stream_of!(Op::Out, A::Form, Op), F::Failures)
where
    A: Stream<Item = Op::In>,
    B: Stream<Item = Op::Right> + Typed<Form: Form<Meta = MetaOf<A>>>,
    Op: TwoInput<Keep: KeepFor<MetaOf<A>>, Timers: TimersFor<<MetaOf<A> as Meta>::Key>, Need: Need>,
    F: Policy<MetaOf<A>, ErrorOf<Op>>,
    (): SideEnds<MetaOf<A>, Op::Sides>,
{
    let node = graph.stage(&left, id, NodeKind::of::<Op>());
    graph.keeps(node, Op::Keep::kept::<Op>());
    graph.edge::<B::Item>(right.tail(), node, EdgeKind::Right);
    let (on_fail, failures) = policy.declare(&graph, node);
    let spec = left.spec();
    let (left, right) = (graph.queue(left), graph.queue(right));
    let head = TwoHead::<_, _, _, _, _, A::Form> { left, right, op, on_fail, side_ends: (), node, spec };
    (head, failures)
}

/// The right input of a chain that has two.
struct Side;
impl<M: Meta, T, P: PushRight<M, T>> Door<M, T, P> for Side {
    #[inline(always)]
    fn push(chain: &mut P, at: At<'_, M>, record: T) {
        chain.push_right(at, record);
    }
}

/// A segment with two inputs, which take turns batch by batch.
pub(crate) struct TwoSegment<M: Meta, L, R, P> {
    left: Intake<M, L, Local<M, L>>,
    right: Intake<M, R, Local<M, R>>,
    merge: Merge,
    align: Alignment,
    told: [bool; 2],
    chain: Option<P>,
    ending: Ending,
    halt: Halt,
}
impl<M: Meta, L: 'static, R: 'static, P: Push<M, L> + PushRight<M, R>> TwoSegment<M, L, R, P> {
    pub(crate) fn new(env: &Env, left: Rc<Queue<M, L>>, right: Rc<Queue<M, R>>, chain: P) -> Self {
        let (left, right) = (Intake::new(Local::new(vec![left])), Intake::new(Local::new(vec![right])));
        TwoSegment {
            left,
            right,
            merge: Merge::new(2),
            align: Alignment::new(2),
            told: [false; 2],
            chain: Some(chain),
            ending: Ending::No,
            halt: Halt::new(Links::changes_of(env)),
        }
    }
    /// An input that has ended holds time back no longer. Says whether that meant anything to the chain.
    fn tell(&mut self) -> bool {
        let mut told = false;
        for (side, ended) in [self.left.ended(), self.right.ended()].into_iter().enumerate() {
            let Some(end) = ended.filter(|_| !std::mem::replace(&mut self.told[side], true)) else { continue };
            let signal = self.merge.take(side, Signal::End(end));
            let barrier = self.align.end(side).map(Signal::Barrier);
            for signal in signal.into_iter().chain(barrier) {
                if let Some(chain) = &mut self.chain {
                    Push::<M, L>::signal(chain, signal);
                    told = true;
                }
            }
        }
        self.reopen();
        told
    }
    fn is_halted(&self) -> bool {
        self.chain.as_ref().is_some_and(|chain| self.halt.holds(Push::<M, L>::passed(chain)))
    }
    /// Lets inputs go on that have not to wait for the barrier of the other one any more.
    fn reopen(&mut self) {
        if !self.align.is_closed(0) {
            self.left.reopen();
        }
        if !self.align.is_closed(1) {
            self.right.reopen();
        }
    }
}
impl<M: Meta, L: 'static, R: 'static, P: Push<M, L> + PushRight<M, R>> Segment for TwoSegment<M, L, R, P> {
    fn run(&mut self, now: Duration) -> Turn {
        let TwoSegment { left, right, merge, align, chain, halt, .. } = self;
        let turn = turns(chain, self.ending, now, halt, |chain| {
            let fed = left.feed(chain, Front, halt, |signal| pass(merge, align, 0, signal));
            if chain.as_ref().is_some_and(|chain| halt.holds(Push::<M, L>::passed(chain))) {
                return fed;
            }
            // What a signal of the left input asked for comes before what the right one brings.
            match chain.as_mut().map_or(Flow::Full, Push::<M, L>::pump) {
                Flow::Free => {}
                Flow::Busy => return fed.or(Some(0)),
                Flow::Full => return fed,
            }
            if !align.is_closed(1) {
                right.reopen();
            }
            let fed_right = right.feed::<M, L, _, _>(chain, Side, halt, |signal| pass(merge, align, 1, signal));
            if !align.is_closed(0) {
                left.reopen();
            }
            (fed.is_some() || fed_right.is_some()).then(|| fed.unwrap_or(0) + fed_right.unwrap_or(0))
        });
        if self.is_halted() {
            return turn;
        }
        let turn = if self.tell() { Turn::Busy } else { turn };
        if self.is_halted() {
            return turn;
        }
        let turn = turn.only_if(|| self.left.has_input() || self.right.has_input());
        let ended = self.merge.ended();
        let Some(chain) = &mut self.chain else { return Turn::Done };
        let turn = self.ending.advance::<M, L>(ended, chain).unwrap_or(turn);
        if turn == Turn::Done {
            self.left.close();
            self.right.close();
        }
        turn
    }
    fn flush(&mut self) -> bool {
        self.chain.as_mut().is_some_and(Push::<M, L>::flush)
    }
    fn begin_barrier(&mut self, barrier: Barrier) {
        self.ending.begin_barrier::<M, L>(barrier, &mut self.chain);
    }
    fn passed(&self) -> u64 {
        self.chain.as_ref().map_or(0, Push::<M, L>::passed)
    }
    fn persist(&mut self, task: Task<'_, '_>) {
        if let Some(chain) = &mut self.chain {
            Push::<M, L>::persist(chain, task);
        }
    }
    fn go_on(&mut self, interval: u64) {
        self.halt.go_on(interval);
        self.reopen();
    }
    fn leave(&mut self) {
        self.ending.leave::<M, L>(&mut self.chain);
    }
}

/// What a signal of one side means for both together.
fn pass(merge: &mut Merge, align: &mut Alignment, side: usize, signal: Signal) -> Pass {
    match signal {
        Signal::Barrier(barrier) => match align.arrive(side, barrier) {
            Some(barrier) => Pass::On(Signal::Barrier(barrier)),
            None => Pass::Wait,
        },
        signal => Pass::on(merge.take(side, signal)),
    }
}
