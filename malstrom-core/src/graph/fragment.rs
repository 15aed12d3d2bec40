//! Fragments: typed pieces of a pipeline that are stages themselves. And how any stage extends a stream.
use super::build::Graph;
use super::picture::NodeKind;
use super::renamed::Renamed;
use super::windows::{AfterOp, Behind, Stands};
use crate::contract::crossing::Apart;
use crate::contract::form::{CarriedTime, Form, Formed, NoWindows, Timing, Under, Windowing};
use crate::contract::keying::{AnyKeying, Carried, KeyedBy, Keying, Need};
use crate::contract::stage::{NoFailure, Operator, Stage};
use crate::contract::time::Time;
use crate::contract::typed::{MetaOf, Typed};
use crate::stream::call::CannotFail;
use crate::stream::env::Env;
use crate::stream::link::{Wrap, link_to};
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
impl<K: Clone + Eq + 'static> Port for KeyedBy<K> {
    type Inside<Kg: Keying> = KeyedBy<K>;
}
/// What a fragment can ask of the time of its input: nothing, or which one it is.
pub trait TimePort: 'static {
    /// What times a stream that had `Tm` has inside.
    type Inside<Tm: Timing>: Timing;
}
/// Nothing.
#[derive(Debug)]
pub struct AnyTiming;
impl TimePort for AnyTiming {
    type Inside<Tm: Timing> = CarriedTime<Tm>;
}
impl<T: Time> TimePort for T {
    type Inside<Tm: Timing> = T;
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
impl<K: Clone + Eq + 'static> Enters<KeyedBy<K>> for KeyedBy<K> {
    #[inline(always)]
    fn view(key: &K) -> &K {
        key
    }
}
/// A stream with these times may enter a fragment that asks for `N`.
pub trait EntersTimed<N: TimePort>: Timing {
    /// The stamp as the inside sees it.
    fn view(stamp: Self::Stamp) -> <N::Inside<Self> as Timing>::Stamp
    where
        Self: Sized;
}
impl<Tm: Timing> EntersTimed<AnyTiming> for Tm {
    #[inline(always)]
    fn view(stamp: Tm::Stamp) -> Tm::Stamp {
        stamp
    }
}
impl<T: Time> EntersTimed<T> for T {
    #[inline(always)]
    fn view(stamp: i64) -> i64 {
        stamp
    }
}
/// How a stream that flows as `Fm` flows inside a fragment with these ports.
pub type Inside<Fm, N, N2> =
    Formed<<N as Port>::Inside<<Fm as Form>::Keying>, <N2 as TimePort>::Inside<<Fm as Form>::Time>>;

/// How a stage extends a stream that flows as `Fm`.
pub trait Wire<Fm: Form>: Stage {
    /// How its output flows.
    type Leaves: Form;
    /// Appends the stage.
    fn wire<U>(self, graph: Graph, id: &'static str, up: U) -> stream_of!(Self::Out, Self::Leaves, Self)
    where
        U: Stream<Item = Self::In> + Typed<Form = Fm>;
}
impl<Kg, Tm, Wn, Op> Wire<Formed<Kg, Tm, Wn>> for Op
where
    Kg: Keying,
    Tm: Timing,
    Wn: Windowing,
    Op: Operator<Failure = NoFailure>,
    Op::Keep: Stands<Under<Kg::Key, Tm::Stamp>, Wn, Op, CannotFail, ()>,
{
    type Leaves = AfterOp<Op, Kg, Tm, Wn>;
    fn wire<U>(self, graph: Graph, id: &'static str, up: U) -> stream_of!(Op::Out, AfterOp<Op, Kg, Tm, Wn>, Op)
    where
        U: Stream<Item = Op::In> + Typed<Form = Formed<Kg, Tm, Wn>>,
    {
        let node = graph.stage(&up, id, NodeKind::of::<Op>());
        graph.keeps(node, Op::Keep::kept());
        let spec = up.spec();
        let stage = Op::Keep::stand(spec.clone(), self, CannotFail, (), node);
        link_to(up, node, Op::Keep::spec(spec), stage)
    }
}

/// Appends a stage that passed its checks.
pub fn then<U, S>(
    graph: Graph,
    id: &'static str,
    stage: S,
    up: U,
) -> stream_of!(S::Out, <S as Wire<U::Form>>::Leaves, S)
where
    U: Stream,
    S: Wire<U::Form, In = U::Item>,
{
    stage.wire(graph, id, up)
}

struct Enter<Kg, Tm, N, N2>(PhantomData<fn() -> (Kg, Tm, N, N2)>);
struct EnterPush<Kg, Tm, N, N2, P> {
    down: P,
    names: PhantomData<fn() -> (Kg, Tm, N, N2)>,
}
/// What records travel under inside.
type InsideMeta<Kg, Tm, N, N2> =
    Under<<<N as Port>::Inside<Kg> as Keying>::Key, <<N2 as TimePort>::Inside<Tm> as Timing>::Stamp>;
impl<Kg, Tm, N, N2, T> Wrap<Under<Kg::Key, Tm::Stamp>, T, InsideMeta<Kg, Tm, N, N2>, T> for Enter<Kg, Tm, N, N2>
where
    Kg: Enters<N>,
    Tm: EntersTimed<N2>,
    N: Port,
    N2: TimePort,
    T: 'static,
{
    fn wrap<P: Push<InsideMeta<Kg, Tm, N, N2>, T>>(self, _: &Env, down: P) -> impl Push<Under<Kg::Key, Tm::Stamp>, T> {
        EnterPush::<Kg, Tm, N, N2, P> { down, names: PhantomData }
    }
}
impl<Kg, Tm, N, N2, T, P> Push<Under<Kg::Key, Tm::Stamp>, T> for EnterPush<Kg, Tm, N, N2, P>
where
    Kg: Enters<N>,
    Tm: EntersTimed<N2>,
    N: Port,
    N2: TimePort,
    P: Push<InsideMeta<Kg, Tm, N, N2>, T>,
{
    #[inline(always)]
    fn push(&mut self, at: At<'_, Under<Kg::Key, Tm::Stamp>>, record: T) {
        self.down.push(At { key: Kg::view(at.key), hash: at.hash, stamp: Tm::view(at.stamp) }, record);
    }
    #[inline]
    fn settle(&mut self, arrived: u64) {
        self.down.settle(arrived);
    }
    hands_on!();
}

/// The inside of fragment `S`, which was attached to `up` under `id`, and asks `N2` of its input's time.
pub fn enter<S, N2, Kg, Tm, U>(
    graph: Graph,
    id: &'static str,
    up: U,
) -> stream_of!(S::In, Inside<U::Form, S::Need, N2>, S)
where
    S: Stage<Need: Port>,
    N2: TimePort,
    Kg: Enters<S::Need>,
    Tm: EntersTimed<N2>,
    U: Stream<Item = S::In> + Typed<Form = Formed<Kg, Tm>>,
{
    graph.enter(id);
    let tail = up.tail();
    link_to(up, tail, (), Enter::<Kg, Tm, S::Need, N2>(PhantomData))
}
/// Leaves fragment `S`: the stream then flows as `Fm` says.
pub fn leave<S: Stage, Fm, U>(graph: Graph, up: U) -> Renamed<U, Fm, S, Apart>
where
    U: Stream,
    Fm: Form<Windows = NoWindows, Meta = MetaOf<U>>,
{
    graph.leave();
    Renamed::new(up, ())
}
