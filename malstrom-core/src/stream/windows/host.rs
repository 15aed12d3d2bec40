//! What keeps state per key and window, as a stage sees it, and up to when windows close.
use super::around::Rest;
use super::figures::Reached;
use crate::contract::form::Meta;
use crate::contract::snapshot::{Barrier, Task};
use crate::contract::windows::{Aligned, Spec, Times};
use crate::stream::signal::{End, Mark, Signal};
use crate::stream::{At, Push};

/// Up to when windows close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Horizon {
    /// Those that the watermark has passed.
    Watermark(i64),
    /// All: the input has ended.
    End,
}
impl Horizon {
    /// Whether a window with this last tick closes.
    #[inline]
    pub(crate) fn closes(self, last: i64) -> bool {
        match self {
            Horizon::Watermark(time) => last <= time && time > i64::MIN,
            Horizon::End => true,
        }
    }
    /// Whether nothing can be added to a window any more.
    pub(crate) fn is_over<N: Times>(self, spec: &Spec<Aligned<N>>, window: i128) -> bool {
        match self {
            Horizon::Watermark(time) => spec.windows.is_over(window, spec.lateness, time),
            Horizon::End => true,
        }
    }
    /// The last of all windows that have closed, those that held nothing too. `None` if there is no last one.
    pub(crate) fn ended<N: Times>(self, windows: &Aligned<N>) -> Option<i128> {
        match self {
            Horizon::Watermark(time) if !windows.is_whole() && time > i64::MIN => Some(windows.ended(time)),
            _ => None,
        }
    }
}

/// What a signal closes.
pub(crate) fn horizon(signal: Signal) -> Option<Horizon> {
    match signal {
        Signal::Time(Mark::At(time) | Mark::Idle(time)) => Some(Horizon::Watermark(time)),
        Signal::End(End::Complete) => Some(Horizon::End),
        _ => None,
    }
}

/// Keeps state per key and window.
pub(crate) trait Host<M: Meta, T, X>: 'static {
    /// What it emits.
    type Out: 'static;
    /// Takes one record.
    fn record<P: Push<M, Self::Out>>(&mut self, at: At<'_, M>, record: T, rest: &mut Rest<X, P>);
    /// Time has come to the horizon. Whether there is something to close.
    fn due(&mut self, horizon: Horizon) -> bool;
    /// Closes something small: one key of one window, or less. `false` if nothing is left to close.
    fn close<P: Push<M, Self::Out>>(&mut self, horizon: Horizon, rest: &mut Rest<X, P>) -> bool;
    /// What a signal closes.
    fn horizon(&mut self, signal: Signal) -> Option<Horizon> {
        horizon(signal)
    }
    /// See [`Push::flush`].
    fn flush<P: Push<M, Self::Out>>(&mut self, _: &mut Rest<X, P>) -> bool {
        false
    }
    /// So many records have come.
    fn settled<P: Push<M, Self::Out>>(&mut self, _arrived: u64, _: &mut Rest<X, P>) {}
    /// What the stage promises at a watermark of its input.
    fn promise(&self, time: i64) -> i64 {
        time
    }
    /// See [`Push::touch`].
    #[inline(always)]
    fn touch(&self, _: u64) {}
    /// See [`Push::worth_touching`].
    #[inline(always)]
    fn worth_touching(&self) -> bool {
        false
    }
    /// What its windows are, in words, and their lateness. What was saved of others is refused.
    fn terms(&self) -> (String, i64) {
        (String::new(), 0)
    }
    /// The number of the last record of all keys, where records are numbered in what is kept.
    fn arrivals(&mut self) -> Option<&mut u64> {
        None
    }
    /// A barrier passes, and nothing is being closed.
    fn flip(&mut self, _: Barrier) {}
    /// Does something about what is kept. When it is loaded or taken in, `reached` says how far the workers had come that wrote it.
    fn persist(&mut self, _: Task<'_, '_>, _reached: &Reached) {}
}
