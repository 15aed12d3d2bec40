//! Operators inside a fused chain.
use super::env::{Env, Site};
use super::keep::KeepFor;
use super::link::Wrap;
use super::{At, Push};
use crate::contract::never::Never;
use crate::contract::stage::{Emit, ErrorOf, Operator, SideBuffer, TwoInput};
use crate::error::Error;
use std::fmt::Display;

/// What happens to the failures of an operator, or to the malformed rows of a source.
pub trait OnFail<K, E>: 'static {
    /// Takes one failure.
    fn fail(&mut self, at: At<'_, K>, error: E, site: &Site);
    /// Whether nothing may pass any more, because the job has failed.
    #[inline(always)]
    fn stopped(&self) -> bool {
        false
    }
    /// See [`Push::settle`].
    fn settle(&mut self, _: &Site) {}
    /// See [`Push::pump`].
    fn pump(&mut self) -> bool {
        true
    }
    /// See [`Push::flush`].
    fn flush(&mut self) -> bool {
        false
    }
    /// See [`Push::finish`].
    fn finish(&mut self) {}
}

/// There are none.
#[derive(Debug)]
pub struct CannotFail;
impl<K> OnFail<K, Never> for CannotFail {
    fn fail(&mut self, _: At<'_, K>, error: Never, _: &Site) {
        match error {}
    }
}

/// `?`: the first one ends the job.
#[derive(Debug, Default)]
pub struct FailJob(bool);
impl<K, E: Display> OnFail<K, E> for FailJob {
    #[cold]
    fn fail(&mut self, _: At<'_, K>, error: E, site: &Site) {
        if !self.0 {
            self.0 = true;
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
impl<K, E> OnFail<K, E> for DropFailed {
    #[inline]
    fn fail(&mut self, _: At<'_, K>, _: E, _: &Site) {
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
pub trait SideEnds<K, S>: 'static {
    /// Hands on what the last call pushed.
    fn drain(&mut self, at: At<'_, K>, sides: &mut S);
    /// See [`Push::pump`].
    fn pump(&mut self) -> bool;
    /// See [`Push::flush`].
    fn flush(&mut self) -> bool;
    /// See [`Push::finish`].
    fn finish(&mut self);
}
impl<K> SideEnds<K, ()> for () {
    #[inline(always)]
    fn drain(&mut self, _: At<'_, K>, _: &mut ()) {}
    fn pump(&mut self) -> bool {
        true
    }
    fn flush(&mut self) -> bool {
        false
    }
    fn finish(&mut self) {}
}
macro_rules! side_ends {
    ($($end:ident $side:ident $i:tt),+) => {
        impl<K: 'static, $($side: 'static, $end: Push<K, $side>),+> SideEnds<K, ($(SideBuffer<$side>,)+)> for ($($end,)+) {
            #[inline(always)]
            fn drain(&mut self, at: At<'_, K>, sides: &mut ($(SideBuffer<$side>,)+)) {
                $(for record in sides.$i.get_mut().drain(..) {
                    self.$i.push(at, record);
                })+
            }
            fn pump(&mut self) -> bool {
                // Not `&&`: every end must be pumped.
                $(self.$i.pump())&+
            }
            fn flush(&mut self) -> bool {
                $(self.$i.flush())|+
            }
            fn finish(&mut self) {
                $(self.$i.finish();)+
            }
        }
    };
}
side_ends!(A S0 0);
side_ends!(A S0 0, B S1 1);
side_ends!(A S0 0, B S1 1, C S2 2);
side_ends!(A S0 0, B S1 1, C S2 2, D S3 3);

/// An operator, what it keeps, and what follows it.
pub(crate) struct CallPush<Op: Operator, T, F, S, P> {
    op: Op,
    table: T,
    sides: Op::Sides,
    on_fail: F,
    side_ends: S,
    down: P,
    emitted: u64,
    site: Site,
}
struct Out<'a, K, F, P> {
    at: At<'a, K>,
    on_fail: &'a mut F,
    down: &'a mut P,
    emitted: &'a mut u64,
    site: &'a Site,
}
impl<K, T, E, F: OnFail<K, E>, P: Push<K, T>> Emit<T, E> for Out<'_, K, F, P> {
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

impl<Op: Operator, T, F, S, P> CallPush<Op, T, F, S, P> {
    pub(crate) fn new<K>(op: Op, env: &Env, node: usize, on_fail: F, side_ends: S, down: P) -> Self
    where
        Op::Keep: KeepFor<K, Table = T>,
    {
        let table = Op::Keep::table(env);
        CallPush { op, table, sides: Op::Sides::default(), on_fail, side_ends, down, emitted: 0, site: env.site(node) }
    }
}

/// Calls `$method` of the operator with one record.
macro_rules! call {
    ($self:ident, $at:ident, $record:ident, $keep:ty, $method:path) => {{
        if $self.on_fail.stopped() {
            return;
        }
        let CallPush { op, table, sides, on_fail, side_ends, down, emitted, site } = $self;
        let guard = site.guard();
        <$keep>::with(table, $at, |state| {
            let context = site.context($at.key);
            $method(op, state, $record, &context, &*sides, &mut Out { at: $at, on_fail, down, emitted, site });
        });
        guard.disarm();
        side_ends.drain($at, sides);
    }};
}

impl<K, Op, F, S, P> Push<K, Op::In> for CallPush<Op, <Op::Keep as KeepFor<K>>::Table, F, S, P>
where
    K: 'static,
    Op: Operator<Keep: KeepFor<K>>,
    F: OnFail<K, ErrorOf<Op>>,
    S: SideEnds<K, Op::Sides>,
    P: Push<K, Op::Out>,
{
    #[inline(always)]
    fn push(&mut self, at: At<'_, K>, record: Op::In) {
        call!(self, at, record, Op::Keep, Op::call);
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
    fn pump(&mut self) -> bool {
        self.down.pump() & self.on_fail.pump() & self.side_ends.pump()
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
    fn finish(&mut self) {
        self.on_fail.finish();
        self.side_ends.finish();
        self.down.finish();
    }
}

/// The second input of a chain that begins with a two-input operator.
pub(crate) trait PushRight<K, R> {
    fn push_right(&mut self, at: At<'_, K>, record: R);
}
impl<K, Op, F, S, P> PushRight<K, Op::Right> for CallPush<Op, <Op::Keep as KeepFor<K>>::Table, F, S, P>
where
    K: 'static,
    Op: TwoInput<Keep: KeepFor<K>>,
    F: OnFail<K, ErrorOf<Op>>,
    S: SideEnds<K, Op::Sides>,
    P: Push<K, Op::Out>,
{
    #[inline(always)]
    fn push_right(&mut self, at: At<'_, K>, record: Op::Right) {
        call!(self, at, record, Op::Keep, Op::call_right);
    }
}

/// An operator as a stage, with what its use says about failures and side outputs.
pub(crate) struct CallStage<Op, F, S> {
    pub(crate) op: Op,
    pub(crate) on_fail: F,
    pub(crate) side_ends: S,
    pub(crate) node: usize,
}
impl<K, Op, F, S> Wrap<K, Op::In, K, Op::Out> for CallStage<Op, F, S>
where
    K: 'static,
    Op: Operator<Keep: KeepFor<K>>,
    F: OnFail<K, ErrorOf<Op>>,
    S: SideEnds<K, Op::Sides>,
{
    fn wrap<P: Push<K, Op::Out>>(self, env: &Env, down: P) -> impl Push<K, Op::In> {
        CallPush::new::<K>(self.op, env, self.node, self.on_fail, self.side_ends, down)
    }
}
