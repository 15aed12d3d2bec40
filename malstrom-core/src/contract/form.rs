//! How a stream flows: what its records travel under. Its keying, its time and its windows in one type.
use super::keying::{KeyedBy, Keying, Unkeyed};
use super::time::{Ticks, Time};
use std::marker::PhantomData;

/// What a record is stamped with: `()` on a stream without event time, else its time in ticks.
pub trait Stamp: Copy + Send + 'static {
    /// The stamp of a record with this time.
    fn of(ticks: i64) -> Self;
    /// The time, if the stream has one.
    fn ticks(self) -> Option<i64>;
}
impl Stamp for () {
    #[inline(always)]
    fn of(_: i64) {}
    #[inline(always)]
    fn ticks(self) -> Option<i64> {
        None
    }
}
impl Stamp for i64 {
    #[inline(always)]
    fn of(ticks: i64) -> i64 {
        ticks
    }
    #[inline(always)]
    fn ticks(self) -> Option<i64> {
        Some(self)
    }
}

/// The event time of a stream: [`NoTime`], or a [`Time`] type.
pub trait Timing: 'static {
    /// What each record is stamped with.
    type Stamp: Stamp;
    /// The time type, or `T` where there is none to be used.
    type TimeOr<T: 'static>: 'static;
    /// [`AnyTime`], or `T` where there is no time to be used.
    type UntimedFor<T: 'static>: 'static;
    /// What its ticks are.
    const TICKS: Ticks = Ticks::Any;
}
/// A stream nobody has called `timestamps` on.
#[derive(Debug)]
pub struct NoTime;
impl Timing for NoTime {
    type Stamp = ();
    type TimeOr<T: 'static> = T;
    type UntimedFor<T: 'static> = T;
}
impl<T: Time> Timing for T {
    const TICKS: Ticks = T::TICKS;
    type Stamp = i64;
    type TimeOr<J: 'static> = T;
    type UntimedFor<J: 'static> = AnyTime;
}
/// The time a fragment was entered with: carried through, but not the fragment's to use.
#[derive(Debug)]
pub struct CarriedTime<Tm>(PhantomData<fn() -> Tm>);
impl<Tm: Timing> Timing for CarriedTime<Tm> {
    type Stamp = Tm::Stamp;
    type TimeOr<T: 'static> = T;
    type UntimedFor<T: 'static> = T;
}
/// Stands for "no time wanted" in checks.
#[derive(Debug)]
pub struct AnyTime;

/// What a record travels under.
pub trait Meta: 'static {
    /// Its key; `()` if the stream is not keyed.
    type Key: Clone + Eq + 'static;
    /// Its stamp.
    type Stamp: Stamp;
}
/// A key and a stamp.
#[derive(Debug)]
pub struct Under<K, S>(PhantomData<fn() -> (K, S)>);
impl<K: Clone + Eq + 'static, S: Stamp> Meta for Under<K, S> {
    type Key = K;
    type Stamp = S;
}

/// How a stream flows.
pub trait Form: 'static {
    /// How it is keyed.
    type Keying: Keying;
    /// Its event time.
    type Time: Timing;
    /// [`NoWindows`], or the windows that its records belong to.
    type Windows: Windowing;
    /// What its records travel under.
    type Meta: Meta<Key = <Self::Keying as Keying>::Key, Stamp = <Self::Time as Timing>::Stamp>;
}
/// How a stream flows that is keyed by `K`.
pub trait Keyed<K>: Form<Keying = KeyedBy<K>> {}
impl<K: Clone + Eq + 'static, Fm: Form<Keying = KeyedBy<K>>> Keyed<K> for Fm {}
/// Keyed by `Kg`, with times of `Tm`, in windows `Wn`.
#[derive(Debug)]
pub struct Formed<Kg = Unkeyed, Tm = NoTime, Wn = NoWindows>(PhantomData<fn() -> (Kg, Tm, Wn)>);
impl<Kg: Keying, Tm: Timing, Wn: Windowing> Form for Formed<Kg, Tm, Wn> {
    type Keying = Kg;
    type Time = Tm;
    type Windows = Wn;
    type Meta = Under<Kg::Key, Tm::Stamp>;
}

/// Whether a stream's records belong to windows.
pub trait Windowing: 'static {
    /// What is known of the windows while the graph is built.
    type Spec: Clone + 'static;
    /// [`AnyWindows`], or `T` where there are no windows.
    type UnwindowedFor<T: 'static>: 'static;
    /// `T` where there are windows, [`AnyWindows`] elsewhere.
    type WindowedFor<T: 'static>: 'static;
    /// `T` where records `T` are copied for a stage that keeps state, `()` elsewhere.
    type Copied<T: 'static>: 'static;
    /// `S` where state `S` is kept on after its window has closed, `()` elsewhere.
    type Retained<S: 'static>: 'static;
}
/// A stream that is not cut into windows.
#[derive(Debug)]
pub struct NoWindows;
impl Windowing for NoWindows {
    type Spec = ();
    type UnwindowedFor<T: 'static> = T;
    type WindowedFor<T: 'static> = AnyWindows;
    type Copied<T: 'static> = ();
    type Retained<S: 'static> = ();
}
/// Stands for "no windows wanted" in checks.
#[derive(Debug)]
pub struct AnyWindows;
