//! What can follow `->`: an annotated function, or a fragment.
use super::asks::Asks;
use super::code::{Code, OfRecord, Shown};
use super::extract::Context;
use super::extract::time::{Request, TimerBuffer};
use super::keying::{Keep, Need, Stateless};
use super::never::Never;
use super::record::{CodecError, Description, Record, description};
use super::time::Ticks;
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

/// Receives what an operator or a source emits.
///
/// ```
/// use malstrom_core::{Emit, Never};
/// struct Last(Option<u64>);
/// impl Emit<u64> for Last {
///     fn emit(&mut self, record: u64) {
///         self.0 = Some(record);
///     }
///     fn fail(&mut self, error: Never) {
///         match error {}
///     }
/// }
/// ```
pub trait Emit<T, E = Never> {
    /// Takes one record.
    fn emit(&mut self, record: T);
    /// Takes one failure.
    fn fail(&mut self, error: E);
}

/// A step of a pipeline. `#[operator]` and fragments implement it.
pub trait Stage: Sized + 'static {
    /// Its name, which is its id where no `as` gives another.
    const NAME: &'static str;
    /// The records it takes.
    type In: 'static;
    /// The records it emits.
    type Out: 'static;
    /// [`NoFailure`] or [`Fails`].
    type Failure: FailureKind;
    /// What it needs of its input's keying.
    type Need: Need;
    /// What it needs of its input's time and windows.
    type Asks: Asks;
    /// [`Plain`], or what a use of it must not leave open.
    type Ends: 'static;
    /// How many streams it emits, in a word for messages.
    type Outputs: 'static;
}

/// One annotated function: a stage that runs inside the fused loop.
pub trait Operator: Stage {
    /// How it keeps state.
    type Keep: Keep;
    /// Its side outputs.
    type Sides: Sides;
    /// Its timers.
    type Timers: TimerSet;
    /// Whether windows that close are handed to [`call_close`](Operator::call_close).
    const CLOSES: bool = false;
    /// How its records are written, which sessions keep until they close. `None` if they are no records.
    fn code() -> Option<Code<Self::In>> {
        None
    }
    /// Handles one record.
    fn call(
        &mut self,
        state: &mut <Self::Keep as Keep>::State,
        record: Self::In,
        context: &Context<'_>,
        beside: Beside<'_, Self>,
        out: &mut impl Emit<Self::Out, ErrorOf<Self>>,
    );
    /// Handles a timer that fires (`on_timer`).
    fn call_timer(
        &mut self,
        _state: &mut <Self::Keep as Keep>::State,
        _timer: TimerOf<Self>,
        _context: &Context<'_>,
        _beside: Beside<'_, Self>,
        _out: &mut impl Emit<Self::Out, ErrorOf<Self>>,
    ) {
    }
    /// Handles a window that closes (`on_close`).
    fn call_close(
        &mut self,
        _state: <Self::Keep as Keep>::Closed,
        _context: &Context<'_>,
        _beside: Beside<'_, Self>,
        _out: &mut impl Emit<Self::Out, ErrorOf<Self>>,
    ) {
    }
}
/// Where an operator's side outputs and timers collect during a call.
pub struct Beside<'a, Op: Operator> {
    /// The side outputs.
    pub sides: &'a Op::Sides,
    /// The timers.
    pub timers: &'a Op::Timers,
}
impl<Op: Operator> Clone for Beside<'_, Op> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}
impl<Op: Operator> Copy for Beside<'_, Op> {}
impl<Op: Operator> fmt::Debug for Beside<'_, Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Beside")
    }
}

/// The timers of an operator: none, or one buffer.
pub trait TimerSet: Default + 'static {
    /// What a timer holds.
    type Timer: 'static;
    /// The same, or `T` if there are none.
    type Or<T: 'static>: 'static;
    /// Whether there are any.
    const ANY: bool;
    /// Says what the ticks of the stream are on which they are set.
    fn stand_on(&self, _: Ticks) {}
    /// Takes out what was asked for.
    fn drain(&mut self, take: impl FnMut(Request<Self::Timer>));
    /// Writes a timer, so that it can be told from others.
    ///
    /// # Errors
    /// If that cannot be done.
    fn encode(timer: &Self::Timer, out: &mut Vec<u8>) -> Result<(), CodecError>;
    /// What a timer is made of, if there are any.
    fn description() -> Option<Description> {
        None
    }
    /// How timers are shown, if there are any.
    fn shown() -> Option<Shown> {
        None
    }
}
impl TimerSet for () {
    type Timer = Never;
    type Or<T: 'static> = T;
    const ANY: bool = false;
    fn drain(&mut self, _: impl FnMut(Request<Never>)) {}
    fn encode(timer: &Never, _: &mut Vec<u8>) -> Result<(), CodecError> {
        match *timer {}
    }
}
impl<X: Record> TimerSet for TimerBuffer<X> {
    type Timer = X;
    type Or<T: 'static> = X;
    const ANY: bool = true;
    fn stand_on(&self, ticks: Ticks) {
        TimerBuffer::stand_on(self, ticks);
    }
    #[inline(always)]
    fn drain(&mut self, take: impl FnMut(Request<X>)) {
        let requests = self.requests();
        if !requests.is_empty() {
            requests.drain(..).for_each(take);
        }
    }
    fn encode(timer: &X, out: &mut Vec<u8>) -> Result<(), CodecError> {
        timer.encode(out)
    }
    fn description() -> Option<Description> {
        Some(description::<X>())
    }
    fn shown() -> Option<Shown> {
        Some(Shown::by(OfRecord::<X>::new()))
    }
}
/// What the timers of an operator hold.
pub type TimerOf<Op> = <<Op as Operator>::Timers as TimerSet>::Timer;

/// Timers that can be lent to a function with timers `Arm`.
pub trait Lends<Arm> {
    /// Lends them.
    fn lend(&self) -> &Arm;
}
impl<T> Lends<T> for T {
    #[inline(always)]
    fn lend(&self) -> &T {
        self
    }
}
impl<X> Lends<()> for TimerBuffer<X> {
    #[inline(always)]
    fn lend(&self) -> &() {
        &()
    }
}

/// An operator with a second input (`on_right`).
pub trait TwoInput: Operator {
    /// The function for the second input.
    type Arm: Stage;
    /// The records of its second input.
    type Right: 'static;
    /// Handles one record of the second input.
    fn call_right(
        &mut self,
        state: &mut <Self::Keep as Keep>::State,
        record: Self::Right,
        context: &Context<'_>,
        beside: Beside<'_, Self>,
        out: &mut impl Emit<Self::Out, ErrorOf<Self>>,
    );
}

/// A stage with one input and one output.
#[derive(Debug)]
pub struct Plain;
/// A stage with side outputs, or with a second input.
#[derive(Debug)]
pub struct Branching;

/// Whether a stage can fail.
pub trait FailureKind: 'static {
    /// With what.
    type Error: 'static;
}
/// It cannot.
#[derive(Debug)]
pub struct NoFailure;
/// It can, with `E`.
#[derive(Debug)]
pub struct Fails<E>(PhantomData<fn() -> E>);
impl FailureKind for NoFailure {
    type Error = Never;
}
impl<E: 'static> FailureKind for Fails<E> {
    type Error = E;
}
/// The error type of a stage.
pub type ErrorOf<S> = <<S as Stage>::Failure as FailureKind>::Error;

/// A failed record's error on its way to the stream that `else` names.
///
/// ```
/// let failure = malstrom_core::Failure { error: "no comma", operator: "parse".into() };
/// assert_eq!(failure.to_string(), "parse: no comma");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Failure<E> {
    /// What the operator returned.
    pub error: E,
    /// The operator's id.
    pub operator: Arc<str>,
}
crate::record_by_fields!(Failure<E> { error: E, operator: Arc<str> });
impl<E: fmt::Display> fmt::Display for Failure<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.operator, self.error)
    }
}

/// Where a side output collects what one call emits.
pub type SideBuffer<T> = RefCell<Vec<T>>;

/// The side outputs of an operator: a tuple of buffers.
pub trait Sides: Default + 'static {}
impl Sides for () {}
impl<A: 'static> Sides for (SideBuffer<A>,) {}
impl<A: 'static, B: 'static> Sides for (SideBuffer<A>, SideBuffer<B>) {}
impl<A: 'static, B: 'static, C: 'static> Sides for (SideBuffer<A>, SideBuffer<B>, SideBuffer<C>) {}
impl<A: 'static, B: 'static, C: 'static, D: 'static> Sides
    for (SideBuffer<A>, SideBuffer<B>, SideBuffer<C>, SideBuffer<D>)
{
}

/// Says how the failures of an arm (`on_right`) become those of its operator.
pub trait ArmFailure<F: FailureKind>: FailureKind {
    /// The arm's error as the operator's.
    fn raise(error: Self::Error) -> F::Error;
}
impl<F: FailureKind> ArmFailure<F> for NoFailure {
    fn raise(error: Never) -> F::Error {
        match error {}
    }
}
impl<E: 'static> ArmFailure<Fails<E>> for Fails<E> {
    fn raise(error: E) -> E {
        error
    }
}

struct ArmOut<'a, O, A, F>(&'a mut O, PhantomData<fn() -> (A, F)>);
impl<T, F, A, O> Emit<T, A::Error> for ArmOut<'_, O, A, F>
where
    F: FailureKind,
    A: ArmFailure<F>,
    O: Emit<T, F::Error>,
{
    #[inline(always)]
    fn emit(&mut self, record: T) {
        self.0.emit(record);
    }
    #[inline(always)]
    fn fail(&mut self, error: A::Error) {
        self.0.fail(A::raise(error));
    }
}

/// Runs the function named by `on_right` or `on_timer` with the state and the output of the operator it belongs to.
#[inline(always)]
pub fn arm<Op, Arm>(
    mut arm: Arm,
    state: &mut <Op::Keep as Keep>::State,
    record: Arm::In,
    context: &Context<'_>,
    beside: Beside<'_, Op>,
    out: &mut impl Emit<Op::Out, ErrorOf<Op>>,
) where
    Op: Operator<Timers: Lends<Arm::Timers>>,
    Arm: Operator<Keep = Op::Keep, Out = Op::Out, Sides = (), Failure: ArmFailure<Op::Failure>>,
{
    let beside = Beside { sides: &(), timers: beside.timers.lend() };
    arm.call(state, record, context, beside, &mut ArmOut::<_, Arm::Failure, Op::Failure>(out, PhantomData));
}
/// Runs the function named by `on_close`, to which the state is handed over.
#[inline(always)]
pub fn arm_close<Op, Arm>(
    mut arm: Arm,
    state: Arm::In,
    context: &Context<'_>,
    out: &mut impl Emit<Op::Out, ErrorOf<Op>>,
) where
    Op: Operator,
    Arm: Operator<Keep = Stateless, Out = Op::Out, Sides = (), Timers = (), Failure: ArmFailure<Op::Failure>>,
{
    let beside = Beside { sides: &(), timers: &() };
    arm.call(&mut (), state, context, beside, &mut ArmOut::<_, Arm::Failure, Op::Failure>(out, PhantomData));
}
