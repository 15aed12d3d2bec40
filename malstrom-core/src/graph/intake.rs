//! How the inputs of a segment become one: their batches take turns, their watermarks merge, and their barriers align.
use super::segment::{Door, LEAST, apply, next_chunk};
use crate::contract::form::Meta;
use crate::contract::snapshot::Barrier;
use crate::exchange::batch::{Batch, Envelope};
use crate::exchange::changes::Halt;
use crate::exchange::inlet::Inlet;
use crate::failpoint::{Failpoint, reach};
use crate::stream::Push;
use crate::stream::merge::Merge;
use crate::stream::signal::{End, Signal};
use std::collections::VecDeque;

/// Which inputs have brought the barrier that the others are waited for with. An input that has brought it is closed until
/// all have, or have ended: so what comes behind a barrier is never applied before it.
#[derive(Debug)]
pub(crate) struct Alignment {
    inputs: Vec<Input>,
    pending: Option<Barrier>,
}
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    Open,
    Closed,
    Ended,
    /// It is none, or not yet.
    Absent,
}
impl Alignment {
    pub(crate) fn new(inputs: usize) -> Self {
        Self::of(inputs, |_| true)
    }
    /// That of those of so many inputs that `is_one`.
    fn of(inputs: usize, is_one: impl Fn(usize) -> bool) -> Self {
        let input = |at| if is_one(at) { Input::Open } else { Input::Absent };
        Alignment { inputs: (0..inputs).map(input).collect(), pending: None }
    }
    /// From now on those of so many inputs are inputs that `is_one`. Those that have ended have.
    fn change(&mut self, inputs: usize, is_one: impl Fn(usize) -> bool) {
        let ended = |at: usize| self.inputs.get(at) == Some(&Input::Ended);
        let input = |at| match is_one(at) {
            true if ended(at) => Input::Ended,
            true => Input::Open,
            false => Input::Absent,
        };
        self.inputs = (0..inputs).map(input).collect();
    }
    pub(crate) fn is_closed(&self, from: usize) -> bool {
        // One that has left may have been the last of all.
        matches!(self.inputs.get(from), None | Some(Input::Closed | Input::Absent))
    }
    /// An input has brought a barrier. All inputs bring all of them in the same order, those that were given up too.
    ///
    /// # Panics
    /// If it is another one than is waited for. A snapshot would be wrong and nobody would know, so the attempt has to fail.
    pub(crate) fn arrive(&mut self, from: usize, barrier: Barrier) -> Option<Barrier> {
        let pending = self.pending.get_or_insert(barrier).interval;
        assert_eq!(
            barrier.interval, pending,
            "input {from} brings another barrier than the others, which is a defect of Malstrom"
        );
        self.inputs[from] = Input::Closed;
        let complete = self.complete();
        if complete.is_none() {
            reach(Failpoint::Aligning);
        }
        complete
    }
    /// An input has ended, and is not waited for.
    pub(crate) fn end(&mut self, from: usize) -> Option<Barrier> {
        self.inputs[from] = Input::Ended;
        self.complete()
    }
    /// The barrier, if nobody has to be waited for. All inputs are open again then.
    fn complete(&mut self) -> Option<Barrier> {
        if self.inputs.contains(&Input::Open) {
            return None;
        }
        let barrier = self.pending.take()?;
        self.inputs.iter_mut().filter(|input| **input == Input::Closed).for_each(|input| *input = Input::Open);
        Some(barrier)
    }
}

/// What a signal of an intake means for the chain behind it.
pub(crate) enum Pass {
    /// This.
    On(Signal),
    /// Nothing.
    Nothing,
    /// Nothing from here may come before others have brought the same.
    Wait,
}
impl Pass {
    pub(crate) fn on(signal: Option<Signal>) -> Pass {
        signal.map_or(Pass::Nothing, Pass::On)
    }
}

/// Takes batches from an inlet, and keeps what there was no room for.
pub(crate) struct Intake<M: Meta, T, I> {
    inlet: I,
    merge: Merge,
    align: Alignment,
    /// The input whose turn it is.
    turn: usize,
    /// Inputs that have not brought anything yet: they are asked first, so that one that ends at once holds no time back.
    unheard: Vec<usize>,
    /// The first batches of inputs, those without records first.
    firsts: VecDeque<(usize, Batch<M, T>)>,
    /// What is left of batches, in order, and which inputs they came from. At most the first of them is of an input that is
    /// open, and those of inputs that are closed come when these open.
    rests: VecDeque<(usize, Batch<M, T>)>,
    /// Nothing is taken until [`reopen`](Intake::reopen): another intake is waited for.
    waits: bool,
    /// How many records are applied at a time.
    chunk: usize,
    /// Takes in what is left of a batch. Empty in between.
    spare: Vec<Envelope<M, T>>,
}
impl<M: Meta, T, I: Inlet<M, T>> Intake<M, T, I> {
    pub(crate) fn new(inlet: I) -> Self {
        let inputs = inlet.inputs();
        let unheard: Vec<usize> = (0..inputs).filter(|at| inlet.is_input(*at)).collect();
        let unheard = if unheard.len() > 1 { unheard } else { Vec::new() };
        let (mut merge, align) = (Merge::new(inputs), Alignment::of(inputs, |at| inlet.is_input(at)));
        merge.restart(inputs, |at| inlet.is_input(at));
        Intake {
            merge,
            align,
            inlet,
            turn: 0,
            unheard,
            firsts: VecDeque::new(),
            rests: VecDeque::new(),
            waits: false,
            chunk: LEAST,
            spare: Vec::new(),
        }
    }
    /// The next batch of an open input. Inputs take turns, behind those that are unheard.
    fn poll(&mut self) -> Option<(usize, Batch<M, T>)> {
        let Intake { inlet, align, turn, unheard, .. } = self;
        let inputs = inlet.inputs();
        let turns = unheard.iter().copied().chain((0..inputs).map(|step| (*turn + step) % inputs));
        let found = turns.filter(|from| !align.is_closed(*from)).find_map(|from| Some((from, inlet.take(from)?)));
        if let Some((from, _)) = found {
            *turn = (from + 1) % inputs;
        }
        found
    }
    /// The next batch. Whoever sends records does so after all others have said what there is to say at the start. So where a
    /// first batch has records, the others are asked once more, and what they have said comes first.
    fn next(&mut self) -> Option<(usize, Batch<M, T>)> {
        if let Some(at) = self.rests.iter().position(|(from, _)| !self.align.is_closed(*from)) {
            return self.rests.remove(at);
        }
        loop {
            let next = if self.firsts.is_empty() {
                self.poll()
            } else {
                self.unheard.iter().find_map(|from| Some((*from, self.inlet.take(*from)?)))
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
    /// What a signal of one input means for all of them.
    fn merged(&mut self, from: usize, signal: Signal) -> (Option<Signal>, Option<Barrier>) {
        let (signal, barrier) = match signal {
            Signal::Barrier(barrier) => (None, self.align.arrive(from, barrier)),
            Signal::End(_) => (self.merge.take(from, signal), self.align.end(from)),
            signal => (self.merge.take(from, signal), None),
        };
        if barrier.is_some_and(|barrier| self.inlet.passes(barrier.interval)) {
            let Intake { inlet, merge, align, .. } = self;
            let inputs = inlet.inputs();
            align.change(inputs, |at| inlet.is_input(at));
            merge.change(inputs, |at| inlet.is_input(at));
            self.unheard.retain(|from| self.inlet.is_input(*from));
            self.turn = 0;
        }
        (signal, barrier)
    }
    /// Pushes a batch, or what is left of one, through a chain until the chain is over its limit: a record may become any
    /// number of records. `pass` says what a signal of this inlet means for the chain. Returns how many records were
    /// pushed, if there was anything.
    pub(crate) fn feed<N: Meta, R, P: Push<N, R>, D: Door<M, T, P>>(
        &mut self,
        place: &mut Option<P>,
        _: D,
        halt: &Halt,
        mut pass: impl FnMut(Signal) -> Pass,
    ) -> Option<u64> {
        if self.waits {
            return None;
        }
        let (from, mut batch) = self.next()?;
        let ahead = |(at, signal): &(usize, Signal)| {
            *at == 0 && matches!(signal, Signal::Barrier(barrier) if halt.is_ahead(barrier.interval))
        };
        if batch.signals.iter().any(ahead) {
            self.rests.push_front((from, batch));
            return None;
        }
        let n = batch.records.len();
        let Batch { records, signals } = &mut batch;
        let mut records = records.drain(..);
        let (mut applied, mut noted) = (0, 0);
        'batch: loop {
            while let Some((_, signal)) = signals.get(noted).filter(|(at, _)| *at == applied) {
                if matches!(signal, Signal::Barrier(barrier) if halt.is_ahead(barrier.interval)) {
                    break 'batch;
                }
                noted += 1;
                let (merged, barrier) = self.merged(from, *signal);
                let mut free = !self.align.is_closed(from);
                for signal in merged.into_iter().chain(barrier.map(Signal::Barrier)) {
                    match pass(signal) {
                        Pass::On(signal) => {
                            free &= place.as_mut().is_some_and(|chain| {
                                chain.signal(signal);
                                // Nothing is done behind a barrier that has the segment stand still.
                                !halt.holds(chain.passed()) && chain.pump().is_free()
                            });
                        }
                        Pass::Nothing => {}
                        Pass::Wait => (self.waits, free) = (true, false),
                    }
                }
                if !free {
                    break 'batch;
                }
            }
            if applied == n {
                break;
            }
            let until = signals.get(noted).map_or(n, |(at, _)| *at);
            let step = self.chunk.min(until - applied);
            records = apply::<_, _, N, R, _, D>(records, step, place);
            applied += step;
            let over = place.as_mut().is_none_or(|chain| chain.full() && !chain.pump().is_free());
            self.chunk = next_chunk(self.chunk, over);
            if over {
                break;
            }
        }
        // Moved once at most: to drain a batch signal by signal would move what is behind each of them.
        if records.len() > 0 {
            self.spare.extend(records);
            std::mem::swap(&mut self.spare, &mut batch.records);
        } else {
            drop(records);
        }
        batch.signals.drain(..noted);
        if batch.is_empty() {
            self.inlet.recycle(from, batch);
        } else {
            batch.signals.iter_mut().for_each(|(at, _)| *at -= applied);
            self.rests.push_front((from, batch));
        }
        Some(applied as u64)
    }
    /// What was waited for has come.
    pub(crate) fn reopen(&mut self) {
        self.waits = false;
    }
    /// Whether something has come that is not taken in yet.
    pub(crate) fn has_input(&self) -> bool {
        !self.rests.is_empty() || !self.firsts.is_empty() || self.inlet.has_any()
    }
    /// Nothing is taken any more.
    pub(crate) fn close(&mut self) {
        self.inlet.close();
    }
    /// How its input has ended, if nothing will come any more.
    pub(crate) fn ended(&self) -> Option<End> {
        if self.rests.is_empty() && self.firsts.is_empty() && !self.waits { self.merge.ended() } else { None }
    }
}
