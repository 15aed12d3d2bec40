//! An operator on windows, and two inputs in one.
use super::*;
use crate::contract::asks::Asking;
use crate::contract::extract::Context;
use crate::contract::keying::{KeyedBy, PerKey};
use crate::contract::stage::{Beside, Emit, NoFailure, Operator, Plain, Stage as Described};
use crate::contract::state::KeyedState;

/// Adds up the records of a window.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    sum: u64,
}
crate::record_by_fields!(Tally { sum: u64 });
impl KeyedState for Tally {
    type Key = u64;
    const NAME: &'static str = "Tally";
    const VERSION: u32 = 1;
    const TTL: Option<Duration> = None;
    type Deadline = ();
}
pub(super) struct Tallies;
impl Described for Tallies {
    const NAME: &'static str = "tallies";
    type In = u64;
    type Out = u64;
    type Failure = NoFailure;
    type Need = KeyedBy<u64>;
    type Asks = Asking;
    type Ends = Plain;
    type Outputs = ();
}
impl Operator for Tallies {
    type Keep = PerKey<Tally>;
    type Sides = ();
    type Timers = ();
    const CLOSES: bool = true;
    fn code() -> Option<Code<u64>> {
        Some(Code::of())
    }
    fn call(
        &mut self,
        state: &mut Tally,
        record: u64,
        _: &Context<'_>,
        _: Beside<'_, Self>,
        out: &mut impl Emit<u64, Never>,
    ) {
        state.sum = state.sum.wrapping_add(record);
        out.emit(state.sum);
    }
    fn call_close(&mut self, state: Tally, _: &Context<'_>, _: Beside<'_, Self>, out: &mut impl Emit<u64, Never>) {
        out.emit(state.sum << 32);
    }
}

/// Puts records on the side that they are even or odd for.
pub(super) struct Sided<P>(pub(super) P);
impl<P: Push<M, Side<u64, u64>>> Push<M, u64> for Sided<P> {
    fn push(&mut self, at: At<'_, M>, record: u64) {
        self.0.push(at, if record.is_multiple_of(2) { Side::Left(record) } else { Side::Right(record) });
    }
    fn signal(&mut self, signal: Signal) {
        self.0.signal(signal);
    }
    fn touch(&self, hash: u64) {
        self.0.touch(hash);
    }
    fn worth_touching(&self) -> bool {
        self.0.worth_touching()
    }
    fn full(&self) -> bool {
        self.0.full()
    }
    fn pump(&mut self) -> Flow {
        self.0.pump()
    }
    fn tick(&mut self, now: Duration) -> Option<Duration> {
        self.0.tick(now)
    }
    fn settle(&mut self, arrived: u64) {
        self.0.settle(arrived);
    }
    fn flush(&mut self) -> bool {
        self.0.flush()
    }
    fn finish(&mut self, end: End) {
        self.0.finish(end);
    }
    fn persist(&mut self, task: Task<'_, '_>) {
        self.0.persist(task);
    }
    fn passed(&self) -> u64 {
        self.0.passed()
    }
}
