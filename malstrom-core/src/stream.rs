//! Streams under construction and the push chains that they fuse into.
//!
//! A stream is a description that knows its types. Closing it with a consumer nests one [`Push`] per stage into a single
//! type, so that the compiler sees the whole segment as one loop.
pub mod aggregate;
pub mod call;
pub mod combine;
pub mod env;
pub mod keep;
pub mod link;
pub mod merge;
pub mod plain;
#[cfg(test)]
pub(crate) mod seen;
pub mod signal;
pub mod sink;
pub mod timestamps;
pub mod timing;
pub mod windows;

use crate::contract::crossing::Crossing;
use crate::contract::form::{Meta, Under};
use crate::contract::snapshot::{Barrier, Task};
use crate::contract::source::Progress;
use crate::contract::typed::{MetaOf, SpecOf, Typed};
use env::Env;
use signal::{End, Flow, Signal};
use std::time::Duration;

/// What a record travels under.
pub struct At<'a, M: Meta> {
    /// Its key; `()` if the stream is not keyed.
    pub key: &'a M::Key,
    /// The seeded hash of the key; 0 if the stream is not keyed.
    pub hash: u64,
    /// Its time; `()` if the stream has none.
    pub stamp: M::Stamp,
}
impl<'a, M: Meta> At<'a, M> {
    /// The same key with another stamp.
    #[inline(always)]
    pub fn with<S>(self, stamp: S) -> At<'a, Under<M::Key, S>>
    where
        Under<M::Key, S>: Meta<Key = M::Key, Stamp = S>,
    {
        At { key: self.key, hash: self.hash, stamp }
    }
}
impl<M: Meta> Clone for At<'_, M> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<M: Meta> Copy for At<'_, M> {}
impl<M: Meta> std::fmt::Debug for At<'_, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("At").field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// A fused consumer of records `T` that travel under `M`.
///
/// `push` is called per record and must inline; all other methods are called once per batch.
pub trait Push<M: Meta, T>: 'static {
    /// Takes one record.
    fn push(&mut self, at: At<'_, M>, record: T);
    /// Takes what stands between two records. [`pump`](Push::pump) must then be called before the next record.
    fn signal(&mut self, signal: Signal);
    /// Asks for the state of a key that will be pushed soon.
    fn touch(&self, hash: u64);
    /// Whether the state of this chain has outgrown the cache.
    fn worth_touching(&self) -> bool;
    /// Whether a whole batch waits at the end of this chain, to be consumed while it is warm.
    fn full(&self) -> bool;
    /// Hands over what waits at the end of this chain, and does a part of what signals asked for. Unless the chain is
    /// then free, it must not be fed.
    fn pump(&mut self) -> Flow;
    /// Does what is due at `now` by the worker's clock, or has [`pump`](Push::pump) do it. Says when it wants to be
    /// called again.
    fn tick(&mut self, now: Duration) -> Option<Duration>;
    /// Publishes counts: `arrived` records came in since the last call.
    fn settle(&mut self, arrived: u64);
    /// Hands over partial batches as well; `true` if there were any.
    fn flush(&mut self) -> bool;
    /// The input has ended: does what that asks for, and tells those downstream. [`pump`](Push::pump) then says when
    /// that has been done.
    fn finish(&mut self, end: End);
    /// Does something about the state that this chain keeps.
    fn persist(&mut self, task: Task<'_, '_>);
    /// The interval of the last barrier that has come to the end of this chain: all stages have taken note of it.
    fn passed(&self) -> u64;
}

/// Implements the per-batch methods of [`Push`] by handing them on to `self.down`.
macro_rules! hands_on {
    (@settle) => {
        #[inline]
        fn settle(&mut self, arrived: u64) {
            self.site.add(|c| {
                c.records_in += arrived;
                c.records_out += arrived;
            });
            self.down.settle(arrived);
        }
        $crate::stream::hands_on!();
    };
    () => {
        #[inline]
        fn signal(&mut self, signal: $crate::stream::signal::Signal) {
            self.down.signal(signal);
        }
        $crate::stream::hands_on!(@untimed);
    };
    (@untimed) => {
        $crate::stream::hands_on!(@state);
        $crate::stream::hands_on!(@end);
        #[inline]
        fn tick(&mut self, now: std::time::Duration) -> Option<std::time::Duration> {
            self.down.tick(now)
        }
    };
    (@state) => {
        #[inline(always)]
        fn touch(&self, hash: u64) {
            self.down.touch(hash);
        }
        #[inline(always)]
        fn worth_touching(&self) -> bool {
            self.down.worth_touching()
        }
        #[inline(always)]
        fn full(&self) -> bool {
            self.down.full()
        }
    };
    (@end) => {
        #[inline]
        fn pump(&mut self) -> $crate::stream::signal::Flow {
            self.down.pump()
        }
        #[inline]
        fn flush(&mut self) -> bool {
            self.down.flush()
        }
        #[inline]
        fn finish(&mut self, end: $crate::stream::signal::End) {
            self.down.finish(end);
        }
        $crate::stream::hands_on!(@persist);
    };
    (@persist) => {
        fn persist(&mut self, task: $crate::contract::snapshot::Task<'_, '_>) {
            self.down.persist(task);
        }
        $crate::stream::hands_on!(@passed);
    };
    (@passed) => {
        #[inline]
        fn passed(&self) -> u64 {
            self.down.passed()
        }
    };
}
pub(crate) use hands_on;

/// A stream whose last stage is known and whose consumer is not.
pub trait Stream: Typed {
    /// How it came from an exchange.
    type Crossing: Crossing;
    /// The number of its last stage in the plan.
    fn tail(&self) -> usize;
    /// What is known of its windows.
    fn spec(&self) -> SpecOf<Self>;
    /// Fuses the segment that ends here.
    fn close<P: Push<MetaOf<Self>, Self::Item>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>>;
}

/// Shorthand for what the combinators return.
macro_rules! stream_of {
    ($item:ty, $form:ty, $node:ty) => {
        impl $crate::stream::Stream<Item = $item, Form = $form, Node = $node, Crossing = $crate::contract::crossing::Apart>
    };
}
pub(crate) use stream_of;

/// One fused loop. The scheduler sees only this: one dynamic call per batch.
pub trait Segment {
    /// Does a bounded amount of work.
    fn run(&mut self, now: Duration) -> Turn;
    /// Hands over partial batches; `true` if there were any.
    fn flush(&mut self) -> bool;
    /// What to show of the splits it is reading.
    fn progress(&self, _: &mut Vec<Progress>) {}
    /// Ends the interval where a barrier begins its way: at a source, and where no input is left to bring one.
    fn begin_barrier(&mut self, _: Barrier) {}
    /// The interval that the last barrier ended here.
    fn passed(&self) -> u64 {
        0
    }
    /// Does something about the state that is kept here.
    fn persist(&mut self, _: Task<'_, '_>) {}
    /// Whether it reads a source, whose splits may move to any worker.
    fn is_source(&self) -> bool {
        false
    }
    /// Lets go of what others go on with, behind a barrier that has changed who takes part. What was kept at the barrier is written.
    fn give_way(&mut self, _: u64) {}
    /// Goes on behind a barrier that has changed who takes part: all that is gained here has been taken in.
    fn go_on(&mut self, _: u64) {}
    /// Hands on that nothing will follow, since the worker leaves others that go on.
    fn leave(&mut self) {}
}

/// What one run of a segment came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It did something.
    Busy,
    /// It had nothing to do, or could not; with a time, it wants to be run again then.
    Idle(Option<Duration>),
    /// It has input, but could do nothing with it: those downstream have no room. With a time, it wants to be run again then.
    HeldBack(Option<Duration>),
    /// Its input has ended and it has handed on everything. It will not be run again.
    Done,
}
impl Turn {
    /// Held back only if there is something to hold back.
    pub(crate) fn only_if(self, has_input: impl FnOnce() -> bool) -> Turn {
        match self {
            Turn::HeldBack(due) if !has_input() => Turn::Idle(due),
            turn => turn,
        }
    }
}
