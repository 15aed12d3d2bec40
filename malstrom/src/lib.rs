//! Stateful stream processing: a job is plain functions and a [`pipeline!`] block that connects them.
//!
//! ```
//! use malstrom::prelude::*;
//!
//! #[keyed_state(key = String)]
//! #[derive(Default)]
//! struct Card {
//!     payments: u32,
//!     total: f64,
//! }
//!
//! #[operator]
//! fn parse(line: String) -> Result<(String, f64), String> {
//!     let (card, amount) = line.split_once(' ').ok_or("no amount")?;
//!     Ok((card.to_owned(), amount.parse().map_err(|_| format!("`{amount}` is no amount"))?))
//! }
//!
//! #[operator]
//! fn unusual(seen: &mut Card, (card, amount): (String, f64), #[arg] factor: f64) -> Option<String> {
//!     let alarm = seen.payments > 1 && amount > factor * seen.total / f64::from(seen.payments);
//!     (seen.payments, seen.total) = (seen.payments + 1, seen.total + amount);
//!     alarm.then(|| format!("{card} paid {amount}, far more than usual"))
//! }
//!
//! pipeline! {
//!     fn payments(lines: Vec<String>) {
//!         let parsed = source(lines) -> parse else malformed;
//!         parsed -> key_by(|(card, _)| card.clone()) -> unusual(3.0) -> sink(stdout());
//!         malformed -> map(|failure| failure.to_string()) -> sink(stdout()) as dead_letters;
//!     }
//! }
//!
//! fn main() -> malstrom::Result<()> {
//!     let lines = || ["ann 10", "bob 20", "ann 12", "ann ten", "bob 30", "ann 95", "bob 40"].map(String::from).to_vec();
//!     eprintln!("{}", malstrom::run(move || payments(lines()))?);
//!     Ok(())
//! }
//! ```
//!
//! - [`#[operator]`](operator) turns a function into a stage. Its parameters say what it needs (state, configuration, the
//!   key, event time, timers, side outputs), its return type says what it emits. It stays a function, to be called and
//!   tested.
//! - [`pipeline!`] connects stages from sources to sinks. It makes a function that returns a [`Pipeline`]; a fragment is a
//!   piece with open ends, and a stage itself. The compiler checks each edge, and reports a mistake at the stage.
//! - Event time begins with `timestamps(..)`. It brings windows ([`tumbling`], [`sliding`], [`session`], [`counted`],
//!   [`global`]), joins and [`Timers`]. The [guide to time](https://github.com/malstrom/malstrom/blob/main/guide/time.md)
//!   explains it from the start, with a picture.
//! - [`#[keyed_state]`](keyed_state) is for what is kept per key, [`derive(Record)`](macro@Record) for what moves between
//!   workers, [`derive(Key)`](macro@Key) for what streams are partitioned by.
//! - [`schema`] has a test say, before a job is restored, what a change of the code means for what older builds have kept.
//! - `sim`, with the feature of that name, runs a pipeline through crashes, rescales and failures of the store, one seed after
//!   the other, and reports what changes its output. The [guide to testing](https://github.com/malstrom/malstrom/blob/main/guide/testing.md)
//!   begins with functions.
//! - [`connect`] has sources and sinks: files, memory, standard output. Implement [`Source`] and [`Sink`] for your own.
//!
//! [`run`] runs a pipeline with the flags that every job understands (`--workers`, `--plan`, `--log`; see `--help`) and
//! returns a [`Report`]. Programs with flags of their own flatten [`RuntimeArgs`] into them; programs that do more than
//! run one job use [`Runtime::builder`].
//!
//! The feature `sim` is for tests. These features, none of them on by default either, make types of other crates records and keys, and `DateTime<Utc>` and
//! `jiff::Timestamp` a [`Time`]:
//!
//! | feature | types |
//! |---|---|
//! | `chrono` | `chrono::DateTime<Utc>`, `NaiveDate`, `NaiveDateTime` |
//! | `jiff` | `jiff::Timestamp`, `jiff::civil::Date`, `jiff::civil::DateTime` |
//! | `rust_decimal` | `rust_decimal::Decimal` |
//! | `uuid` | `uuid::Uuid` |
//! | `full` | all of these |
//!
//! A job runs on the threads of one process and keeps its state in memory. With [`snapshots`](Runtime::builder)
//! it survives: it goes on from the last one when it fails, or when it is run again.
// The macros write `::malstrom`, also in this crate.
extern crate self as malstrom;

#[doc(hidden)]
pub mod __private;

pub use malstrom_core::contract::windows::{
    Counted, Global, Session, Sliding, Tumbling, counted, global, session, sliding, tumbling,
};
pub use malstrom_core::contract::{key, record};
#[cfg(feature = "sim")]
pub use malstrom_core::sim;
pub use malstrom_core::{Begin, CommitPermit, ExactlyOnce, Guarantee, Interval, Replays};
pub use malstrom_core::{CodecError, connect, metrics, object_store, schema, snapshot, testing};
pub use malstrom_core::{
    Context, Durations, Emit, Environment, Error, Extract, Failure, Handle, InvalidTimestamp, Key, KeyedState, Late,
    Latency, Metrics, Moved, Never, Output, PartitionKey, Pipeline, Progress, Read, Record, Report, Restore, Result,
    Role, Runtime, RuntimeArgs, Sink, SnapshotCommand, Source, SplitReader, Time, Timestamp, Window, Windowed, run,
};
pub use malstrom_core::{EventTime, ProcessingTimers, Timers, Watermark};

pub mod names;
pub use malstrom_core::contract::keying::{KeyedBy, Unkeyed};

/// What nearly every program uses.
///
/// ```
/// use malstrom::prelude::*;
///
/// let start: Timestamp = "2013-01-01T05:00:00Z".parse()?;
/// assert!(Window::new(start, start + 1.hours()).contains(start + 90.seconds()));
/// # Ok::<(), malstrom::InvalidTimestamp>(())
/// ```
pub mod prelude {
    pub use crate::connect::{debug, files, stdout};
    pub use crate::testing::Bench;
    pub use crate::{
        Durations, Failure, Key, Late, Metrics, Output, Record, Timestamp, Window, Windowed, keyed_state, operator,
        pipeline,
    };
    pub use crate::{EventTime, ProcessingTimers, Timers, Watermark, counted, global, session, sliding, tumbling};
}

/// Makes a type one whose values may leave their worker: by an exchange, or in a snapshot.
///
/// ```
/// use malstrom::Record;
///
/// #[derive(Record, Debug, PartialEq)]
/// enum Shape {
///     Circle { radius: f64 },
///     Group(Vec<Shape>),
/// }
///
/// let shape = Shape::Group(vec![Shape::Circle { radius: 2.0 }]);
/// let mut bytes = Vec::new();
/// shape.encode(&mut bytes)?;
/// assert_eq!(Shape::decode(&bytes)?, shape);
/// # Ok::<(), malstrom::CodecError>(())
/// ```
///
/// Every field must be a [`Record`](trait@Record). `#[record(skip)]` leaves a field out: it is `Default` when the record
/// is read. `#[record(codec = serde)]` on the type has serde write it, for types whose fields only know that.
/// `#[record(crate = path)]` says where this crate is, if not at `::malstrom`.
pub use malstrom_macros::Record;

/// Makes a type one that streams can be keyed by. It makes it a [`Record`](trait@Record) too.
///
/// ```
/// use malstrom::Key;
///
/// #[derive(Key, PartialEq, Eq, Hash, Clone)]
/// enum Account {
///     Private(u64),
///     Business { country: String, number: u64 },
/// }
/// ```
///
/// Where a key lives follows from its canonical bytes: the index of the variant, then the fields in their order. So the
/// order of fields and variants is part of the data, and changing it loses the state of keys that are kept already.
/// Floats, `HashMap` and `HashSet` cannot be part of a key. `#[key(crate = path)]` says where this crate is.
pub use malstrom_macros::Key;

/// Makes a type one that operators can keep per key. It makes it a [`Record`](trait@Record) too.
///
/// ```
/// use malstrom::{KeyedState, keyed_state};
///
/// mod v1 {
///     #[malstrom::keyed_state(key = u64, name = "profile")]
///     pub struct Profile { pub count: u32 }
/// }
///
/// #[keyed_state(key = u64, name = "profile", version = 2, migrate_from = v1::Profile)]
/// #[derive(Default)]
/// struct Profile { count: u64, mean: f64 }
///
/// impl From<v1::Profile> for Profile {
///     fn from(old: v1::Profile) -> Self {
///         Profile { count: old.count.into(), mean: 0.0 }
///     }
/// }
/// assert_eq!((Profile::NAME, Profile::VERSION), ("profile", 2));
/// ```
///
/// With a time to live, state is gone when that has passed since its last use: in event time where the stream has that, by
/// the clock of the machine elsewhere.
///
/// ```
/// use malstrom::connect::memory;
/// use malstrom::prelude::*;
///
/// #[keyed_state(key = char, ttl = "10m")]
/// #[derive(Default)]
/// struct Seen { times: u32 }
///
/// #[operator]
/// fn so_often(seen: &mut Seen, _: (char, Timestamp)) -> u32 {
///     seen.times += 1;
///     seen.times
/// }
///
/// pipeline! {
///     fn visits(seen: Vec<(char, Timestamp)>, into: memory::Collector<u32>) {
///         source(seen) -> timestamps(|(_, at)| *at) -> key_by(|(name, _)| *name) -> so_often -> sink(into);
///     }
/// }
/// let seen = || [0, 9, 19].map(|minutes| ('a', Timestamp::UNIX_EPOCH + minutes.minutes())).to_vec();
/// let times = memory::collector();
/// let into = times.clone();
/// malstrom::Runtime::builder().workers(1).build()?.run(move || visits(seen(), into.clone()))?;
/// assert_eq!(times.take(), [1, 2, 1]);
/// # Ok::<(), malstrom::Error>(())
/// ```
///
/// | option | |
/// |---|---|
/// | `key = K` | what it is kept per; required |
/// | `ttl = "30d"` | how long it outlives its last use: a number of `d`, `h`, `m`, `s` or `ms`; for ever if left out |
/// | `name = ".."` | what snapshots call it; the type's name if left out |
/// | `version = 2` | counts up when the fields change; 1 if left out |
/// | `migrate_from = Old` | the state of an older version, for which there is a `From<Old>` |
/// | `crate = path` | where this crate is, if not at `::malstrom` |
pub use malstrom_macros::keyed_state;

/// Makes a function that returns a pipeline a test that runs it in the simulator: see [`sim`]. It needs the feature `sim`.
///
/// ```
/// use malstrom::prelude::*;
/// use malstrom::{Pipeline, sim};
///
/// pipeline! {
///     fn counts(words: Vec<String>, out: sim::Output<(String, u64)>) {
///         source(words) -> key_by(|word| word.clone()) -> count() -> sink(out);
///     }
/// }
///
/// #[malstrom::sim_test(workers = 4, crashes = 3, rescales = 2, seeds = 200)]
/// fn counts_survive() -> Pipeline {
///     let words = ["tea", "coffee", "tea"].map(String::from).to_vec();
///     counts(words, sim::output().in_order_per(|(word, _): &(String, u64)| word.clone()))
/// }
/// # fn main() {}
/// ```
///
/// | option | |
/// |---|---|
/// | `workers = 4` | how many there are; with rescales, at most |
/// | `crashes`, `rescales`, `pauses`, `savepoints`, `store_faults`, `clock_jumps` | how often each of them happens in a run, at most |
/// | `seeds = 200` | how many runs; `seeds = 17..18` is the one with seed 17 |
/// | `crate = path` | where this crate is, if not at `::malstrom` |
///
/// What is left out is as in [`sim::Sim`], whose methods these options are.
#[cfg(feature = "sim")]
pub use malstrom_macros::sim_test;

/// Turns a function into a stage. The function itself stays as written, to be called and tested.
///
/// ```
/// use malstrom::prelude::*;
///
/// #[operator]
/// fn even(x: u64, #[arg] least: u64) -> Option<u64> {
///     (x % 2 == 0 && x >= least).then_some(x)
/// }
/// assert_eq!(even(4, 2), Some(4));
///
/// pipeline! {
///     fn evens() {
///         source(0..10u64) -> even(6) -> sink(stdout());
///     }
/// }
/// # malstrom::Runtime::builder().workers(1).build()?.run(evens)?;
/// # Ok::<(), malstrom::Error>(())
/// ```
///
/// Parameters, in this order: the state (`&mut S`, or `&mut Option<S>`, where `None` on return drops it), the record by
/// value, then configuration marked `#[arg]` and extractors in any order.
///
/// | extractor | |
/// |---|---|
/// | [`Key<'_, K>`](struct@Key) | the key of the record |
/// | [`EventTime`], `EventTime<T>` | its event time, or the time for which a timer was set |
/// | [`Watermark`] | how far event time has come |
/// | [`Window`] | the window that the state belongs to |
/// | [`Timers<'_, X>`](Timers), [`ProcessingTimers<'_, X>`](ProcessingTimers) | sets and cancels timers, in event time or by the clock of the machine |
/// | [`Output<'_, T>`](Output) | a side output |
/// | [`Metrics<'_>`](Metrics) | counters, gauges and histograms |
/// | your own | implements [`Extract`] |
///
/// | returned | emitted |
/// |---|---|
/// | `U` | one record |
/// | `Option<U>` | one record or none |
/// | `impl Iterator<Item = U>` | any number of records; a `Vec` is one record |
/// | `Result<V, E>` around these | as `V`; the pipeline says what happens to `E` |
///
/// | option | |
/// |---|---|
/// | `on_right = f` | the function for the second input of `(left, right) -> op`: `fn f(&mut S, R, ..)` |
/// | `on_timer = f` | runs when a timer fires that holds an `X`: `fn f(&mut S, X, ..)` |
/// | `on_close = f` | runs when a window closes, and gets the state by value: `fn f(S, Window, ..)` |
/// | `shape = filter_map` | what an alias in the return type stands for: `map`, `filter_map` or `flat_map` |
/// | `crate = path` | where this crate is, if not at `::malstrom` |
///
/// The functions that `on_right`, `on_timer` and `on_close` name are operators themselves. All emit the same type; the
/// function itself may emit nothing if one of them does.
///
/// ```
/// use malstrom::prelude::*;
///
/// #[keyed_state(key = u64)]
/// #[derive(Default)]
/// struct Order { paid: bool }
/// #[derive(Record, Clone)]
/// enum Event { Placed, Paid }
/// #[derive(Record, Debug, PartialEq)]
/// struct Due;
///
/// #[operator(on_timer = remind)]
/// fn follow(order: &mut Order, event: Event, at: EventTime, timers: Timers<'_, Due>) {
///     match event {
///         Event::Placed => timers.at(*at + 30.minutes(), Due),
///         Event::Paid => order.paid = true,
///     }
/// }
///
/// #[operator]
/// fn remind(order: &mut Order, _: Due, number: Key<'_, u64>) -> Option<String> {
///     (!order.paid).then(|| format!("order {number} is not paid"))
/// }
///
/// let bench = Bench::at(Timestamp::UNIX_EPOCH);
/// follow(&mut Order::default(), Event::Placed, bench.time(), bench.timers());
/// assert_eq!(bench.set(), [(Timestamp::UNIX_EPOCH + 30.minutes(), Due)]);
/// assert_eq!(remind(&mut Order::default(), Due, bench.key(&7)), Some("order 7 is not paid".into()));
/// ```
pub use malstrom_macros::operator;

/// Declares pipelines, which are functions that return a [`Pipeline`], and fragments, which are stages.
///
/// ```
/// use malstrom::prelude::*;
///
/// #[operator]
/// fn parse(line: String) -> Result<i64, std::num::ParseIntError> {
///     line.parse()
/// }
///
/// pipeline! {
///     /// Adds up numbers by their parity.
///     fn parity(lines: Vec<String>) {
///         let numbers = source(lines) -> parse else malformed;
///         numbers -> key_by(|x| x % 2 == 0) -> sum(|x| *x) -> map(|(even, sum)| format!("{even} {sum}")) -> sink(stdout());
///         malformed -> map(|failure| failure.error.to_string()) -> sink(stdout()) as dead_letters;
///     }
/// }
/// let lines = || ["1", "2", "x"].map(String::from).to_vec();
/// let report = malstrom::Runtime::builder().workers(2).build()?.run(move || parity(lines()))?;
/// assert_eq!(report.operator("parity/parse").map(|op| op.failed), Some(1));
/// # Ok::<(), malstrom::Error>(())
/// ```
///
/// | a statement begins with | |
/// |---|---|
/// | `source(s)` | a [`Source`] or an iterator |
/// | `name` | a stream that a `let` above has bound |
/// | `union(a, b, ..)` | all records of several streams of one type |
/// | `join(a, b, ..)` | pairs of equal key: `within = 1.hours()` or `window = tumbling(1.hours())`; `kind = inner`, `left`, `right` or `outer` |
/// | `(a, b)` | two inputs, for an operator with `on_right` |
///
/// | stage | |
/// |---|---|
/// | `operator`, `operator(arguments)`, `fragment(arguments)` | a function with [`#[operator]`](operator), or a piece of a pipeline |
/// | `map(f)`, `filter(f)`, `filter_map(f)`, `flat_map(f)`, `inspect(f)` | as on iterators |
/// | `key_by(f)` | sends each record to the worker that has its key |
/// | `split(f)` | `let (yes, no) = ..` |
/// | `timestamps(f)` | event time begins; `lag` is how far records are out of order, and a split that is silent for `idle` is not waited for |
/// | `window(w)` | [`tumbling`], [`sliding`], [`session`], [`counted`] or [`global`]; it closes again for what comes within `lateness`; what comes later goes to `else` |
/// | `count()`, `sum(f)`, `min(f)`, `max(f)`, `average(f)`, `reduce(f)`, `fold(a, f)`, `top(n, f)`, `distinct()` | aggregates: behind `window` one result per window, elsewhere one per record |
/// | `combine()` | between `key_by` and one of the first six of these: records are gathered on the worker that read them, and there is a result per gathering; behind `window` that is done without it |
/// | `sink(s)` | a [`Sink`]; the end of a chain |
///
/// `#[guarantee(exactly_once)]` on a pipeline promises that nothing is missing in its output after a failure and nothing is
/// there twice. It does not compile then if a source is not [`Replays`] or a sink not [`ExactlyOnce`], and does not start without
/// `--snapshots`.
///
/// Behind what can fail or be late stands `?` (the job fails), `else name` (a stream of its own) or `else drop` (it is
/// counted). `as name` gives a stage its name.
///
/// ```
/// use malstrom::connect::memory;
/// use malstrom::prelude::*;
///
/// type Count = Windowed<bool, u64>;
///
/// pipeline! {
///     /// Counts numbers by their parity and their tens; the numbers are the times.
///     fn tens(numbers: Vec<u64>, into: memory::Collector<Count>) {
///         source(numbers) -> timestamps(|x| *x, lag = 2) -> key_by(|x| x % 2 == 0)
///             -> window(tumbling(10)) else late -> count() -> sink(into);
///         late -> map(|late| format!("{} came too late", late.record)) -> sink(stdout());
///     }
/// }
/// let counts = memory::collector();
/// let into = counts.clone();
/// malstrom::Runtime::builder().workers(1).build()?.run(move || tens(vec![2, 4, 10, 8, 13, 6], into.clone()))?;
/// let counts = counts.take().into_iter().map(|count: Count| (count.window.start().as_micros(), count.key, count.value));
/// let mut counts: Vec<_> = counts.collect();
/// counts.sort(); // of one window no key is the first
/// assert_eq!(counts, [(0, true, 3), (10, false, 1), (10, true, 1)]);
/// # Ok::<(), malstrom::Error>(())
/// ```
#[macro_export]
macro_rules! pipeline {
    ($($tokens:tt)*) => {
        $crate::__private::pipeline! { [$crate] $($tokens)* }
    };
}
