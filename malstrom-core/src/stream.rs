//! Streams under construction and the push chains that they fuse into.
//!
//! A stream is a description that knows its types. Closing it with a consumer nests one [`Push`] per stage into a single
//! type, so that the compiler sees the whole segment as one loop.
pub mod aggregate;
pub mod call;
pub mod env;
pub mod keep;
pub mod link;
pub mod plain;
pub mod sink;

use crate::contract::source::Progress;
use crate::contract::typed::{KeyOf, Typed};
use env::Env;
use std::time::Duration;

/// What a record travels under.
#[derive(Debug)]
pub struct At<'a, K> {
    /// Its key; `()` if the stream is not keyed.
    pub key: &'a K,
    /// The seeded hash of the key; 0 if the stream is not keyed.
    pub hash: u64,
}
impl<K> Clone for At<'_, K> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for At<'_, K> {}

/// A fused consumer of records `T` that travel under keys `K`.
///
/// `push` is called per record and must inline; all other methods are called once per batch.
pub trait Push<K, T>: 'static {
    /// Takes one record.
    fn push(&mut self, at: At<'_, K>, record: T);
    /// Asks for the state of a key that will be pushed soon.
    fn touch(&self, hash: u64);
    /// Whether the state of this chain has outgrown the cache.
    fn worth_touching(&self) -> bool;
    /// Whether a whole batch waits at the end of this chain, to be consumed while it is warm.
    fn full(&self) -> bool;
    /// Hands over what waits at the end of this chain; `false` if it is over its limit and must not be fed.
    fn pump(&mut self) -> bool;
    /// Publishes counts: `arrived` records came in since the last call.
    fn settle(&mut self, arrived: u64);
    /// Hands over partial batches as well; `true` if there were any.
    fn flush(&mut self) -> bool;
    /// The input has ended and everything has been flushed: tells those downstream. [`pump`](Push::pump) then says when
    /// they have been told.
    fn finish(&mut self);
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
        #[inline]
        fn pump(&mut self) -> bool {
            self.down.pump()
        }
        #[inline]
        fn flush(&mut self) -> bool {
            self.down.flush()
        }
        #[inline]
        fn finish(&mut self) {
            self.down.finish();
        }
    };
}
pub(crate) use hands_on;

/// A stream whose last stage is known and whose consumer is not.
pub trait Stream: Typed {
    /// The number of its last stage in the plan.
    fn tail(&self) -> usize;
    /// Fuses the segment that ends here.
    fn close<P: Push<KeyOf<Self>, Self::Item>>(self, env: &Env, end: P) -> crate::Result<Box<dyn Segment>>;
}

/// Shorthand for what the combinators return.
macro_rules! stream_of {
    ($item:ty, $keying:ty, $node:ty) => {
        impl $crate::stream::Stream<Item = $item, Keying = $keying, Node = $node>
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
}

/// What one run of a segment came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It did something.
    Busy,
    /// It had nothing to do, or could not; with a time, it wants to be run again then.
    Idle(Option<Duration>),
    /// Its input has ended and it has handed on everything. It will not be run again.
    Done,
}
