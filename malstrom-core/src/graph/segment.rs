//! A segment that reads an edge.
use crate::contract::form::Meta;
use crate::exchange::batch::{Batch, Envelope};
use crate::exchange::inlet::Inlet;
use crate::stream::merge::Merge;
use crate::stream::signal::{End, Flow, Signal};
use crate::stream::{At, Push, Segment, Turn};
use std::collections::VecDeque;
use std::time::Duration;

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
    pub(crate) fn advance<M: Meta, T>(&mut self, ended: Option<End>, chain: &mut impl Push<M, T>) -> Option<Turn> {
        if *self == Ending::No
            && let Some(end) = ended
        {
            chain.flush();
            chain.finish(end);
            *self = Ending::Telling;
        }
        if *self == Ending::Telling {
            let flow = chain.pump();
            chain.settle(0);
            match flow {
                Flow::Free => *self = Ending::Done,
                Flow::Busy => return Some(Turn::Busy),
                Flow::Full => return Some(Turn::Idle(None)),
            }
        }
        (*self == Ending::Done).then_some(Turn::Done)
    }
}

/// Where records enter a chain. A type and no closure, because a chain must be inlined into the loop over a batch and
/// only a function can insist on that.
pub(crate) trait Door<M: Meta, T, P> {
    fn push(chain: &mut P, at: At<'_, M>, record: T);
}
/// The only input of a chain, or its left one.
pub(crate) struct Front;
impl<M: Meta, T, P: Push<M, T>> Door<M, T, P> for Front {
    #[inline(always)]
    fn push(chain: &mut P, at: At<'_, M>, record: T) {
        chain.push(at, record);
    }
}

/// Takes batches from an inlet, and keeps what there was no room for.
pub(crate) struct Intake<M: Meta, T, I> {
    inlet: I,
    merge: Merge,
    /// Inputs that have not brought anything yet: they are asked first, so that one that ends at once holds no time back.
    unheard: Vec<usize>,
    /// The first batches of inputs, those without records first.
    firsts: VecDeque<(usize, Batch<M, T>)>,
    /// What is left of a batch, in order, and which input it came from.
    rest: Option<(usize, Batch<M, T>)>,
    /// How many records are applied at a time.
    chunk: usize,
}
impl<M: Meta, T, I: Inlet<M, T>> Intake<M, T, I> {
    pub(crate) fn new(inlet: I) -> Self {
        let inputs = inlet.inputs();
        let unheard = if inputs > 1 { (0..inputs).collect() } else { Vec::new() };
        Intake { inlet, merge: Merge::new(inputs), unheard, firsts: VecDeque::new(), rest: None, chunk: LEAST }
    }
    /// The next batch. Whoever sends records does so after all others have said what there is to say at the start. So where a
    /// first batch has records, the others are asked once more, and what they have said comes first.
    fn next(&mut self) -> Option<(usize, Batch<M, T>)> {
        loop {
            let (inlet, unheard) = (&mut self.inlet, &self.unheard);
            let next = if self.firsts.is_empty() {
                inlet.poll(unheard)
            } else {
                unheard.iter().find_map(|from| Some((*from, inlet.take(*from)?)))
            };
            let Some((from, batch)) = next else { return self.firsts.pop_front() };
            let Some(at) = self.unheard.iter().position(|input| *input == from) else { return Some((from, batch)) };
            self.unheard.swap_remove(at);
            if batch.records.is_empty() {
                return Some((from, batch));
            }
            self.firsts.push_back((from, batch));
        }
    }
    /// Pushes a batch, or what is left of one, through a chain until the chain is over its limit: a record may become any
    /// number of records. `pass` says what a signal of this inlet means for the chain. Returns how many records were
    /// pushed, if there was anything.
    pub(crate) fn feed<N: Meta, R, P: Push<N, R>, D: Door<M, T, P>>(
        &mut self,
        place: &mut Option<P>,
        _: D,
        mut pass: impl FnMut(Signal) -> Option<Signal>,
    ) -> Option<u64> {
        let (from, mut batch) = match self.rest.take() {
            Some(rest) => rest,
            None => self.next()?,
        };
        let n = batch.records.len();
        let (mut applied, mut noted) = (0, 0);
        'batch: loop {
            while let Some((_, signal)) = batch.signals.get(noted).filter(|(at, _)| *at == applied) {
                noted += 1;
                if let Some(signal) = self.merge.take(from, *signal).and_then(&mut pass) {
                    let flow = place.as_mut().map(|chain| {
                        chain.signal(signal);
                        chain.pump()
                    });
                    if flow != Some(Flow::Free) {
                        break 'batch;
                    }
                }
            }
            if applied == n {
                break;
            }
            let until = batch.signals.get(noted).map_or(n, |(at, _)| *at);
            let step = self.chunk.min(until - applied);
            apply::<_, _, N, R, _, D>(&mut batch.records, step, place);
            applied += step;
            let over = place.as_mut().is_none_or(|chain| chain.full() && !chain.pump().is_free());
            self.chunk = next_chunk(self.chunk, over);
            if over {
                break;
            }
        }
        batch.signals.drain(..noted);
        if batch.is_empty() {
            self.inlet.recycle(from, batch);
        } else {
            batch.signals.iter_mut().for_each(|(at, _)| *at -= applied);
            self.rest = Some((from, batch));
        }
        Some(applied as u64)
    }
    /// How its input has ended, if nothing will come any more.
    pub(crate) fn ended(&self) -> Option<End> {
        if self.rest.is_none() && self.firsts.is_empty() { self.merge.ended() } else { None }
    }
}

/// Pushes the first `n` records through a chain, or all of them.
///
/// A function of its own that takes the chain out of its place: on the stack nothing but this loop ever sees its
/// address, so its fields stay in registers; so do those of the drain. What is left of a batch moves to its front, but
/// chunks are smaller than batches only where a record becomes very many, or where there are signals in between.
#[inline(never)]
fn apply<M: Meta, T, N: Meta, R, P: Push<N, R>, D: Door<M, T, P>>(
    batch: &mut Vec<Envelope<M, T>>,
    n: usize,
    place: &mut Option<P>,
) {
    let Some(mut chain) = place.take() else { return };
    let mut left = n.min(batch.len());
    if chain.worth_touching() {
        let mut records = batch.drain(..left);
        while left > 0 {
            let step = left.min(AHEAD);
            for envelope in records.as_slice().iter().take(step) {
                chain.touch(envelope.hash);
            }
            for envelope in records.by_ref().take(step) {
                D::push(
                    &mut chain,
                    At { key: &envelope.key, hash: envelope.hash, stamp: envelope.stamp },
                    envelope.record,
                );
            }
            left -= step;
        }
    } else {
        for envelope in batch.drain(..left) {
            D::push(&mut chain, At { key: &envelope.key, hash: envelope.hash, stamp: envelope.stamp }, envelope.record);
        }
    }
    *place = Some(chain);
}

pub(crate) struct EdgeSegment<M: Meta, T, I, P> {
    intake: Intake<M, T, I>,
    /// In its place, except while [`apply`] has it.
    chain: Option<P>,
    ending: Ending,
}
impl<M: Meta, T, I: Inlet<M, T>, P> EdgeSegment<M, T, I, P> {
    pub(crate) fn new(inlet: I, chain: P) -> Self {
        EdgeSegment { intake: Intake::new(inlet), chain: Some(chain), ending: Ending::No }
    }
}
impl<M: Meta, T: 'static, I: Inlet<M, T>, P: Push<M, T>> Segment for EdgeSegment<M, T, I, P> {
    fn run(&mut self, now: Duration) -> Turn {
        let intake = &mut self.intake;
        let turn = turns(&mut self.chain, self.ending, now, |chain| intake.feed(chain, Front, Some));
        let Some(chain) = &mut self.chain else { return Turn::Done };
        self.ending.advance(self.intake.ended(), chain).unwrap_or(turn)
    }
    fn flush(&mut self) -> bool {
        self.chain.as_mut().is_some_and(Push::flush)
    }
}

/// Feeds a chain batch by batch while it is free, and has it do what is due.
pub(crate) fn turns<M: Meta, T, P: Push<M, T>>(
    place: &mut Option<P>,
    ending: Ending,
    now: Duration,
    mut feed: impl FnMut(&mut Option<P>) -> Option<u64>,
) -> Turn {
    if ending != Ending::No {
        return Turn::Idle(None);
    }
    let due = place.as_mut().and_then(|chain| chain.tick(now));
    let mut turn = Turn::Idle(due);
    for _ in 0..BATCHES {
        let fed = match place.as_mut().map_or(Flow::Full, Push::pump) {
            Flow::Full => break,
            Flow::Busy => Some(0),
            Flow::Free => feed(place),
        };
        let Some(n) = fed else { break };
        if let Some(chain) = place {
            chain.settle(n);
        }
        turn = Turn::Busy;
    }
    turn
}
