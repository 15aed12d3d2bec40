//! A segment that reads an edge.
use crate::exchange::batch::{Batch, Envelope};
use crate::exchange::inlet::Inlet;
use crate::stream::{At, Push, Segment, Turn};
use std::marker::PhantomData;
use std::time::Duration;
use std::vec::Drain;

/// How many batches a segment takes before others get their turn.
pub(crate) const BATCHES: usize = 4;
/// How many records are looked at before they are applied, so that the cache misses on their state overlap.
const AHEAD: usize = 32;
/// How many records are applied before the chain is asked whether it has room for more: at first, and where it makes more
/// of them than fit.
pub(crate) const LEAST: usize = 16;
/// And at most, which is a whole batch.
pub(crate) const MOST: usize = 1024;

/// How many records to apply next, if `chunk` of them have left the chain `over` its limit or not: a record may become any
/// number of records.
pub(crate) fn next_chunk(chunk: usize, over: bool) -> usize {
    if over { (chunk / 4).max(LEAST) } else { (chunk * 2).min(MOST) }
}

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

/// Takes batches from an inlet, and keeps what there was no room for.
pub(crate) struct Intake<K, T, I> {
    inlet: I,
    /// What is left of a batch, in order.
    rest: Batch<K, T>,
    /// How many records are applied at a time.
    chunk: usize,
}
impl<K, T, I: Inlet<K, T>> Intake<K, T, I> {
    pub(crate) fn new(inlet: I) -> Self {
        Intake { inlet, rest: Vec::new(), chunk: LEAST }
    }
    /// Pushes a batch, or what is left of one, through a chain until the chain is over its limit: a record may become any
    /// number of records. Returns how many were pushed, if there was anything.
    pub(crate) fn feed<J, R, P: Push<J, R>>(
        &mut self,
        place: &mut Option<P>,
        mut push: impl FnMut(&mut P, At<'_, K>, T),
    ) -> Option<u64> {
        let (from, mut batch) = match self.rest.is_empty() {
            true => self.inlet.poll().map(|(from, batch)| (Some(from), batch))?,
            false => (None, std::mem::take(&mut self.rest)),
        };
        let n = batch.len();
        let mut records = batch.drain(..);
        while !records.as_slice().is_empty() {
            apply(&mut records, self.chunk, place, &mut push);
            let over = place.as_mut().is_none_or(|chain| chain.full() && !chain.pump());
            self.chunk = next_chunk(self.chunk, over);
            if over {
                break;
            }
        }
        self.rest.extend(records);
        let pushed = n - self.rest.len();
        match from {
            Some(from) => self.inlet.recycle(from, batch),
            // It grew to what it had to hold, and will have to again.
            None if self.rest.is_empty() => self.rest = batch,
            None => {}
        }
        Some(pushed as u64)
    }
    /// Whether nothing will come any more.
    pub(crate) fn ended(&self) -> bool {
        self.rest.is_empty() && self.inlet.ended()
    }
}

/// Pushes up to `n` records through a chain.
///
/// A function of its own that takes the chain out of its place: on the stack nothing but this loop ever sees its
/// address, so its fields stay in registers.
#[inline(never)]
fn apply<K, T, J, R, P: Push<J, R>>(
    records: &mut Drain<'_, Envelope<K, T>>,
    n: usize,
    place: &mut Option<P>,
    push: &mut impl FnMut(&mut P, At<'_, K>, T),
) {
    let Some(mut chain) = place.take() else { return };
    if chain.worth_touching() {
        let mut left = n.min(records.len());
        while left > 0 {
            let step = left.min(AHEAD);
            for envelope in records.as_slice().iter().take(step) {
                chain.touch(envelope.hash);
            }
            for envelope in records.by_ref().take(step) {
                push(&mut chain, At { key: &envelope.key, hash: envelope.hash }, envelope.record);
            }
            left -= step;
        }
    } else {
        for envelope in records.take(n) {
            push(&mut chain, At { key: &envelope.key, hash: envelope.hash }, envelope.record);
        }
    }
    *place = Some(chain);
}

pub(crate) struct EdgeSegment<K, T, I, P> {
    intake: Intake<K, T, I>,
    /// In its place, except while [`apply`] has it.
    chain: Option<P>,
    ending: Ending,
    edge: PhantomData<fn(K, T)>,
}
impl<K, T, I: Inlet<K, T>, P> EdgeSegment<K, T, I, P> {
    pub(crate) fn new(inlet: I, chain: P) -> Self {
        EdgeSegment { intake: Intake::new(inlet), chain: Some(chain), ending: Ending::No, edge: PhantomData }
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
                let push = |chain: &mut P, at: At<'_, K>, record| chain.push(at, record);
                let Some(n) = self.intake.feed(&mut self.chain, push) else { break };
                if let Some(chain) = &mut self.chain {
                    chain.settle(n);
                }
                turn = Turn::Busy;
            }
        }
        let Some(chain) = &mut self.chain else { return Turn::Done };
        self.ending.advance(self.intake.ended(), chain).unwrap_or(turn)
    }
    fn flush(&mut self) -> bool {
        self.chain.as_mut().is_some_and(Push::flush)
    }
}
