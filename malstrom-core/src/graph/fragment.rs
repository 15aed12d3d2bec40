//! Fragments: typed pieces of a pipeline that are stages themselves. And how any stage extends a stream.
use super::build::Graph;
use super::picture::NodeKind;
use crate::contract::keying::{AnyKeying, Carried, KeyedBy, Keying, Need};
use crate::contract::never::Never;
use crate::contract::stage::{NoFailure, Operator, Stage};
use crate::contract::typed::Typed;
use crate::stream::call::{CallStage, CannotFail, SideEnds};
use crate::stream::env::Env;
use crate::stream::keep::KeepFor;
use crate::stream::link::{Wrap, link, renamed};
use crate::stream::{At, Push, Stream, hands_on, stream_of};
use std::marker::PhantomData;

/// What a fragment can ask of the key of its input: nothing, or which one it is.
pub trait Port: Need {
    /// How a stream that was keyed by `Kg` is keyed inside.
    type Inside<Kg: Keying>: Keying;
}
impl Port for AnyKeying {
    type Inside<Kg: Keying> = Carried<Kg>;
}
impl<K: Clone + 'static> Port for KeyedBy<K> {
    type Inside<Kg: Keying> = KeyedBy<K>;
}

/// A stream keyed in this way may enter a fragment that asks for `N`.
pub trait Enters<N: Port>: Keying {
    /// The key as the inside sees it.
    fn view(key: &Self::Key) -> &<N::Inside<Self> as Keying>::Key
    where
        Self: Sized;
}
impl<Kg: Keying> Enters<AnyKeying> for Kg {
    #[inline(always)]
    fn view(key: &Kg::Key) -> &Kg::Key {
        key
    }
}
impl<K: Clone + 'static> Enters<KeyedBy<K>> for KeyedBy<K> {
    #[inline(always)]
    fn view(key: &K) -> &K {
        key
    }
}

/// How a stage extends a stream that is keyed by `Kg`.
pub trait Wire<Kg: Keying>: Stage {
    /// How its output is keyed.
    type Leaves: Keying;
    /// Appends the stage.
    fn wire<U>(self, graph: Graph, id: &'static str, up: U) -> stream_of!(Self::Out, Self::Leaves, Self)
    where
        U: Stream<Item = Self::In> + Typed<Keying = Kg>;
}
impl<Kg, Op> Wire<Kg> for Op
where
    Kg: Keying,
    Op: Operator<Failure = NoFailure, Keep: KeepFor<Kg::Key>>,
    (): SideEnds<Kg::Key, Op::Sides>,
    CannotFail: crate::stream::call::OnFail<Kg::Key, Never>,
{
    type Leaves = Kg;
    fn wire<U>(self, graph: Graph, id: &'static str, up: U) -> stream_of!(Op::Out, Kg, Op)
    where
        U: Stream<Item = Op::In> + Typed<Keying = Kg>,
    {
        let node = graph.stage(&up, id, NodeKind::of::<Op>());
        link(up, node, CallStage { op: self, on_fail: CannotFail, side_ends: (), node })
    }
}

/// Appends a stage that passed its checks.
pub fn then<U, S>(
    graph: Graph,
    id: &'static str,
    stage: S,
    up: U,
) -> stream_of!(S::Out, <S as Wire<U::Keying>>::Leaves, S)
where
    U: Stream,
    S: Wire<U::Keying, In = U::Item>,
{
    stage.wire(graph, id, up)
}

struct Enter<Kg, N>(PhantomData<fn() -> (Kg, N)>);
struct EnterPush<Kg, N, P> {
    down: P,
    names: PhantomData<fn() -> (Kg, N)>,
}
impl<Kg: Enters<N>, N: Port, T: 'static> Wrap<Kg::Key, T, <N::Inside<Kg> as Keying>::Key, T> for Enter<Kg, N> {
    fn wrap<P: Push<<N::Inside<Kg> as Keying>::Key, T>>(self, _: &Env, down: P) -> impl Push<Kg::Key, T> {
        EnterPush::<Kg, N, P> { down, names: PhantomData }
    }
}
impl<Kg, N, T, P> Push<Kg::Key, T> for EnterPush<Kg, N, P>
where
    Kg: Enters<N>,
    N: Port,
    P: Push<<N::Inside<Kg> as Keying>::Key, T>,
{
    #[inline(always)]
    fn push(&mut self, at: At<'_, Kg::Key>, record: T) {
        self.down.push(At { key: Kg::view(at.key), hash: at.hash }, record);
    }
    #[inline]
    fn settle(&mut self, arrived: u64) {
        self.down.settle(arrived);
    }
    hands_on!();
}

/// The inside of fragment `S`, which was attached to `up` under `id`.
pub fn enter<S, U>(graph: Graph, id: &'static str, up: U) -> stream_of!(S::In, <S::Need as Port>::Inside<U::Keying>, S)
where
    S: Stage<Need: Port>,
    U: Stream<Item = S::In> + Typed<Keying: Enters<S::Need>>,
{
    graph.enter(id);
    let tail = up.tail();
    link(up, tail, Enter::<U::Keying, S::Need>(PhantomData))
}
/// Leaves fragment `S` with the key that it was entered with.
pub fn leave<S: Stage, U, Kg>(graph: Graph, up: U) -> stream_of!(U::Item, Kg, S)
where
    U: Stream + Typed<Keying = Carried<Kg>>,
    Kg: Keying,
{
    graph.leave();
    renamed(up)
}
/// Leaves fragment `S` with the key that it has by now.
pub fn leave_keyed<S: Stage, U: Stream>(graph: Graph, up: U) -> stream_of!(U::Item, U::Keying, S) {
    graph.leave();
    renamed(up)
}
