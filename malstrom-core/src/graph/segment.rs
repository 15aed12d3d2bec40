//! A segment that reads an edge.
use super::intake::{Intake, Pass};
use crate::contract::form::Meta;
use crate::contract::snapshot::{Barrier, Task};
use crate::exchange::batch::Envelope;
use crate::exchange::changes::Halt;
use crate::exchange::fabric::Links;
use crate::exchange::inlet::Inlet;
use crate::stream::env::Env;
use crate::stream::signal::{End, Flow, Signal};
use crate::stream::{At, Push, Segment, Turn};
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
                Flow::Full => return Some(Turn::HeldBack(None)),
            }
        }
        (*self == Ending::Done).then_some(Turn::Done)
    }
    /// Ends `chain` in whatever state its input is: the worker leaves.
    pub(crate) fn leave<M: Meta, T>(&mut self, place: &mut Option<impl Push<M, T>>) {
        if let Some(chain) = place.as_mut().filter(|_| *self == Ending::No) {
            chain.finish(End::Stopped);
        }
        *self = Ending::Done;
    }
    /// Begins a barrier where no input is left to bring one.
    pub(crate) fn begin_barrier<M: Meta, T>(self, barrier: Barrier, place: &mut Option<impl Push<M, T>>) {
        if let Some(chain) = place.as_mut().filter(|chain| self == Ending::Done && chain.passed() < barrier.interval) {
            chain.signal(Signal::Barrier(barrier));
        }
    }
}

/// What is left of the records of a batch.
pub(super) type Records<'a, M, T> = std::vec::Drain<'a, Envelope<M, T>>;

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

/// Pushes the next `n` of the records of a batch through a chain, or all of them, and gives back those that are left.
///
/// A function of its own that takes the chain out of its place: on the stack nothing but this loop ever sees its
/// address, so its fields stay in registers; so do those of the drain, which is given and given back for the same reason.
#[inline(never)]
pub(super) fn apply<'a, M: Meta, T, N: Meta, R, P: Push<N, R>, D: Door<M, T, P>>(
    mut records: Records<'a, M, T>,
    n: usize,
    place: &mut Option<P>,
) -> Records<'a, M, T> {
    let Some(mut chain) = place.take() else { return records };
    let (mut left, touching) = (n.min(records.len()), chain.worth_touching());
    if touching || left < records.len() {
        while left > 0 {
            let step = left.min(AHEAD);
            if touching {
                records.as_slice().iter().take(step).for_each(|envelope| chain.touch(envelope.hash));
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
        for envelope in records.by_ref() {
            D::push(&mut chain, At { key: &envelope.key, hash: envelope.hash, stamp: envelope.stamp }, envelope.record);
        }
    }
    *place = Some(chain);
    records
}

pub(crate) struct EdgeSegment<M: Meta, T, I, P> {
    intake: Intake<M, T, I>,
    /// In its place, except while [`apply`] has it.
    chain: Option<P>,
    ending: Ending,
    halt: Halt,
}
impl<M: Meta, T, I: Inlet<M, T>, P> EdgeSegment<M, T, I, P> {
    pub(crate) fn new(env: &Env, inlet: I, chain: P) -> Self {
        let halt = Halt::new(Links::changes_of(env));
        EdgeSegment { intake: Intake::new(inlet), chain: Some(chain), ending: Ending::No, halt }
    }
}
impl<M: Meta, T: 'static, I: Inlet<M, T>, P: Push<M, T>> Segment for EdgeSegment<M, T, I, P> {
    fn run(&mut self, now: Duration) -> Turn {
        let EdgeSegment { intake, halt, .. } = self;
        let turn = turns(&mut self.chain, self.ending, now, halt, |chain| intake.feed(chain, Front, halt, Pass::On));
        let Some(chain) = &mut self.chain else { return Turn::Done };
        if halt.holds(chain.passed()) {
            return turn;
        }
        let turn = turn.only_if(|| self.intake.has_input());
        let turn = self.ending.advance(self.intake.ended(), chain).unwrap_or(turn);
        if turn == Turn::Done {
            self.intake.close();
        }
        turn
    }
    fn flush(&mut self) -> bool {
        self.chain.as_mut().is_some_and(Push::flush)
    }
    fn begin_barrier(&mut self, barrier: Barrier) {
        self.ending.begin_barrier(barrier, &mut self.chain);
    }
    fn passed(&self) -> u64 {
        self.chain.as_ref().map_or(0, Push::passed)
    }
    fn persist(&mut self, task: Task<'_, '_>) {
        if let Some(chain) = &mut self.chain {
            chain.persist(task);
        }
    }
    fn go_on(&mut self, interval: u64) {
        self.halt.go_on(interval);
    }
    fn leave(&mut self) {
        self.ending.leave(&mut self.chain);
    }
}

/// Hands over what waits at the end of a chain that stands still: others wait for the barrier that is behind it.
pub(crate) fn hand_on<M: Meta, T>(place: &mut Option<impl Push<M, T>>) -> Turn {
    match place.as_mut().map_or(Flow::Free, Push::pump) {
        Flow::Full => Turn::HeldBack(None),
        Flow::Busy | Flow::Free => Turn::Idle(None),
    }
}

/// Feeds a chain batch by batch while it is free, and has it do what is due. A chain that is not free holds its input back,
/// if there is any.
pub(crate) fn turns<M: Meta, T, P: Push<M, T>>(
    place: &mut Option<P>,
    ending: Ending,
    now: Duration,
    halt: &Halt,
    mut feed: impl FnMut(&mut Option<P>) -> Option<u64>,
) -> Turn {
    if ending != Ending::No {
        return Turn::Idle(None);
    }
    let stands = |place: &Option<P>| place.as_ref().is_some_and(|chain| halt.holds(chain.passed()));
    if stands(place) {
        return hand_on(place);
    }
    let due = place.as_mut().and_then(|chain| chain.tick(now));
    let mut turn = Turn::Idle(due);
    for _ in 0..BATCHES {
        if stands(place) {
            return Turn::Busy;
        }
        let fed = match place.as_mut().map_or(Flow::Full, Push::pump) {
            Flow::Full if turn == Turn::Busy => break,
            Flow::Full => return Turn::HeldBack(due),
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
