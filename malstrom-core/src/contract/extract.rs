//! Extractors: what an operator may ask for after its record.
pub mod time;

use super::stage::SideBuffer;
use super::time::{Time, Timestamp};
use super::window::Window;
use crate::metrics::Registry;
use std::any::Any;
use std::fmt;
use std::ops::Deref;
use time::Watermark;

/// What surrounds the record that is being processed.
pub struct Context<'a> {
    key: Option<&'a dyn Any>,
    operator: &'a str,
    metrics: &'a Registry,
    moment: Moment,
}
/// When a record is processed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moment {
    /// The event time, in ticks.
    pub(crate) time: Option<i64>,
    pub(crate) watermark: Watermark,
    pub(crate) window: Option<Window>,
    /// By the clock of the machine, in microseconds since 1970.
    pub(crate) now: i64,
}

impl<'a> Context<'a> {
    #[inline(always)]
    pub(crate) fn new(key: Option<&'a dyn Any>, operator: &'a str, metrics: &'a Registry, moment: Moment) -> Self {
        Context { key, operator, metrics, moment }
    }
    /// The key that the record travels under, if it has one and `K` is its type.
    pub fn key<K: 'static>(&self) -> Option<&'a K> {
        self.key.and_then(|key| key.downcast_ref())
    }
    /// The event time of the record, or the time for which a timer was set; `None` on a stream without event time.
    #[inline(always)]
    pub fn time<T: Time>(&self) -> Option<T> {
        self.moment.time.map(T::from_ticks)
    }
    /// How far event time has come.
    #[inline(always)]
    pub fn watermark(&self) -> Watermark {
        self.moment.watermark
    }
    /// The window that the record is processed for, in an operator that keeps state per window.
    #[inline(always)]
    pub fn window(&self) -> Option<Window> {
        self.moment.window
    }
    /// The event time in ticks, for timers; 0 where there is none.
    #[doc(hidden)]
    #[inline(always)]
    pub fn ticks(&self) -> i64 {
        self.moment.time.unwrap_or(0)
    }
    /// The time by the clock of the machine when the worker began its current step.
    #[inline(always)]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.moment.now)
    }
    /// The operator's id.
    pub fn operator(&self) -> &'a str {
        self.operator
    }
    /// The metrics of this operator.
    pub fn metrics(&self) -> Metrics<'a> {
        Metrics(self.metrics)
    }
}
impl fmt::Debug for Context<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context").field("operator", &self.operator).field("keyed", &self.key.is_some()).finish()
    }
}

/// A parameter that an operator may take after its record. Implement it for your own types.
///
/// ```
/// use malstrom_core::{Context, Extract};
/// struct Id(String);
/// impl<'a> Extract<'a> for Id {
///     fn extract(context: &'a Context) -> Self {
///         Id(context.operator().to_owned())
///     }
/// }
/// ```
pub trait Extract<'a> {
    /// Reads it off the context.
    fn extract(context: &'a Context<'a>) -> Self;
}

/// The key of the record. Dereferences to `K`; it is neither `Clone` nor `Copy`, so that `key.clone()` is a `K`.
///
/// ```
/// use malstrom_core::Key;
/// fn tag(word: String, key: Key<'_, u64>) -> String {
///     format!("{}:{word}", *key)
/// }
/// assert_eq!(tag("a".into(), Key::new(&7)), "7:a");
/// ```
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key<'a, K>(&'a K);
impl<'a, K> Key<'a, K> {
    /// A key to call an operator with in a test.
    pub fn new(key: &'a K) -> Self {
        Key(key)
    }
}
impl<K> Deref for Key<'_, K> {
    type Target = K;
    #[inline(always)]
    fn deref(&self) -> &K {
        self.0
    }
}
impl<K: fmt::Display> fmt::Display for Key<'_, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<'a, K: 'static> Extract<'a> for Key<'a, K> {
    #[inline(always)]
    fn extract(context: &'a Context<'a>) -> Self {
        match context.key() {
            Some(key) => Key(key),
            None => unreachable!("the pipeline was checked to be keyed by {}", std::any::type_name::<K>()),
        }
    }
}

/// A side output: what is pushed here goes to the stream that the pipeline binds beside the main one.
///
/// ```
/// use malstrom_core::Output;
/// let buffer = Default::default();
/// fn halve(x: u64, odd: Output<'_, u64>) -> Option<u64> {
///     if x % 2 == 1 {
///         odd.push(x);
///         return None;
///     }
///     Some(x / 2)
/// }
/// assert_eq!(halve(3, Output::new(&buffer)), None);
/// assert_eq!(*buffer.borrow(), [3]);
/// ```
#[derive(Debug)]
pub struct Output<'a, T>(&'a SideBuffer<T>);
impl<'a, T> Output<'a, T> {
    /// An output that collects into `buffer`.
    #[inline(always)]
    pub fn new(buffer: &'a SideBuffer<T>) -> Self {
        Output(buffer)
    }
    /// Emits one record on the side.
    #[inline]
    pub fn push(&self, record: T) {
        self.0.borrow_mut().push(record);
    }
}

/// Counters, gauges and histograms under the operator's id. They are added up over the workers in the report.
///
/// ```
/// use malstrom_core::Metrics;
/// fn measure(amount: f64, metrics: Metrics<'_>) -> f64 {
///     metrics.counter("seen").add(1);
///     metrics.histogram("amount").record(amount);
///     amount
/// }
/// # let bench = malstrom_core::testing::Bench::new();
/// # measure(1.0, bench.metrics());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Metrics<'a>(&'a Registry);
impl<'a> Metrics<'a> {
    pub(crate) fn new(registry: &'a Registry) -> Self {
        Metrics(registry)
    }
    /// A number that only grows.
    pub fn counter(&self, name: &'static str) -> Counter<'a> {
        Counter(self.0, name)
    }
    /// A number that goes up and down; the report shows the sum over the workers of what each set last.
    pub fn gauge(&self, name: &'static str) -> Gauge<'a> {
        Gauge(self.0, name)
    }
    /// Many numbers; the report shows count, mean, least and greatest.
    pub fn histogram(&self, name: &'static str) -> Histogram<'a> {
        Histogram(self.0, name)
    }
}
impl<'a> Extract<'a> for Metrics<'a> {
    fn extract(context: &'a Context<'a>) -> Self {
        context.metrics()
    }
}
/// See [`Metrics::counter`].
#[derive(Debug)]
pub struct Counter<'a>(&'a Registry, &'static str);
impl Counter<'_> {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.count(self.1, n);
    }
}
/// See [`Metrics::gauge`].
#[derive(Debug)]
pub struct Gauge<'a>(&'a Registry, &'static str);
impl Gauge<'_> {
    /// Sets it.
    pub fn set(&self, value: f64) {
        self.0.set(self.1, value);
    }
}
/// See [`Metrics::histogram`].
#[derive(Debug)]
pub struct Histogram<'a>(&'a Registry, &'static str);
impl Histogram<'_> {
    /// Records one number.
    pub fn record(&self, value: f64) {
        self.0.record(self.1, value);
    }
}
