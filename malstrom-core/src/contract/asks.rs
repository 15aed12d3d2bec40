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
}
impl Ask for No {
    type Of<J: 'static> = J;
}
impl<T: 'static> Ask for Yes<T> {
    type Of<J: 'static> = T;
}

/// What a function asks for: the event time, timers in event time, windows to close, the window, and a function to run
/// when its timers fire.
#[derive(Debug)]
pub struct Asking<E = No, T = No, C = No, W = No, F = No>(PhantomData<fn() -> (E, T, C, W, F)>);
impl<E: Ask, T: Ask, C: Ask, W: Ask, F: Ask> Asks for Asking<E, T, C, W, F> {
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
}
