//! Time only ever advances, at every stage and on every worker; and no record that is on time comes at or behind a watermark
//! that was seen before it.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs, unused_qualifications)]
mod support;

use malstrom::connect::{for_each, memory};
use malstrom::prelude::*;
use proptest::prelude::*;
use support::feed::{Act, Feed};
use support::probe::{Log, probe};
use support::run;
use support::time_oracle::{Ev, Shape, Splits, streams};

#[keyed_state(key = u64)]
#[derive(Default)]
struct Nothing {}
#[operator(on_right = met_right)]
fn met(_: &mut Nothing, e: Ev, at: EventTime<i64>, watermark: Watermark, #[arg] log: &Log) -> Ev {
    log.see("left", *at, watermark);
    e
}
#[operator]
fn met_right(_: &mut Nothing, w: Windowed<u64, u64>) -> Ev {
    Ev { key: w.key, at: 0, id: 0, value: 0 }
}
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
    log.see("timers", *at, watermark);
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
        let a = source(a) as a -> timestamps(|e| e.at, lag = lag) -> probe(&log) as probe_a;
        let b = source(memory::splits(b.len(), move |split| b[split].clone().into_iter())) as b
            -> timestamps(|e| e.at, lag = lag) -> probe(&log) as probe_b;
        let (odd, even) = a -> filter(|e| e.value % 3 != 0) -> split(|e| e.value % 2 != 0);
        let both = union(odd, b);
        let keyed = both -> probe(&log) as probe_union -> key_by(|e| e.key) -> probe(&log) as probe_keyed;
        keyed -> look_again(&log) -> sink(for_each(|_: u64| ()));
        let counts = keyed -> window(sliding(20, 10)) else late -> count() -> probe(&log) as probe_window;
        late -> sink(for_each(|late: Late<Ev>| panic!("{late:?} of input that is on time"))) as late_sink;
        let again = counts -> map(|w| Ev { key: w.key / 2, at: 0, id: 0, value: 0 }) -> key_by(|e| e.key)
            -> probe(&log) as probe_again -> window(session(15)) else later -> count()
            -> probe(&log) as probe_second;
        later -> sink(for_each(|late: Late<Ev>| panic!("{late:?} behind a window"))) as later_sink;
        again -> sink(for_each(|_: Windowed<u64, u64>| ()));
        let even_by_key = even -> key_by(|e| e.key);
        (even_by_key, counts) -> met(&log) -> probe(&log) as probe_two -> sink(for_each(|_: Ev| ())) as even_sink;
    }
    fn stamped(a: Feed, lag: i64, log: Log) {
        source(a) -> timestamps(|e| e.at, lag = lag) -> probe(&log) as direct
            -> key_by(|e| e.key) -> probe(&log) as keyed -> sink(for_each(|_: Ev| ()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn at_every_stage(
        (a, lag) in streams(Shape { splits: 4, records: 400, dealt: false, late: 0 }),
        (b, other) in streams(Shape { splits: 3, records: 400, dealt: false, late: 0 }),
        pauses: u64,
    ) {
        let lag = lag.max(other);
        let mut random = support::scrambled(pauses);
        let mut act = |e: &Ev| [Some(Act::Pause(std::time::Duration::ZERO)).filter(|_| random().is_multiple_of(30)), Some(Act::Emit(*e))];
        let scripts: Vec<Vec<Act>> = a.iter().map(|split| split.iter().flat_map(&mut act).flatten().collect()).collect();
        for workers in 1..=4 {
            let n = |splits: &Splits| splits.iter().map(Vec::len).sum::<usize>();
            let given = n(&b);
            let (log, b, scripts) = (Log::default(), b.clone(), scripts.clone());
            let seen = log.clone();
            let feed = Feed::scripted(scripts);
            run(workers, move || observed(feed.clone(), b.clone(), lag, log.clone())).unwrap();
            let seen = seen.check();
            prop_assert_eq!(seen.get("probe_a").copied().unwrap_or(0), n(&a));
            prop_assert_eq!(seen.get("probe_b").copied().unwrap_or(0), given);
            if given > 0 {
                prop_assert!(["probe_union", "probe_keyed", "timers", "probe_window", "probe_again", "probe_second", "probe_two"].iter().all(|stage| seen.contains_key(*stage)), "{:?}", seen);
            }
        }
    }
    /// The first records of a split are handed on one by one, so what is promised is known to the tick.
    #[test]
    fn one_split_promises_its_latest_time_less_the_lag((a, lag) in streams(Shape { splits: 1, records: 400, dealt: false, late: 5 })) {
        let log = Log::default();
        let (into, feed) = (log.clone(), Feed::scripted(vec![a[0].iter().copied().map(Act::Emit).collect()]));
        run(1, move || stamped(feed.clone(), lag, into.clone())).unwrap();
        let sights = log.take();
        for stage in ["direct", "keyed"] {
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
