//! What operators may ask about time.
use super::{Context, Extract};
use crate::contract::time::{Span, Ticks, Time, Timestamp};
use crate::contract::window::Window;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::Deref;
use std::time::Duration;

/// The event time of the record, or the time for which a timer was set. Dereferences to `T`.
///
/// ```
/// use malstrom_core::{EventTime, Timestamp, testing::Bench};
/// fn stamp(name: String, at: EventTime) -> (Timestamp, String) {
///     (*at, name)
/// }
/// let bench = Bench::at(Timestamp::from_secs(7));
/// assert_eq!(stamp("a".into(), bench.time()).0, Timestamp::from_secs(7));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventTime<T = Timestamp>(T);
impl<T> EventTime<T> {
    /// A time to call an operator with in a test.
    pub fn new(time: T) -> Self {
        EventTime(time)
    }
}
impl<T> Deref for EventTime<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}
impl<T: fmt::Display> fmt::Display for EventTime<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<'a, T: Time> Extract<'a> for EventTime<T> {
    #[inline(always)]
    fn extract(context: &'a Context<'a>) -> Self {
        match context.time() {
            Some(time) => EventTime(time),
            None => unreachable!("the pipeline was checked to have event time"),
        }
    }
}

/// How far event time has come where an operator runs: the least promise of all its inputs that are not idle.
///
/// ```
/// use malstrom_core::{Timestamp, Watermark};
/// fn is_behind(at: Timestamp, watermark: Watermark) -> bool {
///     watermark.time().is_some_and(|promised| at <= promised)
/// }
/// assert!(is_behind(Timestamp::from_secs(1), Watermark::At(Timestamp::from_secs(2))));
/// assert!(!is_behind(Timestamp::from_secs(1), Watermark::Unknown));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Watermark {
    /// Nothing has been promised yet, or the stream has no event time.
    #[default]
    Unknown,
    /// Nothing at or before this will follow. Where times are integers, the ticks are the microseconds.
    At(Timestamp),
    /// All inputs are silent, and nobody needs to wait for them.
    Idle,
    /// All inputs have ended.
    Ended,
}
impl Watermark {
    /// The time up to which nothing will follow, if there is one.
    pub fn time(self) -> Option<Timestamp> {
        match self {
            Watermark::At(time) => Some(time),
            _ => None,
        }
    }
}
impl<'a> Extract<'a> for Watermark {
    #[inline(always)]
    fn extract(context: &'a Context<'a>) -> Self {
        context.watermark()
    }
}
impl<'a> Extract<'a> for Window {
    #[inline(always)]
    fn extract(context: &'a Context<'a>) -> Self {
        match context.window() {
            Some(window) => window,
            None => unreachable!("the pipeline was checked to have windows"),
        }
    }
}

/// Which clock a timer goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[doc(hidden)]
pub enum Clock {
    Event,
    Processing,
}
/// What an operator said about a timer.
#[derive(Debug)]
#[doc(hidden)]
pub struct Request<X> {
    pub clock: Clock,
    /// In ticks of the clock.
    pub time: i64,
    pub timer: X,
    /// Whether it is set, not cancelled.
    pub set: bool,
}
/// Where the timers collect that one call sets and cancels.
#[doc(hidden)]
pub struct TimerBuffer<X> {
    requests: RefCell<Vec<Request<X>>>,
    /// Those of the stream's times.
    ticks: Cell<Ticks>,
}
impl<X> Default for TimerBuffer<X> {
    fn default() -> Self {
        TimerBuffer { requests: RefCell::default(), ticks: Cell::default() }
    }
}
impl<X> fmt::Debug for TimerBuffer<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimerBuffer({} requests)", self.requests.borrow().len())
    }
}
impl<X> TimerBuffer<X> {
    /// Says what the ticks of the stream are.
    pub(crate) fn stand_on(&self, ticks: Ticks) {
        self.ticks.set(ticks);
    }
    /// What was asked for since the last call.
    #[inline(always)]
    pub(crate) fn requests(&mut self) -> &mut Vec<Request<X>> {
        self.requests.get_mut()
    }
    pub(crate) fn take(&self) -> Vec<Request<X>> {
        self.requests.take()
    }
    fn ask(&self, clock: Clock, time: i64, timer: X, set: bool) {
        self.requests.borrow_mut().push(Request { clock, time, timer, set });
    }
    /// Refuses what means something else on this stream than it says.
    #[track_caller]
    #[inline(always)]
    fn check(&self, ticks: Ticks) {
        if let Some(clash) = ticks.clash(self.ticks.get()) {
            refuse(clash);
        }
    }
}
#[cold]
#[inline(never)]
#[track_caller]
#[allow(clippy::panic, reason = "the operator is wrong, and is to be told where, as by any panic in it")]
fn refuse(clash: &str) -> ! {
    panic!("{clash}")
}
fn ticks_of<T: Time>(_: &T) -> Ticks {
    T::TICKS
}

/// How long until a timer fires: a `Duration`, or any integer where times are integers.
pub trait Delay {
    /// In ticks; it saturates.
    fn delay(self) -> i64;
    /// What the ticks are.
    #[doc(hidden)]
    const TICKS: Ticks;
}
fn ticks_of_delay<D: Delay>(_: &D) -> Ticks {
    D::TICKS
}
impl Delay for Duration {
    const TICKS: Ticks = Ticks::Calendar;
    #[inline]
    fn delay(self) -> i64 {
        i64::try_from(self.as_micros()).unwrap_or(i64::MAX)
    }
}
macro_rules! delays {
    ($($t:ty)*) => { $(impl Delay for $t {
        const TICKS: Ticks = Ticks::Integer;
        #[inline]
        #[allow(clippy::unnecessary_fallible_conversions, clippy::useless_conversion)]
        fn delay(self) -> i64 {
            i64::try_from(self).unwrap_or(i64::MAX)
        }
    })* };
}
delays!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize);

/// Sets timers in event time: they fire, in the order of their times, when the watermark has come so far, and all
/// that are left when the input has ended. A timer set for a time that has passed fires at once.
///
/// Times and delays are those of the stream: a `Timestamp` (or another time of the calendar) and a `Duration`, or integers
/// where its times are integers. An operator is a plain function that does not say on which stream it stands, so the wrong
/// ones are not refused by the compiler but when they are first used: the job fails with the operator's id, and points at
/// the call. `timers.at(*at + .., ..)` is always right, because an `EventTime` is checked against the stream.
///
/// ```
/// use malstrom_core::{Durations, EventTime, Record, Timers, Timestamp, testing::Bench};
/// fn remind(name: String, at: EventTime, timers: Timers<'_, String>) -> usize {
///     timers.at(*at + 1.minutes(), name.clone());
///     name.len()
/// }
/// let bench = Bench::at(Timestamp::from_secs(1));
/// remind("ann".into(), bench.time(), bench.timers());
/// assert_eq!(bench.set::<String>(), [(Timestamp::from_secs(61), "ann".to_owned())]);
/// ```
#[derive(Debug)]
pub struct Timers<'a, X> {
    buffer: &'a TimerBuffer<X>,
    now: i64,
}
// Spelled out twice, not by a macro: where a call is wrong, rustc shows these lines.
impl<'a, X> Timers<'a, X> {
    /// Timers that collect in `buffer`, at time `now` in ticks.
    #[doc(hidden)]
    #[inline(always)]
    pub fn new(buffer: &'a TimerBuffer<X>, now: i64) -> Self {
        Timers { buffer, now }
    }
    /// Has `timer` fire for this key at `time`. The same one set twice for the same time fires once.
    #[inline]
    #[track_caller]
    pub fn at(&self, time: impl Time, timer: X) {
        self.buffer.check(ticks_of(&time));
        self.buffer.ask(Clock::Event, time.to_ticks(), timer, true);
    }
    /// Has `timer` fire for this key when so much time has passed.
    #[inline]
    #[track_caller]
    pub fn after(&self, delay: impl Delay, timer: X) {
        self.buffer.check(ticks_of_delay(&delay));
        self.buffer.ask(Clock::Event, self.now.saturating_add(delay.delay()), timer, true);
    }
    /// Takes back what [`at`](Self::at) has set for this key: the same timer at the same time.
    #[inline]
    #[track_caller]
    pub fn cancel(&self, time: impl Time, timer: X) {
        self.buffer.check(ticks_of(&time));
        self.buffer.ask(Clock::Event, time.to_ticks(), timer, false);
    }
}
/// A time by the clock of the machine: of the calendar, not an integer.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a time by the clock of the machine",
    label = "not a time by the clock of the machine",
    note = "`ProcessingTimers` go by a `Timestamp` or a `SystemTime`, or by `.after(5.seconds(), ..)`"
)]
pub trait WallClock: Time {}
#[diagnostic::do_not_recommend]
impl<T: Time> WallClock for T where Duration: Span<T> {}

/// Sets timers by the clock of the machine. Those that are left when the input has ended fire then.
///
/// ```
/// use malstrom_core::{Durations, ProcessingTimers, testing::Bench};
/// fn retry(request: u64, timers: ProcessingTimers<'_, u64>) -> u64 {
///     timers.after(5.seconds(), request);
///     request
/// }
/// let bench = Bench::new();
/// retry(7, bench.processing_timers());
/// assert_eq!(bench.set::<u64>().len(), 1);
/// ```
#[derive(Debug)]
pub struct ProcessingTimers<'a, X> {
    buffer: &'a TimerBuffer<X>,
    now: i64,
}
impl<'a, X> ProcessingTimers<'a, X> {
    /// Timers that collect in `buffer`, at time `now` in ticks.
    #[doc(hidden)]
    #[inline(always)]
    pub fn new(buffer: &'a TimerBuffer<X>, now: i64) -> Self {
        ProcessingTimers { buffer, now }
    }
    /// Has `timer` fire for this key at `time`. The same one set twice for the same time fires once.
    #[inline]
    pub fn at(&self, time: impl WallClock, timer: X) {
        self.buffer.ask(Clock::Processing, time.to_ticks(), timer, true);
    }
    /// Has `timer` fire for this key when so much time has passed.
    #[inline]
    pub fn after(&self, delay: Duration, timer: X) {
        self.buffer.ask(Clock::Processing, self.now.saturating_add(delay.delay()), timer, true);
    }
    /// Takes back what [`at`](Self::at) has set for this key: the same timer at the same time.
    #[inline]
    pub fn cancel(&self, time: impl WallClock, timer: X) {
        self.buffer.ask(Clock::Processing, time.to_ticks(), timer, false);
    }
}
