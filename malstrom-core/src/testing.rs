//! What tests of plain functions and of sinks need: what the engine would pass.
use crate::contract::extract::time::{Clock, EventTime, ProcessingTimers, Request, TimerBuffer, Timers, Watermark};
use crate::contract::extract::{Context, Key, Metrics, Moment, Output};
use crate::contract::sink::CommitPermit;
use crate::contract::stage::SideBuffer;
use crate::contract::time::{Time, Timestamp};
use crate::contract::window::Window;
use crate::metrics::{Metric, Registry};
use std::any::Any;
use std::cell::{Cell, OnceCell};
use std::fmt;

/// Says that the snapshot of `interval` is committed, for tests of sinks: in a job, only the commit log says so.
///
/// ```
/// use malstrom_core::connect::files;
/// use malstrom_core::{Begin, Interval, Sink, testing};
/// use std::time::Duration;
/// let directory = tempfile::tempdir()?;
/// let mut sink = files::jsonl_sink(directory.path());
/// sink.open(0, 1)?;
/// sink.begin(Begin::new(1, 1, None))?;
/// sink.write(&mut vec!["a"])?;
/// sink.close()?;
/// sink.pre_commit(Interval::new(1, Duration::ZERO, true))?;
/// let part = directory.path().join("part-0000000001-0000-0000.jsonl");
/// assert!(!part.exists());
/// sink.commit(testing::permit(1, 1))?;
/// assert_eq!(std::fs::read_to_string(part)?, "\"a\"\n");
/// # Ok::<(), malstrom_core::Error>(())
/// ```
pub fn permit(interval: u64, term: u64) -> CommitPermit {
    CommitPermit::new(interval, term)
}

/// Gives a test what an operator asks for after its record, and keeps what the operator does with it.
///
/// ```
/// use malstrom_core::{Key, Output, testing::Bench};
/// fn route(amount: u64, key: Key<'_, String>, large: Output<'_, (String, u64)>) -> Option<u64> {
///     if amount > 100 {
///         large.push((key.clone(), amount));
///         return None;
///     }
///     Some(amount)
/// }
/// let bench = Bench::new();
/// let key = "card".to_owned();
/// assert_eq!(route(500, bench.key(&key), bench.output()), None);
/// assert_eq!(bench.pushed::<(String, u64)>(), [("card".to_owned(), 500)]);
/// ```
#[derive(Default)]
pub struct Bench {
    metrics: Registry,
    buffers: Buffers,
    moment: Cell<Moment>,
}

/// A list that grows behind a shared reference: one buffer per type of side output or timer.
#[derive(Default)]
struct Buffers(OnceCell<Box<(Box<dyn Any>, Buffers)>>);
impl Buffers {
    fn of<T: 'static>(&self) -> &SideBuffer<T> {
        self.buffer()
    }
    fn of_timers<X: 'static>(&self) -> &TimerBuffer<X> {
        self.buffer()
    }
    fn buffer<B: Default + 'static>(&self) -> &B {
        let mut place = self;
        loop {
            let (buffer, next) = &**place.0.get_or_init(|| Box::new((Box::new(B::default()), Buffers::default())));
            match buffer.downcast_ref() {
                Some(buffer) => return buffer,
                None => place = next,
            }
        }
    }
}

impl Bench {
    /// A bench, at time 0.
    pub fn new() -> Self {
        Bench::default()
    }
    /// A bench at this event time.
    ///
    /// ```
    /// use malstrom_core::{EventTime, testing::Bench};
    /// fn age(born: i64, at: EventTime<i64>) -> i64 {
    ///     *at - born
    /// }
    /// assert_eq!(age(990, Bench::at(1_000).time()), 10);
    /// ```
    pub fn at(time: impl Time) -> Self {
        let bench = Bench::default();
        bench.set_time(time);
        bench
    }
    fn change(&self, change: impl FnOnce(&mut Moment)) {
        let mut moment = self.moment.get();
        change(&mut moment);
        self.moment.set(moment);
    }
    /// Moves event time.
    pub fn set_time(&self, time: impl Time) {
        self.change(|moment| moment.time = Some(time.to_ticks()));
    }
    /// Moves the watermark.
    pub fn set_watermark(&self, time: impl Time) {
        self.change(|moment| moment.watermark = Watermark::At(Timestamp::from_micros(time.to_ticks())));
    }
    /// Puts the record into a window.
    pub fn set_window(&self, window: Window) {
        self.change(|moment| moment.window = Some(window));
    }
    fn ticks(&self) -> i64 {
        self.moment.get().time.unwrap_or(0)
    }
    /// The event time of the record.
    pub fn time<T: Time>(&self) -> EventTime<T> {
        EventTime::new(T::from_ticks(self.ticks()))
    }
    /// How far event time has come.
    pub fn watermark(&self) -> Watermark {
        self.moment.get().watermark
    }
    /// Timers that hold a `X`, in event time.
    pub fn timers<X: 'static>(&self) -> Timers<'_, X> {
        Timers::new(self.buffers.of_timers(), self.ticks())
    }
    /// Timers that hold a `X`, by the clock of the machine. It stands still at 1970-01-01.
    pub fn processing_timers<X: 'static>(&self) -> ProcessingTimers<'_, X> {
        ProcessingTimers::new(self.buffers.of_timers(), 0)
    }
    /// The timers holding a `X` that are set, in the order of their times, and takes them out. Of integer times, the ticks
    /// are the microseconds.
    pub fn set<X: PartialEq + 'static>(&self) -> Vec<(Timestamp, X)> {
        let mut set: Vec<(Clock, i64, X)> = Vec::new();
        for Request { clock, time, timer, set: asked } in self.buffers.of_timers::<X>().take() {
            let known = set.iter().position(|(c, t, x)| (*c, *t) == (clock, time) && *x == timer);
            match known {
                None if asked => set.push((clock, time, timer)),
                Some(at) if !asked => drop(set.remove(at)),
                _ => {}
            }
        }
        set.sort_by_key(|(_, time, _)| *time);
        set.into_iter().map(|(_, time, timer)| (Timestamp::from_micros(time), timer)).collect()
    }
    /// The key of the record.
    pub fn key<'a, K>(&self, key: &'a K) -> Key<'a, K> {
        Key::new(key)
    }
    /// A side output for records of type `T`.
    pub fn output<T: 'static>(&self) -> Output<'_, T> {
        Output::new(self.buffers.of())
    }
    /// Takes what was pushed to the side output for records of type `T`.
    pub fn pushed<T: 'static>(&self) -> Vec<T> {
        self.buffers.of().take()
    }
    /// The operator's metrics.
    pub fn metrics(&self) -> Metrics<'_> {
        Metrics::new(&self.metrics)
    }
    /// What a metric has come to.
    pub fn metric(&self, name: &str) -> Option<Metric> {
        self.metrics.read().into_iter().find(|(known, _)| *known == name).map(|(_, metric)| metric)
    }
    /// A context, for extractors of your own; it has no key.
    pub fn context(&self) -> Context<'_> {
        Context::new(None, "bench", &self.metrics, self.moment.get())
    }
}
impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").field("metrics", &self.metrics).finish_non_exhaustive()
    }
}
