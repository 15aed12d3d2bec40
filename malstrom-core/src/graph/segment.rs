//! A segment that reads an edge.
use crate::exchange::batch::Batch;
use crate::exchange::inlet::Inlet;
use crate::stream::{At, Push, Segment, Turn};
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
///
/// A function of its own that takes the chain out of its place: on the stack nothing but these loops ever sees its
/// address, so its fields stay in registers.
#[inline(never)]
pub(crate) fn apply<K, T, P: Push<K, T>>(batch: &mut Batch<K, T>, place: &mut Option<P>) -> u64 {
    let Some(mut chain) = place.take() else { return 0 };
    let n = batch.len() as u64;
    let mut records = batch.drain(..);
    if chain.worth_touching() {
        while !records.as_slice().is_empty() {
            for envelope in records.as_slice().iter().take(AHEAD) {
                chain.touch(envelope.hash);
            }
            for envelope in records.by_ref().take(AHEAD) {
                chain.push(At { key: &envelope.key, hash: envelope.hash }, envelope.record);
            }
        }
    } else {
        for envelope in records {
            chain.push(At { key: &envelope.key, hash: envelope.hash }, envelope.record);
        }
    }
    *place = Some(chain);
    n
}

pub(crate) struct EdgeSegment<K, T, I, P> {
    inlet: I,
    /// In its place, except while [`apply`] has it.
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
        let mut turn = Turn::Idle(None);
        if self.ending == Ending::No {
            for _ in 0..BATCHES {
                if !self.chain.as_mut().is_some_and(Push::pump) {
                    break;
                }
                let Some((from, mut batch)) = self.inlet.poll() else { break };
                let n = apply(&mut batch, &mut self.chain);
                if let Some(chain) = &mut self.chain {
                    chain.settle(n);
                }
                self.inlet.recycle(from, batch);
                turn = Turn::Busy;
            }
        }
        let Some(chain) = &mut self.chain else { return Turn::Done };
        self.ending.advance(self.inlet.ended(), chain).unwrap_or(turn)
    }
    fn flush(&mut self) -> bool {
        self.chain.as_mut().is_some_and(Push::flush)
    }
}
