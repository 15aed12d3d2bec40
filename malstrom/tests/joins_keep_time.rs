//! Joins keep what the watermarks of their inputs promise: no pair is late behind them, and no side holds the other up that has
//! nothing to say.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs, unused_qualifications)]
mod support;

use malstrom::Runtime;
use malstrom::connect::for_each;
use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use proptest::prelude::*;
use std::time::Duration;
use support::feed::{Act, Feed};
use support::probe::{Log, probe};
use support::run;
use support::time_oracle::{Pair, Shape, Splits, streams};

pipeline! {
    fn observed(a: Splits, b: Splits, lag: i64, log: Log) {
        let a = source(memory::splits(a.len(), move |split| a[split].clone().into_iter())) as a
            -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key);
        let b = source(memory::splits(b.len(), move |split| b[split].clone().into_iter())) as b
            -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key);
        join(a, b, within = 7, kind = outer) as near -> probe(&log) as probe_near
            -> window(tumbling(10)) else late -> count() -> probe(&log) as probe_window
            -> sink(for_each(|_: Windowed<u64, u64>| ()));
        late -> sink(for_each(|late: Late<Pair>| panic!("{late:?} behind a join"))) as late_sink;
        join(a, b, window = sliding(10, 5), kind = outer) as windowed -> probe(&log) as probe_windowed
            -> window(tumbling(10)) else later -> count() -> probe(&log) as probe_later
            -> sink(for_each(|_: Windowed<u64, u64>| ())) as second;
        later -> sink(for_each(|late: Late<Pair>| panic!("{late:?} behind a join"))) as later_sink;
    }
    fn joined(a: Feed, b: Feed, out: Collector<Vec<u64>>) {
        let a = source(a) as a -> timestamps(|e| e.at) -> key_by(|e| e.key);
        let b = source(b) as b -> timestamps(|e| e.at) -> key_by(|e| e.key);
        join(a, b, within = 5, kind = outer) -> map(|(a, b)| a.iter().chain(&b).map(|e| e.id).collect::<Vec<_>>()) -> sink(out);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_pair_is_late_behind_a_join(
        (a, lag) in streams(Shape { splits: 3, records: 300, dealt: false, late: 0 }),
        (mut b, other) in streams(Shape { splits: 3, records: 300, dealt: false, late: 0 }),
        apart in -30..30i64,
    ) {
        let first = |side: &Splits| side.iter().flatten().next().map_or(0, |e| e.at);
        let shift = first(&a) - first(&b) + apart;
        b.iter_mut().flatten().for_each(|e| e.at += shift);
        for workers in 1..=4 {
            let (log, a, b) = (Log::default(), a.clone(), b.clone());
            let seen = log.clone();
            run(workers, move || observed(a.clone(), b.clone(), lag.max(other), log.clone())).unwrap();
            seen.check();
        }
    }
}

fn next(out: &Collector<Vec<u64>>) -> Vec<u64> {
    let mut got = Vec::new();
    support::until("something is joined", || {
        got.extend(out.take());
        !got.is_empty()
    });
    assert_eq!(got.len(), 1, "{got:?}");
    got.remove(0)
}

#[test]
fn a_side_that_rests_or_has_ended_holds_nothing_back() {
    support::within(Duration::from_secs(60), || {
        for workers in 1..=4 {
            let (a, b, out) = (Feed::new(1), Feed::new(1), memory::collector());
            let (sources, into) = ((a.clone(), b.clone()), out.clone());
            let runtime = Runtime::builder().workers(workers).build().unwrap();
            b.act(0, [Act::Rest]);
            let handle = runtime.start(move || joined(sources.0.clone(), sources.1.clone(), into.clone())).unwrap();
            a.emit(0, [1, 20]);
            assert_eq!(next(&out), [1]);
            b.emit(0, [21]);
            assert_eq!(next(&out), [20, 21]);
            b.end();
            a.emit(0, [40, 60]);
            assert_eq!(next(&out), [40]);
            a.end();
            assert_eq!(next(&out), [60]);
            handle.join().unwrap();
            assert!(out.take().is_empty());
        }
    });
}

#[test]
fn a_record_at_the_watermark_is_late_and_the_next_tick_is_not() {
    support::within(Duration::from_secs(60), || {
        for workers in 1..=4 {
            let (a, b, out) = (Feed::new(1), Feed::new(1), memory::collector());
            let (sources, into) = ((a.clone(), b.clone()), out.clone());
            let runtime = Runtime::builder().workers(workers).build().unwrap();
            let handle = runtime.start(move || joined(sources.0.clone(), sources.1.clone(), into.clone())).unwrap();
            a.emit(0, [1, 20]);
            b.emit(0, [20]);
            // What is alone at 1 comes when time is at 6 or later, which it is when it has leapt from 0 to 19.
            let mut got = Vec::new();
            support::until("1 has found no partner, and 20 has", || {
                got.extend(out.take());
                got.len() == 2
            });
            a.emit(0, [19, 20]);
            a.end();
            b.end();
            let report = handle.join().unwrap();
            got.extend(out.take());
            got.sort();
            assert_eq!(got, [vec![1], vec![20, 20], vec![20, 20]], "{workers} workers");
            let join = report.operator("joined/join").unwrap();
            assert_eq!((join.late, join.dropped), (1, 1));
        }
    });
}
