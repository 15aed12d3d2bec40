//! Time only ever advances, at every stage and on every worker; and no record that is on time comes at or behind a watermark
//! that was seen before it.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs, unused_qualifications)]
mod support;

use malstrom::connect::{for_each, memory};
use malstrom::prelude::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use support::feed::{Act, Feed};
use support::run;
use support::time_oracle::{Ev, Pair, Shape, Splits, streams};

/// What a stage saw with one record.
#[derive(Clone, Debug)]
struct Sight {
    stage: &'static str,
    worker: String,
    at: i64,
    watermark: Watermark,
}
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<Sight>>>);

/// Operators take their configuration by `Into`.
impl From<&Log> for Log {
    fn from(log: &Log) -> Log {
        log.clone()
    }
}

#[operator]
fn probe<T: 'static>(
    record: T,
    at: EventTime<i64>,
    watermark: Watermark,
    #[arg] stage: &'static str,
    #[arg] log: &Log,
) -> T {
    let worker = std::thread::current().name().unwrap_or_default().to_owned();
    log.0.lock().unwrap().push(Sight { stage, worker, at: *at, watermark });
    record
}
#[keyed_state(key = u64)]
#[derive(Default)]
struct Nothing {}
/// Looks again at the time of each record, and at the next tick, when their time has come.
#[operator(on_timer = looked_again)]
fn look_again<T: 'static>(
    _: &mut Nothing,
    _: T,
    at: EventTime<i64>,
    watermark: Watermark,
    timers: Timers<'_, u64>,
    #[arg] log: &Log,
) -> Option<u64> {
    let worker = std::thread::current().name().unwrap_or_default().to_owned();
    log.0.lock().unwrap().push(Sight { stage: "timers", worker, at: *at, watermark });
    timers.at(*at, 0);
    timers.at(*at + 1, 1);
    None
}
#[operator]
fn looked_again(_: &mut Nothing, later: u64, at: EventTime<i64>, watermark: Watermark) -> u64 {
    let reached = watermark.time().is_none_or(|promised| promised.as_micros() >= *at);
    assert!(reached && watermark != Watermark::Unknown, "timer {} fires at {watermark:?}", *at);
    later
}

pipeline! {
    /// Probes at as many kinds of stages as there are.
    fn observed(a: Feed, b: Splits, lag: i64, log: Log) {
        let a = source(a) as a -> timestamps(|e| e.at, lag = lag) -> probe("timestamps", &log) as probe_a;
        let b = source(memory::splits(b.len(), move |split| b[split].clone().into_iter())) as b
            -> timestamps(|e| e.at, lag = lag) -> probe("other timestamps", &log) as probe_b;
        let (odd, even) = a -> filter(|e| e.value % 3 != 0) -> split(|e| e.value % 2 != 0);
        let both = union(odd, b);
        let keyed = both -> probe("union", &log) as probe_union -> key_by(|e| e.key) -> probe("exchange", &log) as probe_keyed;
        keyed -> look_again(&log) -> sink(for_each(|_: u64| ()));
        let counts = keyed -> window(sliding(20, 10)) else late -> count() -> probe("window", &log) as probe_window;
        late -> sink(for_each(|late: Late<Ev>| panic!("{late:?} of input that is on time"))) as late_sink;
        let again = counts -> map(|w| Ev { key: w.key / 2, at: 0, id: 0, value: 0 }) -> key_by(|e| e.key)
            -> probe("second exchange", &log) as probe_again -> window(session(15)) else later -> count()
            -> probe("second window", &log) as probe_second;
        later -> sink(for_each(|late: Late<Ev>| panic!("{late:?} behind a window"))) as later_sink;
        again -> sink(for_each(|_: Windowed<u64, u64>| ()));
        even -> sink(for_each(|_: Ev| ())) as even_sink;
    }
    /// Behind a join.
    fn joined(a: Feed, b: Splits, lag: i64, log: Log) {
        let a = source(a) as a -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key);
        let b = source(memory::splits(b.len(), move |split| b[split].clone().into_iter())) as b
            -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key);
        join(a, b, within = 7, kind = outer) -> probe("join", &log) as probe_join
            -> window(tumbling(10)) else latest -> count() -> probe("window behind a join", &log) as probe_last
            -> sink(for_each(|_: Windowed<u64, u64>| ()));
        latest -> sink(for_each(|late: Late<Pair>| panic!("{late:?} behind a join"))) as latest_sink;
    }
    fn stamped(a: Feed, lag: i64, log: Log) {
        source(a) -> timestamps(|e| e.at, lag = lag) -> probe("timestamps", &log) as direct
            -> key_by(|e| e.key) -> probe("exchange", &log) as keyed -> sink(for_each(|_: Ev| ()));
    }
}

/// How far a watermark promises; `None` for those that are no time.
fn promised(watermark: Watermark) -> Option<i64> {
    watermark.time().map(Timestamp::as_micros)
}

/// Per stage and worker: no watermark goes back, and no record is at or behind one.
fn check(log: &Log) -> BTreeMap<&'static str, usize> {
    let (mut last, mut seen): (BTreeMap<(&str, String), i64>, BTreeMap<&str, usize>) = Default::default();
    for sight in std::mem::take(&mut *log.0.lock().unwrap()) {
        *seen.entry(sight.stage).or_default() += 1;
        let last = last.entry((sight.stage, sight.worker.clone())).or_insert(i64::MIN);
        if let Some(now) = promised(sight.watermark) {
            assert!(now >= *last, "time goes back from {last}: {sight:?}");
            *last = now;
        }
        assert!(sight.at > *last, "a record at or behind {last}: {sight:?}");
    }
    seen
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn at_every_stage(
        (a, lag) in streams(Shape { splits: 4, records: 400, dealt: false, late: 0 }),
        (b, other) in streams(Shape { splits: 3, records: 400, dealt: false, late: 0 }),
        pauses: u64,
    ) {
        let lag = lag.max(other);
        let mut random = support::scrambled(pauses);
        let mut act = |e: &Ev| [Some(Act::Pause(std::time::Duration::ZERO)).filter(|_| random() % 30 == 0), Some(Act::Emit(*e))];
        let scripts: Vec<Vec<Act>> = a.iter().map(|split| split.iter().flat_map(&mut act).flatten().collect()).collect();
        for workers in 1..=4 {
            let (log, b, scripts) = (Log::default(), b.clone(), scripts.clone());
            let seen = log.clone();
            let feed = Feed::scripted(scripts);
            run(workers, move || observed(feed.clone(), b.clone(), lag, log.clone())).unwrap();
            let seen = check(&seen);
            let n = |splits: &Splits| splits.iter().map(Vec::len).sum::<usize>();
            prop_assert_eq!(seen.get("timestamps").copied().unwrap_or(0), n(&a));
            prop_assert_eq!(seen.get("other timestamps").copied().unwrap_or(0), n(&b));
            if n(&b) > 0 {
                prop_assert!(["union", "exchange", "timers", "window", "second exchange", "second window"].iter().all(|stage| seen.contains_key(stage)), "{:?}", seen);
            }
        }
    }
    /// The first records of a split are handed on one by one, so what is promised is known to the tick.
    #[test]
    fn one_split_promises_its_latest_time_less_the_lag((a, lag) in streams(Shape { splits: 1, records: 400, dealt: false, late: 5 })) {
        let log = Log::default();
        let (into, feed) = (log.clone(), Feed::scripted(vec![a[0].iter().copied().map(Act::Emit).collect()]));
        run(1, move || stamped(feed.clone(), lag, into.clone())).unwrap();
        let sights = std::mem::take(&mut *log.0.lock().unwrap());
        for stage in ["timestamps", "exchange"] {
            let mut max: Option<i64> = None;
            let seen: Vec<_> = sights.iter().filter(|s| s.stage == stage).collect();
            prop_assert_eq!(seen.len(), a[0].len());
            for (sight, e) in seen.into_iter().zip(&a[0]) {
                let expected = max.map_or(Watermark::Unknown, |max| Watermark::At(Timestamp::from_micros(max - lag - 1)));
                prop_assert_eq!((sight.at, sight.watermark), (e.at, expected), "{}", stage);
                max = max.max(Some(e.at));
            }
        }
    }
}
