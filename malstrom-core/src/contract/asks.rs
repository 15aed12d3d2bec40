//! What a stage needs of its input beside the record and the key: time and windows.
use std::marker::PhantomData;

/// What a stage asks for.
pub trait Asks: 'static {
    /// The time type of an `EventTime` parameter, as seen from a stream with times of `J`; `J` itself if it has none.
    type Time<J: 'static>: 'static;
    /// [`Timing`](super::form::Timing) that it needs for event-time timers; `J` if it sets none.
    type Timers<J: 'static>: 'static;
    /// What it needs of windows for `on_close`; `J` if it has none.
    type Close<J: 'static>: 'static;
    /// What it needs of windows for a `Window` parameter; `J` if it has none.
    type Window<J: 'static>: 'static;
    /// Timers that nothing runs for; `J` if there are none.
    type Unfired<J: 'static>: 'static;
    /// Timers of any kind; `J` if there are none.
    type AnyTimers<J: 'static>: 'static;
    /// The state that it keeps; `J` if it keeps none.
    type State<J: 'static>: 'static;
    /// `T` if it keeps state, `()` if not.
    type IfState<T: 'static>: 'static;
}
/// One thing that is not asked for.
#[derive(Debug)]
pub struct No;
/// One thing that is asked for.
#[derive(Debug)]
pub struct Yes<T = ()>(PhantomData<fn() -> T>);

/// Whether one thing is asked for.
pub trait Ask: 'static {
    /// What is, as seen from a stream that has `J`; `J` itself if nothing is.
    type Of<J: 'static>: 'static;
    /// `T` if anything is, `()` if not.
    type Then<T: 'static>: 'static;
}
impl Ask for No {
    type Of<J: 'static> = J;
    type Then<T: 'static> = ();
}
impl<T: 'static> Ask for Yes<T> {
    type Of<J: 'static> = T;
    type Then<J: 'static> = J;
}

/// What a function asks for: the event time, timers in event time, windows to close, the window, a function to run when
/// its timers fire, timers of any kind, and state.
#[derive(Debug)]
pub struct Asking<E = No, T = No, C = No, W = No, F = No, A = No, S = No>(PhantomData<fn() -> (E, T, C, W, F, A, S)>);
impl<E: Ask, T: Ask, C: Ask, W: Ask, F: Ask, A: Ask, S: Ask> Asks for Asking<E, T, C, W, F, A, S> {
    type AnyTimers<J: 'static> = A::Of<J>;
    type State<J: 'static> = S::Of<J>;
    type IfState<J: 'static> = S::Then<J>;
    type Unfired<J: 'static> = F::Of<J>;
    type Time<J: 'static> = E::Of<J>;
    type Timers<J: 'static> = T::Of<J>;
    type Close<J: 'static> = C::Of<J>;
    type Window<J: 'static> = W::Of<J>;
}
/// What an operator asks for, and a function beside it.
#[derive(Debug)]
pub struct Both<A, B>(PhantomData<fn() -> (A, B)>);
impl<A: Asks, B: Asks> Asks for Both<A, B> {
    type Time<J: 'static> = A::Time<B::Time<J>>;
    type Timers<J: 'static> = A::Timers<B::Timers<J>>;
    type Close<J: 'static> = A::Close<B::Close<J>>;
    type Window<J: 'static> = A::Window<B::Window<J>>;
    // The function beside it sets the timers of the operator.
    type Unfired<J: 'static> = A::Unfired<J>;
    type AnyTimers<J: 'static> = A::AnyTimers<B::AnyTimers<J>>;
    type State<J: 'static> = A::State<J>;
    type IfState<T: 'static> = A::IfState<T>;
}
