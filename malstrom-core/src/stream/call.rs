//! Operators inside a fused chain.
use super::env::{Env, Site};
use super::keep::KeepFor;
use super::link::Wrap;
use super::signal::{End, Flow, Signal, sooner};
use super::timing::{TimersFor, Timing};
use super::{At, Push};
use crate::contract::form::{Meta, Stamp};
use crate::contract::never::Never;
use crate::contract::snapshot::Task;
use crate::contract::stage::{Beside, Emit, ErrorOf, Operator, SideBuffer, TimerOf, TwoInput};
use crate::error::Error;
use std::fmt::Display;
use std::time::Duration;

/// What happens to the failures of an operator, or to the malformed rows of a source.
pub trait OnFail<M: Meta, E>: 'static {
    /// Takes one failure.
    fn fail(&mut self, at: At<'_, M>, error: E, site: &Site);
    /// Whether nothing may pass any more, because the job has failed.
    #[inline(always)]
    fn stopped(&self) -> bool {
        false
    }
    /// See [`Push::signal`].
    fn signal(&mut self, _: Signal) {}
    /// See [`Push::settle`].
    fn settle(&mut self, _: &Site) {}
    /// See [`Push::pump`].
    fn pump(&mut self) -> Flow {
        Flow::Free
    }
    /// See [`Push::flush`].
    fn flush(&mut self) -> bool {
        false
    }
    /// See [`Push::finish`].
    fn finish(&mut self, _: End) {}
}

/// There are none.
#[derive(Debug)]
pub struct CannotFail;
impl<M: Meta> OnFail<M, Never> for CannotFail {
    fn fail(&mut self, _: At<'_, M>, error: Never, _: &Site) {
        match error {}
    }
}

/// `?`: the first one ends the job.
#[derive(Debug, Default)]
pub struct FailJob(bool);
impl FailJob {
    /// Fails the job. Whether it had not failed before.
    pub(crate) fn stop(&mut self) -> bool {
        !std::mem::replace(&mut self.0, true)
    }
    #[inline(always)]
    pub(crate) fn has_stopped(&self) -> bool {
        self.0
    }
}
impl<M: Meta, E: Display> OnFail<M, E> for FailJob {
    #[cold]
    fn fail(&mut self, _: At<'_, M>, error: E, site: &Site) {
        if self.stop() {
            site.add(|c| c.failed += 1);
            site.fail(Error::Operator { operator: site.id.to_string(), message: error.to_string() });
        }
    }
    #[inline(always)]
    fn stopped(&self) -> bool {
        self.0
    }
}

/// `else drop`: they are counted.
#[derive(Debug, Default)]
pub struct DropFailed(u64);
impl<M: Meta, E> OnFail<M, E> for DropFailed {
    #[inline]
    fn fail(&mut self, _: At<'_, M>, _: E, _: &Site) {
        self.0 += 1;
    }
    fn settle(&mut self, site: &Site) {
        let n = std::mem::take(&mut self.0);
        site.add(|c| {
            c.failed += n;
            c.dropped += n;
        });
    }
}

/// Where the side outputs of an operator go.
pub trait SideEnds<M: Meta, S>: 'static {
    /// Hands on what the last call pushed.
    fn drain(&mut self, at: At<'_, M>, sides: &mut S);
    /// See [`Push::signal`].
    fn signal(&mut self, signal: Signal);
    /// See [`Push::pump`].
    fn pump(&mut self) -> Flow;
    /// See [`Push::flush`].
    fn flush(&mut self) -> bool;
    /// See [`Push::finish`].
    fn finish(&mut self, end: End);
}
impl<M: Meta> SideEnds<M, ()> for () {
    #[inline(always)]
    fn drain(&mut self, _: At<'_, M>, _: &mut ()) {}
    fn signal(&mut self, _: Signal) {}
    fn pump(&mut self) -> Flow {
        Flow::Free
    }
    fn flush(&mut self) -> bool {
        false
    }
    fn finish(&mut self, _: End) {}
}
macro_rules! side_ends {
    ($($end:ident $side:ident $i:tt),+) => {
        impl<M: Meta, $($side: 'static, $end: Push<M, $side>),+> SideEnds<M, ($(SideBuffer<$side>,)+)> for ($($end,)+) {
            #[inline(always)]
            fn drain(&mut self, at: At<'_, M>, sides: &mut ($(SideBuffer<$side>,)+)) {
                // Most records leave nothing there, which is found out more quickly than by draining it.
                $(if !sides.$i.get_mut().is_empty() {
                    for record in sides.$i.get_mut().drain(..) {
                        self.$i.push(at, record);
                    }
                })+
            }
            fn signal(&mut self, signal: Signal) {
                $(self.$i.signal(signal);)+
            }
            fn pump(&mut self) -> Flow {
                Flow::Free$(.and(self.$i.pump()))+
            }
            fn flush(&mut self) -> bool {
                $(self.$i.flush())|+
            }
            fn finish(&mut self, end: End) {
                $(self.$i.finish(end);)+
            }
        }
    };
}
side_ends!(A S0 0);
side_ends!(A S0 0, B S1 1);
side_ends!(A S0 0, B S1 1, C S2 2);
side_ends!(A S0 0, B S1 1, C S2 2, D S3 3);

/// An operator, what it keeps, and what follows it.
pub(crate) struct CallPush<Op: Operator, M: Meta, T, F, S, P> {
    op: Op,
    table: T,
    timing: Timing<M::Key, Op::Timers>,
    sides: Op::Sides,
    on_fail: F,
    side_ends: S,
    down: P,
    emitted: u64,
    site: Site,
}
pub(crate) struct Out<'a, M: Meta, F, P> {
    pub(crate) at: At<'a, M>,
    pub(crate) on_fail: &'a mut F,
    pub(crate) down: &'a mut P,
    pub(crate) emitted: &'a mut u64,
    pub(crate) site: &'a Site,
}
impl<M: Meta, T, E, F: OnFail<M, E>, P: Push<M, T>> Emit<T, E> for Out<'_, M, F, P> {
    #[inline(always)]
    fn emit(&mut self, record: T) {
        *self.emitted += 1;
        self.down.push(self.at, record);
    }
    #[inline(always)]
    fn fail(&mut self, error: E) {
        self.on_fail.fail(self.at, error, self.site);
    }
}

impl<Op: Operator, M: Meta, T, F, S, P> CallPush<Op, M, T, F, S, P> {
    pub(crate) fn new(op: Op, env: &Env, node: usize, on_fail: F, side_ends: S, down: P) -> Self
    where
        Op::Keep: KeepFor<M, Table = T>,
        Op::Timers: TimersFor<M::Key>,
    {
        let table = Op::Keep::table(env, node);
        let (timing, site) = (Timing::new::<M>(env, node), env.site(node));
        CallPush { op, table, timing, sides: Op::Sides::default(), on_fail, side_ends, down, emitted: 0, site }
    }
}

/// Calls `$method` of the operator with one record, or one timer.
macro_rules! call {
    ($self:ident, $at:ident, $age:expr, $record:ident, $keep:ty, $method:path) => {{
        if $self.on_fail.stopped() {
            return;
        }
        let age: Option<i64> = $age;
        let CallPush { op, table, timing, sides, on_fail, side_ends, down, emitted, site } = $self;
        let guard = site.guard();
        let moment = timing.moment($at.stamp.ticks());
        let age = age.unwrap_or_else(|| timing.age($at.stamp.ticks()));
        <$keep>::with(table, $at, age, |state| {
            let context = site.context($at.key, moment);
            let beside = Beside { sides: &*sides, timers: timing.buffer() };
            $method(op, state, $record, &context, beside, &mut Out { at: $at, on_fail, down, emitted, site });
        });
        guard.disarm();
        side_ends.drain($at, sides);
        timing.collect($at.hash, $at.key, $at.stamp.ticks())
    }};
}

impl<M, Op, F, S, P> CallPush<Op, M, <Op::Keep as KeepFor<M>>::Table, F, S, P>
where
    M: Meta,
    Op: Operator<Keep: KeepFor<M>>,
    F: OnFail<M, ErrorOf<Op>>,
    S: SideEnds<M, Op::Sides>,
    P: Push<M, Op::Out>,
{
    /// Fires one timer that is due.
    fn fire(&mut self) -> bool {
        let Some((stamp, due)) = self.timing.due() else { return false };
        // A timer uses its state at its own time, however far the watermark has come; one by the clock of the machine at the
        // event time at which it fires.
        let age = M::Stamp::of(0).ticks().map(|_| stamp);
        self.call_timer(At { key: &due.key, hash: due.hash, stamp: M::Stamp::of(stamp) }, age, due.timer);
        true
    }
    fn call_timer(&mut self, at: At<'_, M>, age: Option<i64>, timer: TimerOf<Op>) {
        call!(self, at, age, timer, Op::Keep, Op::call_timer);
    }
    /// Fires timers that were set for a time that has passed.
    #[cold]
    fn fire_overdue(&mut self) {
        for _ in 0..super::timing::SLICE {
            if !self.timing.busy() || !self.fire() {
                return;
            }
        }
    }
    fn pump_down(&mut self) -> Flow {
        self.down.pump().and(self.on_fail.pump()).and(self.side_ends.pump())
    }
    fn hand_on(&mut self, signal: Signal) {
        match signal {
            Signal::End(end) => {
                self.on_fail.finish(end);
                self.side_ends.finish(end);
                self.down.finish(end);
                self.timing.end(end);
            }
            signal => {
                if let Signal::Barrier(barrier) = signal {
                    Op::Keep::flip(&mut self.table, barrier);
                    self.timing.flip(barrier);
                }
                self.on_fail.signal(signal);
                self.side_ends.signal(signal);
                self.down.signal(signal);
            }
        }
    }
}

impl<M, Op, F, S, P> Push<M, Op::In> for CallPush<Op, M, <Op::Keep as KeepFor<M>>::Table, F, S, P>
where
    M: Meta,
    Op: Operator<Keep: KeepFor<M>>,
    F: OnFail<M, ErrorOf<Op>>,
    S: SideEnds<M, Op::Sides>,
    P: Push<M, Op::Out>,
{
    #[inline(always)]
    fn push(&mut self, at: At<'_, M>, record: Op::In) {
        if call!(self, at, None, record, Op::Keep, Op::call) {
            self.fire_overdue();
        }
    }
    fn signal(&mut self, signal: Signal) {
        if !self.timing.holds(signal) {
            self.hand_on(signal);
        }
    }
    #[inline(always)]
    fn touch(&self, hash: u64) {
        Op::Keep::touch(&self.table, hash);
        self.down.touch(hash);
    }
    #[inline(always)]
    fn worth_touching(&self) -> bool {
        Op::Keep::worth_touching(&self.table) || self.down.worth_touching()
    }
    #[inline(always)]
    fn full(&self) -> bool {
        self.down.full()
    }
    fn pump(&mut self) -> Flow {
        let flow = self.pump_down();
        if !self.timing.busy() || !flow.is_free() {
            return flow;
        }
        for _ in 0..super::timing::SLICE {
            if !self.fire() {
                if let Some(signal) = self.timing.release() {
                    self.hand_on(signal);
                    self.timing.proceed();
                }
                break;
            }
            if self.down.full() {
                break;
            }
        }
        match self.pump_down() {
            Flow::Full => Flow::Full,
            _ => Flow::Busy,
        }
    }
    fn tick(&mut self, now: Duration) -> Option<Duration> {
        let mine = self.timing.tick();
        let age = self.timing.passed(M::Stamp::of(0).ticks().is_some());
        let stale = match (Op::Keep::expire(&mut self.table, age), M::Stamp::of(0).ticks()) {
            (true, _) => Some(now),
            (false, Some(_)) => None,
            (false, None) => Op::Keep::next_expiry(&self.table).map(|at| self.timing.until(at)),
        };
        sooner(sooner(mine, stale), self.down.tick(now))
    }
    fn settle(&mut self, arrived: u64) {
        let emitted = std::mem::take(&mut self.emitted);
        self.site.add(|c| {
            c.records_in += arrived;
            c.records_out += emitted;
        });
        self.on_fail.settle(&self.site);
        self.down.settle(emitted);
    }
    fn flush(&mut self) -> bool {
        self.down.flush() | self.on_fail.flush() | self.side_ends.flush()
    }
    fn finish(&mut self, end: End) {
        self.signal(Signal::End(end));
    }
    fn persist(&mut self, mut task: Task<'_, '_>) {
        self.timing.persist(task.again());
        let now = self.timing.age(M::Stamp::of(0).ticks().map(|_| i64::MIN));
        Op::Keep::persist(&mut self.table, task.again(), now);
        self.down.persist(task);
    }
    super::hands_on!(@passed);
}

/// The second input of a chain that begins with a two-input operator.
pub(crate) trait PushRight<M: Meta, R> {
    fn push_right(&mut self, at: At<'_, M>, record: R);
}
impl<M, Op, F, S, P> PushRight<M, Op::Right> for CallPush<Op, M, <Op::Keep as KeepFor<M>>::Table, F, S, P>
where
    M: Meta,
    Op: TwoInput<Keep: KeepFor<M>>,
    F: OnFail<M, ErrorOf<Op>>,
    S: SideEnds<M, Op::Sides>,
    P: Push<M, Op::Out>,
{
    #[inline(always)]
    fn push_right(&mut self, at: At<'_, M>, record: Op::Right) {
        if call!(self, at, None, record, Op::Keep, Op::call_right) {
            self.fire_overdue();
        }
    }
}

/// An operator as a stage, with what its use says about failures and side outputs.
pub(crate) struct CallStage<Op, F, S> {
    pub(crate) op: Op,
    pub(crate) on_fail: F,
    pub(crate) side_ends: S,
    pub(crate) node: usize,
}
impl<M, Op, F, S> Wrap<M, Op::In, M, Op::Out> for CallStage<Op, F, S>
where
    M: Meta,
    Op: Operator<Keep: KeepFor<M>, Timers: TimersFor<M::Key>>,
    F: OnFail<M, ErrorOf<Op>>,
    S: SideEnds<M, Op::Sides>,
{
    fn wrap<P: Push<M, Op::Out>>(self, env: &Env, down: P) -> impl Push<M, Op::In> {
        CallPush::<_, M, _, _, _, _>::new(self.op, env, self.node, self.on_fail, self.side_ends, down)
    }
}

#[cfg(test)]
mod tests;
