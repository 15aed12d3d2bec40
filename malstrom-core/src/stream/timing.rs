//! The time of an operator inside a fused chain: how far it has come, and the timers that it lets fire.
use super::env::{Clock, Env};
use super::signal::{End, Mark, Signal};
use crate::contract::code::OfRecord;
use crate::contract::extract::Moment;
use crate::contract::extract::time::{Clock as Kind, TimerBuffer, Watermark};
use crate::contract::form::{Meta, Stamp};
use crate::contract::key::PartitionKey;
use crate::contract::record::Record;
use crate::contract::snapshot::{Barrier, Part, Task};
use crate::contract::stage::TimerSet;
use crate::contract::time::Timestamp;
use crate::state::saved::Figures;
use crate::state::timers::{Due, TimerQueue};
use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

/// How many generations of timers fire at the end of the input: a timer that is set by one of them is of the next. So a
/// timer that sets itself again for ever does not keep the job from ending.
const GENERATIONS: u32 = 1_000;

/// How many results a stage emits for a signal before others get their turn.
pub(crate) const SLICE: usize = 1024;

/// How far event time has come at a stage.
#[derive(Debug)]
pub(crate) struct Progress {
    /// The last watermark; `i64::MIN` before the first, which promises nothing.
    pub(crate) time: i64,
    pub(crate) watermark: Watermark,
    /// Where that is shown.
    shown: Rc<Cell<Watermark>>,
}
impl Progress {
    pub(crate) fn new(shown: Rc<Cell<Watermark>>) -> Self {
        Progress { time: i64::MIN, watermark: Watermark::Unknown, shown }
    }
    /// Takes note of a signal.
    pub(crate) fn note(&mut self, signal: Signal) {
        match signal {
            Signal::Time(Mark::At(i64::MIN)) => {}
            Signal::Time(Mark::At(time)) => {
                // Behind what was promised before the job was restored, nothing is promised anew.
                self.time = self.time.max(time);
                self.watermark = Watermark::At(Timestamp::from_micros(self.time));
            }
            Signal::Time(Mark::Idle(time)) => {
                self.time = self.time.max(time);
                self.watermark = Watermark::Idle;
            }
            Signal::End(End::Complete) => self.watermark = Watermark::Ended,
            Signal::End(End::Stopped) | Signal::Split(..) | Signal::Barrier(_) => {}
        }
        self.shown.set(self.watermark);
    }
}

/// How far time had come, as it is saved: what was promised, what the watermark was called (0: unknown, 1: at this time, 2:
/// idle), and the time of the last record.
type Saved = (i64, u8, i64);
impl Progress {
    /// What is saved of it. An input that has ended may go on after a restart, if there is more of it then: until it ends
    /// again, it is one that has come so far.
    pub(crate) fn saved(&self) -> (i64, u8) {
        let kind = match self.watermark {
            Watermark::Idle => 2,
            _ => u8::from(self.time > i64::MIN),
        };
        (self.time, kind)
    }
    /// Goes on from where the workers had come. A barrier finds them all at the same time, so the latest is that of all. An
    /// input that has ended stays so.
    pub(crate) fn resume(&mut self, workers: impl Iterator<Item = (i64, u8)>) {
        for (time, kind) in workers {
            self.time = self.time.max(time);
            self.watermark = match (kind, self.watermark) {
                (_, Watermark::Ended) => Watermark::Ended,
                (1, _) | (_, Watermark::At(_)) => Watermark::At(Timestamp::from_micros(self.time)),
                (2, _) => Watermark::Idle,
                (_, before) => before,
            };
        }
        self.shown.set(self.watermark);
    }
}

/// Timers of an operator on a stream keyed by `K`.
pub trait TimersFor<K>: TimerSet {
    /// Has those of operator `node` saved.
    fn track(queue: &mut TimerQueue<K, Self::Timer>, env: &Env, node: usize, part: Part);
}
impl<K> TimersFor<K> for () {
    fn track(_: &mut TimerQueue<K, Self::Timer>, _: &Env, _: usize, _: Part) {}
}
impl<K: PartitionKey, X: Record> TimersFor<K> for TimerBuffer<X> {
    fn track(queue: &mut TimerQueue<K, X>, env: &Env, node: usize, part: Part) {
        queue.track(env.owner(node), part, env.ranks(), OfRecord::<X>::new());
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
    /// The timer that fires is of the last generation: what it sets does not fire. And whether that was told.
    exhausted: bool,
    warned: bool,
    /// The job was stopped, and those downstream know: what is due now fires when it is started again.
    stopped: bool,
    /// A barrier has passed: until the next turn no timer fires by the clock of the machine. It may be about to move to another
    /// worker, and state must not change between the barrier and that.
    rests: bool,
    clock: Rc<Clock>,
    /// Where it is written how far time has come, if it is.
    figures: Option<Figures<Saved>>,
}

impl<K: Eq + Clone, T: TimerSet> Timing<K, T> {
    /// That of operator `node`, on a stream that travels under `M`.
    pub(crate) fn new<M: Meta<Key = K>>(env: &Env, node: usize) -> Self
    where
        T: TimersFor<K>,
    {
        let buffer = T::default();
        buffer.stand_on(env.ticks(node));
        let (mut event, mut processing) = (TimerQueue::default(), TimerQueue::default());
        if env.tracks() {
            T::track(&mut event, env, node, Part::EventTimers);
            T::track(&mut processing, env, node, Part::ProcessingTimers);
        }
        let timed = M::Stamp::of(0).ticks().is_some();
        let figures = (env.tracks() && timed).then(|| Figures::new(env.owner(node)));
        Timing {
            buffer,
            event,
            processing,
            progress: Progress::new(env.site(node).shown()),
            latest: 0,
            held: VecDeque::new(),
            exhausted: false,
            warned: false,
            stopped: false,
            rests: false,
            clock: env.clock(),
            figures,
        }
    }
    /// A barrier passes. It has waited for the signals before it, so nothing of them is left to do, and those behind it are
    /// not in force.
    pub(crate) fn flip(&mut self, barrier: Barrier) {
        self.rests = T::ANY;
        self.event.flip(barrier);
        self.processing.flip(barrier);
        let (time, kind) = self.progress.saved();
        if let Some(figures) = &mut self.figures {
            figures.flip(barrier, (time, kind, self.latest));
        }
    }
    /// Does something about the timers, and about how far time has come.
    pub(crate) fn persist(&mut self, mut task: Task<'_, '_>) {
        self.event.persist(task.again());
        self.processing.persist(task.again());
        if let Some(figures) = &mut self.figures {
            let workers = figures.persist(task);
            self.latest = workers.iter().map(|(.., latest)| *latest).fold(self.latest, i64::max);
            self.progress.resume(workers.into_iter().map(|(time, kind, _)| (time, kind)));
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
        match timed {
            // A timer that is about to fire finds its state as it was at its time.
            true if self.busy() => i64::MIN,
            true => self.progress.time,
            false => self.clock.now(),
        }
    }
    pub(crate) fn until(&self, micros: i64) -> Duration {
        self.clock.until(micros)
    }
    /// Takes in the timers that the last call for `key`, at `time`, has set and cancelled. Whether one of them is due.
    #[inline(always)]
    pub(crate) fn collect(&mut self, hash: u64, key: &K, time: Option<i64>) -> bool {
        let mut due = false;
        if T::ANY {
            let (event_now, processing_now) = self.horizon();
            self.latest = time.unwrap_or(0);
            let Timing { buffer, event, processing, exhausted, warned, .. } = self;
            buffer.drain(|request| {
                let (queue, now) = match request.clock {
                    Kind::Event => (&mut *event, event_now),
                    Kind::Processing => (&mut *processing, processing_now),
                };
                if request.set && *exhausted {
                    if !std::mem::replace(warned, true) {
                        tracing::warn!("a timer goes on setting timers after the end of the input: these do not fire");
                    }
                } else if request.set {
                    due |= request.time <= now;
                    queue.set(request.time, hash, key, request.timer, T::encode);
                } else {
                    queue.cancel(request.time, hash, key, &request.timer, T::encode);
                }
            });
        }
        due
    }
    /// Takes note of a signal. Whether it has to wait until timers have fired.
    pub(crate) fn holds(&mut self, signal: Signal) -> bool {
        if self.held.is_empty() && !self.begin(signal) {
            return false;
        }
        self.held.push_back(signal);
        true
    }
    /// Whether a signal that is now in force has timers fire. A barrier has none: those that are due by the clock of the
    /// machine are saved, and fire behind it.
    fn begin(&mut self, signal: Signal) -> bool {
        self.progress.note(signal);
        T::ANY && !matches!(signal, Signal::Barrier(_)) && self.any_due()
    }
    /// Up to when timers fire, by event time and by the clock of the machine.
    fn horizon(&self) -> (i64, i64) {
        match self.progress.watermark {
            _ if self.stopped => (i64::MIN, i64::MIN),
            Watermark::Ended => (i64::MAX, i64::MAX),
            _ if self.rests => (self.progress.time, i64::MIN),
            _ => (self.progress.time, self.clock.now()),
        }
    }
    fn any_due(&self) -> bool {
        let (event, processing) = self.horizon();
        self.event.next().is_some_and(|next| next <= event)
            || self.processing.next().is_some_and(|next| next <= processing)
    }
    /// Whether there are timers to fire, or signals that wait for them.
    pub(crate) fn busy(&self) -> bool {
        T::ANY && (!self.held.is_empty() || self.any_due())
    }
    /// The next timer to fire, and the time of what it emits.
    pub(crate) fn due(&mut self) -> Option<(i64, Due<K, T::Timer>)> {
        if !T::ANY {
            return None;
        }
        let (event, processing) = self.horizon();
        if let Some(due) = self.event.pop(event) {
            self.next_generation(due.generation);
            return Some((due.time, due));
        }
        let due = self.processing.pop(processing)?;
        self.next_generation(due.generation);
        // In event time it happens now: behind what was promised.
        Some((self.latest.max(self.progress.time.saturating_add(1)), due))
    }
    fn next_generation(&mut self, generation: u32) {
        if self.progress.watermark != Watermark::Ended {
            return;
        }
        let next = generation.saturating_add(1);
        self.exhausted = next > GENERATIONS;
        self.event.set_generation(next);
        self.processing.set_generation(next);
    }
    /// The end has been handed on.
    pub(crate) fn end(&mut self, end: End) {
        self.stopped = end == End::Stopped;
    }
    /// The signal that has no timers left to wait for. When it has been handed on, [`proceed`](Self::proceed) follows.
    pub(crate) fn release(&mut self) -> Option<Signal> {
        self.held.pop_front()
    }
    /// Puts the next signal that waits in force.
    pub(crate) fn proceed(&mut self) {
        if let Some(next) = self.held.front() {
            self.begin(*next);
        }
    }
    /// When a timer fires by the clock of the machine.
    pub(crate) fn tick(&mut self) -> Option<Duration> {
        self.rests = false;
        if T::ANY { self.processing.next().map(|next| self.clock.until(next)) } else { None }
    }
}
