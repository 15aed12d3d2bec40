//! The time of an operator inside a fused chain: how far it has come, and the timers that it lets fire.
use super::env::Clock;
use super::signal::{End, Mark, Signal};
use crate::contract::extract::Moment;
use crate::contract::extract::time::{Clock as Kind, Watermark};
use crate::contract::stage::TimerSet;
use crate::contract::time::Timestamp;
use crate::state::timers::{Due, TimerQueue};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// How many results a stage emits for a signal before others get their turn.
pub(crate) const SLICE: usize = 1024;

/// How far event time has come at a stage.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The last watermark; `i64::MIN` before the first.
    pub(crate) time: i64,
    pub(crate) watermark: Watermark,
}
impl Progress {
    pub(crate) fn new() -> Self {
        Progress { time: i64::MIN, watermark: Watermark::Unknown }
    }
    /// Takes note of a signal.
    pub(crate) fn note(&mut self, signal: Signal) {
        match signal {
            Signal::Time(Mark::At(time)) => {
                self.time = time;
                self.watermark = Watermark::At(Timestamp::from_micros(time));
            }
            Signal::Time(Mark::Idle) => self.watermark = Watermark::Idle,
            Signal::End(End::Complete) => self.watermark = Watermark::Ended,
            Signal::End(End::Stopped) | Signal::Split(..) => {}
        }
    }
}

/// The time of an operator with timers `T` on a stream keyed by `K`.
pub(crate) struct Timing<K, T: TimerSet> {
    buffer: T,
    event: TimerQueue<K, T::Timer>,
    processing: TimerQueue<K, T::Timer>,
    progress: Progress,
    /// The time of the last record.
    latest: i64,
    /// Signals whose work is not done.
    held: VecDeque<Signal>,
    /// At the end of the input, timers fire up to here: to the last one that was set before.
    limit: i64,
    clock: Rc<Clock>,
}

impl<K: Eq + Clone, T: TimerSet> Timing<K, T> {
    pub(crate) fn new(clock: Rc<Clock>) -> Self {
        Timing {
            buffer: T::default(),
            event: TimerQueue::default(),
            processing: TimerQueue::default(),
            progress: Progress::new(),
            latest: 0,
            held: VecDeque::new(),
            limit: i64::MIN,
            clock,
        }
    }
    #[inline(always)]
    pub(crate) fn buffer(&self) -> &T {
        &self.buffer
    }
    /// The moment at which a record with this time is processed.
    #[inline(always)]
    pub(crate) fn moment(&self, time: Option<i64>) -> Moment {
        Moment { time, watermark: self.progress.watermark, window: None, now: self.clock.now() }
    }
    /// The time by which state ages: event time where the stream has it.
    #[inline(always)]
    pub(crate) fn age(&self, time: Option<i64>) -> i64 {
        time.map_or_else(|| self.clock.now(), |time| time.max(self.progress.time))
    }
    /// The time that has passed for sure.
    pub(crate) fn passed(&self, timed: bool) -> i64 {
        if timed { self.progress.time } else { self.clock.now() }
    }
    pub(crate) fn until(&self, micros: i64) -> Duration {
        self.clock.until(micros)
    }
    /// Takes in the timers that the last call for `key`, at `time`, has set and cancelled.
    #[inline(always)]
    pub(crate) fn collect(&mut self, hash: u64, key: &K, time: Option<i64>) {
        if T::ANY {
            self.latest = time.unwrap_or(0);
            let Timing { buffer, event, processing, .. } = self;
            buffer.drain(|request| {
                let queue = if request.clock == Kind::Event { &mut *event } else { &mut *processing };
                if request.set {
                    queue.set(request.time, hash, key, request.timer, T::encode);
                } else {
                    queue.cancel(request.time, hash, key, &request.timer, T::encode);
                }
            });
        }
    }
    /// Takes note of a signal. Whether it has to wait until timers have fired.
    pub(crate) fn holds(&mut self, signal: Signal) -> bool {
        if self.held.is_empty() && !self.begin(signal) {
            return false;
        }
        self.held.push_back(signal);
        true
    }
    /// Whether a signal that is now in force has timers fire.
    fn begin(&mut self, signal: Signal) -> bool {
        self.progress.note(signal);
        if !T::ANY {
            return false;
        }
        if signal == Signal::End(End::Complete) {
            self.limit = self.event.last().unwrap_or(i64::MIN);
        }
        self.event.next().is_some_and(|next| next <= self.horizon())
    }
    /// Up to when timers fire.
    fn horizon(&self) -> i64 {
        match self.progress.watermark {
            Watermark::Ended => self.limit,
            _ => self.progress.time,
        }
    }
    /// Whether there are timers to fire, or signals that wait for them.
    pub(crate) fn busy(&self) -> bool {
        T::ANY
            && (!self.held.is_empty()
                || self.event.next().is_some_and(|next| next <= self.horizon())
                || self.processing.next().is_some_and(|next| next <= self.clock.now()))
    }
    /// The next timer to fire, and the time of what it emits.
    pub(crate) fn due(&mut self) -> Option<(i64, Due<K, T::Timer>)> {
        if !T::ANY {
            return None;
        }
        if let Some(due) = self.event.pop(self.horizon()) {
            return Some((due.time, due));
        }
        let due = self.processing.pop(self.clock.now())?;
        // In event time it happens now: behind what was promised.
        Some((self.latest.max(self.progress.time.saturating_add(1)), due))
    }
    /// The signal that has no timers left to wait for.
    pub(crate) fn release(&mut self) -> Option<Signal> {
        let done = self.held.pop_front()?;
        if let Some(next) = self.held.front() {
            self.begin(*next);
        }
        Some(done)
    }
    /// When a timer fires by the clock of the machine.
    pub(crate) fn tick(&self) -> Option<Duration> {
        if T::ANY { self.processing.next().map(|next| self.clock.until(next)) } else { None }
    }
}
