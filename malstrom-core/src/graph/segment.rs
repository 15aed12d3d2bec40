//! A segment that reads an edge.
use crate::exchange::batch::Batch;
use crate::exchange::inlet::Inlet;
use crate::stream::{At, Push, Segment, Turn};
use std::hint::black_box;
use std::marker::PhantomData;
use std::time::Duration;

/// How many batches a segment takes before others get their turn.
pub(crate) const BATCHES: usize = 4;
/// How many records are looked at before they are applied, so that the cache misses on their state overlap.
const AHEAD: usize = 32;

/// How the end of a segment's input is handed on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    No,
    /// Those downstream are being told.
    Telling,
    Done,
}
impl Ending {
    /// Ends `chain` if the input `ended`, as far as that is possible now.
    pub(crate) fn advance<K, T>(&mut self, ended: bool, chain: &mut impl Push<K, T>) -> Option<Turn> {
        if *self == Ending::No && ended {
            chain.flush();
            chain.finish();
            *self = Ending::Telling;
        }
        if *self == Ending::Telling {
            if !chain.pump() {
                return Some(Turn::Idle(None));
            }
            *self = Ending::Done;
        }
        (*self == Ending::Done).then_some(Turn::Done)
    }
}

/// Pushes a batch through a chain. Returns the number of records.
#[inline(always)]
pub(crate) fn apply<K, T>(batch: &mut Batch<K, T>, chain: &mut impl Push<K, T>) -> u64 {
    let n = batch.len() as u64;
    let mut records = batch.drain(..);
    if chain.worth_touching() {
        let mut seen = 0;
        while !records.as_slice().is_empty() {
            for envelope in records.as_slice().iter().take(AHEAD) {
                seen ^= chain.touch(envelope.hash);
            }
            for envelope in records.by_ref().take(AHEAD) {
                chain.push(At { key: &envelope.key, hash: envelope.hash }, envelope.record);
            }
        }
        black_box(seen);
    } else {
        for envelope in records {
            chain.push(At { key: &envelope.key, hash: envelope.hash }, envelope.record);
        }
    }
    n
}

pub(crate) struct EdgeSegment<K, T, I, P> {
    inlet: I,
    /// Taken out for each run: on the stack it is seen to be nobody else's, and its fields stay in registers.
    chain: Option<P>,
    ending: Ending,
    edge: PhantomData<fn(K, T)>,
}
impl<K, T, I, P> EdgeSegment<K, T, I, P> {
    pub(crate) fn new(inlet: I, chain: P) -> Self {
        EdgeSegment { inlet, chain: Some(chain), ending: Ending::No, edge: PhantomData }
    }
}
impl<K: 'static, T: 'static, I: Inlet<K, T>, P: Push<K, T>> Segment for EdgeSegment<K, T, I, P> {
    fn run(&mut self, _: Duration) -> Turn {
        let Some(mut chain) = self.chain.take() else { return Turn::Done };
        let mut turn = Turn::Idle(None);
        if self.ending == Ending::No {
            for _ in 0..BATCHES {
                if !chain.pump() {
                    break;
                }
                let Some((from, mut batch)) = self.inlet.poll() else { break };
                let n = apply(&mut batch, &mut chain);
                chain.settle(n);
                self.inlet.recycle(from, batch);
                turn = Turn::Busy;
            }
        }
        let ended = self.ending.advance(self.inlet.ended(), &mut chain);
        self.chain = Some(chain);
        ended.unwrap_or(turn)
    }
    fn flush(&mut self) -> bool {
        self.chain.as_mut().is_some_and(Push::flush)
    }
}
