//! `combine()`, and what is combined without it: results are those of one worker, times and counts stay what they were, and
//! the owner of a key that half of the records have is sent a few of them.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs, unused_qualifications)]
mod support;

use malstrom::connect::for_each;
use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use malstrom::{Error, Report, Runtime};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::combined::{bag, joined, splits};
use support::probe::{Log, probe};
use support::run;
use support::time_oracle::{Ev, Kind, Model, Shape, Splits, by_key, streams};

type Out = Collector<(&'static str, u64, String)>;
fn told<V: Debug>(name: &'static str) -> impl Fn((u64, V)) -> (&'static str, u64, String) {
    move |(key, value)| (name, key, format!("{value:?}"))
}

pipeline! {
    fn running(data: Splits, out: Out) {
        let evs = source(splits(&data));
        evs -> key_by(|e| e.key) -> combine() -> count() -> map(told("count")) -> sink(out.clone());
        evs -> key_by(|e| e.key) -> combine() -> sum(|e| e.value) -> map(told("sum")) -> sink(out.clone());
        evs -> key_by(|e| e.key) -> combine() -> min(|e| e.value) -> map(told("min")) -> sink(out.clone());
        evs -> key_by(|e| e.key) -> combine() -> max(|e| e.value) -> map(told("max")) -> sink(out.clone());
        evs -> key_by(|e| e.key) -> combine() -> average(|e| e.value) -> map(told("average")) -> sink(out.clone());
        evs -> map(bag) -> key_by(|b| b.key) -> combine() -> reduce(joined) -> map(|(key, bag)| ("reduce", key, format!("{:?}", bag.ids))) -> sink(out);
    }
    fn windows_behind(data: Splits, lag: i64, size: i64, log: Log, out: Collector<(u64, u64)>) {
        let evs = source(splits(&data)) -> timestamps(|e| e.at, lag = lag);
        evs -> key_by(|e| e.key) -> combine() -> count() -> probe(&log) as probe_count -> window(tumbling(size)) else late
            -> max(|(_, n)| *n) -> map(|w| (w.key, w.value)) -> sink(out);
        late -> sink(for_each(|_| ()));
        evs -> key_by(|e| e.key) -> combine() -> average(|e| e.value) -> probe(&log) as probe_average -> sink(for_each(|_: (u64, f64)| ()));
    }
    fn counted(data: Splits, lag: i64, lateness: i64) {
        let evs = source(splits(&data)) -> timestamps(|e| e.at, lag = lag);
        evs -> key_by(|e| e.key) -> window(tumbling(20), lateness = lateness) else drop -> count() -> sink(for_each(|_| ()));
        evs -> map(bag) -> key_by(|b| b.key) -> window(sliding(30, 10), lateness = lateness) else late -> reduce(joined) -> sink(for_each(|_| ()));
        late -> sink(for_each(|_| ()));
        evs -> key_by(|e| e.key) -> window(global()) as all -> sum(|e| e.value) -> sink(for_each(|_| ()));
    }
    fn strict(data: Vec<Ev>) {
        source(data) -> timestamps(|e| e.at, lag = 3) -> key_by(|e| e.key) -> window(tumbling(20))? -> count() -> sink(for_each(|_| ()));
    }
    fn never_closing(produced: Arc<AtomicU64>, out: Collector<Windowed<u64, u64>>) {
        let flow = source(memory::splits(3, move |_| { let produced = produced.clone(); (0..).inspect(move |_| { produced.fetch_add(1, Ordering::Relaxed); }) }))
            -> timestamps(|x: &u64| (*x % 500).cast_signed(), lag = 1_000);
        flow -> key_by(|x| x % 3_000) -> window(tumbling(1_000))? -> count() -> sink(out.clone());
        flow -> key_by(|x| x % 100_000) -> window(global()) as all -> sum(|x| *x) -> sink(out);
    }
    fn endless(produced: Arc<AtomicU64>, out: Collector<(u64, u64)>) {
        source(memory::splits(3, move |_| { let produced = produced.clone(); (0..).inspect(move |_| { produced.fetch_add(1, Ordering::Relaxed); }) }))
            -> key_by(|x: &u64| x % 100) -> combine() -> count() -> sink(out);
    }
    fn hot(reads: Calls, adds: Calls, sums: Arc<AtomicU64>, out: Collector<Windowed<u64, u64>>) {
        source(memory::splits(4, move |split| { let reads = reads.clone(); hot_records(split).inspect(move |_| reads.call()) }))
            -> timestamps(|(_, at)| *at) -> key_by(|(key, _)| *key) -> window(tumbling(AT_ONCE))?
            -> sum(move |(key, _)| { adds.call(); Load::of(*key, &sums) }) -> map(|w| Windowed { key: w.key, window: w.window, value: w.value.all }) -> sink(out);
    }
    fn hot_running(out: Collector<(u64, u64)>) {
        source(memory::splits(4, hot_records)) -> key_by(|(key, _)| if *key == HOT { HOT } else { key % 10 + 1 }) -> combine() -> count() -> sink(out);
    }
}

fn dealt() -> impl Strategy<Value = (Splits, i64)> {
    let shape = |records| Shape { splits: 4, records, dealt: true, late: 0 };
    prop_oneof![3 => streams(shape(300)), 1 => streams(shape(3_000))]
}
fn mixed(late: u64) -> impl Strategy<Value = (Splits, i64)> {
    streams(Shape { splits: 4, records: 800, dealt: false, late })
}
/// All results of each key, in order.
fn by_chain(out: &Out) -> BTreeMap<(&'static str, u64), Vec<String>> {
    let mut all: BTreeMap<_, Vec<String>> = BTreeMap::new();
    out.take().into_iter().for_each(|(name, key, value)| all.entry((name, key)).or_default().push(value));
    all
}
fn last_is(data: &Splits, in_order: bool) {
    for workers in 1..=4 {
        let (out, data): (Out, _) = (memory::collector(), data.clone());
        let (into, input) = (out.clone(), data.clone());
        let report = run(workers, move || running(input.clone(), into.clone())).unwrap();
        let mut got = by_chain(&out);
        for (key, records) in by_key(data.iter().flatten().copied()) {
            let values = || records.iter().map(|e| e.value);
            let ids: Vec<u64> = records.iter().map(|e| e.id).collect();
            let mut check = |name: &'static str, expected: &dyn Debug| {
                let all = got.remove(&(name, key)).unwrap_or_default();
                assert_eq!(all.last(), Some(&format!("{expected:?}")), "{name} of {key}, {workers} workers");
                assert!(all.len() <= records.len(), "{name} of {key}: more results than records");
                all
            };
            let counts: Vec<u64> = check("count", &records.len()).iter().map(|n| n.parse().unwrap()).collect();
            assert!(counts.is_sorted_by(|a, b| a < b), "{key} is counted {counts:?}, {workers} workers");
            check("sum", &values().sum::<i64>());
            let least: Vec<i64> = check("min", &values().min().unwrap()).iter().map(|n| n.parse().unwrap()).collect();
            assert!(least.is_sorted_by(|a, b| a >= b), "the least of {key} is {least:?}");
            check("max", &values().max().unwrap());
            check("average", &(values().sum::<i64>() as f64 / records.len() as f64));
            if in_order {
                let text = format!("{ids:?}");
                for prefix in check("reduce", &ids) {
                    assert!(text.starts_with(prefix.trim_end_matches(']')), "{prefix} is not the beginning of {text}");
                }
            }
        }
        assert!(got.keys().all(|(name, _)| *name == "reduce" && !in_order), "nothing else comes out: {got:?}");
        let n = data.iter().flatten().count() as u64;
        let (combine, count) = (report.operator("running/combine").unwrap(), report.operator("running/count").unwrap());
        assert_eq!(combine.records_in, n);
        assert_eq!((combine.records_out, count.records_in), (count.records_in, count.records_out));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_comes_last_of_each_key_is_right((data, _) in mixed(0)) {
        last_is(&data, false);
    }
    #[test]
    fn records_of_a_key_come_in_order((data, _) in dealt()) {
        last_is(&data, true);
    }
    #[test]
    fn results_are_in_time((data, lag) in mixed(0), size in 1..100i64) {
        for workers in 1..=4 {
            let (log, out, input) = (Log::default(), memory::collector(), data.clone());
            let (seen, into) = (log.clone(), out.clone());
            let report = run(workers, move || windows_behind(input.clone(), lag, size, seen.clone(), into.clone())).unwrap();
            // No result is at or behind a watermark.
            log.check();
            prop_assert_eq!(report.operator("windows_behind/window").unwrap().late, 0);
            let mut most: HashMap<u64, u64> = HashMap::new();
            out.take().into_iter().for_each(|(key, n)| { let most = most.entry(key).or_default(); *most = n.max(*most); });
            let expected: HashMap<u64, u64> = by_key(data.iter().flatten().copied()).into_iter().map(|(key, all)| (key, all.len() as u64)).collect();
            prop_assert_eq!(&most, &expected, "{} workers", workers);
        }
    }
    #[test]
    fn no_result_is_late_that_holds_a_record_in_time((data, lag) in streams(Shape { splits: 1, records: 300, dealt: true, late: 5 }), size in 1..100i64) {
        let late = Model::new(Kind::Aligned { size, every: size, offset: 0 }, lag, 0, &data[0]).late.len() as u64;
        for workers in 1..=4 {
            let (input, out) = (data.clone(), memory::collector());
            let report = run(workers, move || windows_behind(input.clone(), lag, size, Log::default(), out.clone())).unwrap();
            let got = report.operator("windows_behind/window").unwrap().late;
            prop_assert!(got <= late, "{got} results are late, and {late} records, {workers} workers");
        }
    }
    #[test]
    fn the_report_is_that_of_one_worker((data, lag) in streams(Shape { splits: 1, records: 300, dealt: true, late: 5 }), lateness in 0..40i64) {
        let report = |workers| {
            let data = data.clone();
            let report: Report = run(workers, move || counted(data.clone(), lag, lateness)).unwrap();
            report.operators().to_vec()
        };
        let alone = report(1);
        for workers in 2..=4 {
            prop_assert_eq!(&report(workers), &alone, "{} workers", workers);
        }
    }
}

/// A partial result has the time of its latest record: here each late one is followed by one in time, before there is a
/// watermark.
#[test]
fn a_late_record_makes_no_others_late() {
    let ev = |i: i64| Ev { key: 1, at: if i > 600 && i % 2 == 0 { 0 } else { i }, id: i.cast_unsigned(), value: 0 };
    let data: Splits = vec![(0..20_000).map(ev).collect()];
    for workers in 1..=4 {
        let (input, out) = (data.clone(), memory::collector());
        let into = out.clone();
        let report = run(workers, move || windows_behind(input.clone(), 0, 10, Log::default(), into.clone())).unwrap();
        assert_eq!(report.operator("windows_behind/window").unwrap().late, 0, "{workers} workers");
        assert_eq!(out.take().into_iter().map(|(_, n)| n).max(), Some(20_000));
    }
}

/// More keys than are kept at once: the rest goes as it is, in order.
#[test]
fn more_keys_than_there_is_room_for() {
    const KEYS: u64 = 10_000;
    let ev = |i: u64| Ev { key: i % KEYS, at: 0, id: i, value: (i % 77).cast_signed() };
    last_is(&vec![(0..3 * KEYS).map(ev).collect()], true);
}

/// How often something was called, per thread.
#[derive(Clone, Default)]
struct Calls(Arc<Mutex<HashMap<String, u64>>>);
impl Calls {
    fn call(&self) {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        *self.0.lock().unwrap().entry(name).or_default() += 1;
    }
    fn take(&self) -> HashMap<String, u64> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}
const HOT: u64 = 0;
/// So many that there is room for all keys only because windows close.
const RECORDS: u64 = 80_000;
/// How long a window is, of how many records of each split.
const AT_ONCE: i64 = 10_000;
fn hot_records(split: usize) -> impl Iterator<Item = (u64, i64)> {
    (0..RECORDS).map(move |i| (if i % 2 == 0 { HOT } else { i * 4 + split as u64 }, i.cast_signed()))
}
/// Counts how often one of the hot key is added to another.
#[derive(Clone, Default)]
struct Load {
    all: u64,
    sums: Option<Arc<AtomicU64>>,
}
impl Load {
    fn of(key: u64, sums: &Arc<AtomicU64>) -> Load {
        Load { all: 1, sums: (key == HOT).then(|| sums.clone()) }
    }
}
impl AddAssign for Load {
    fn add_assign(&mut self, other: Load) {
        self.all += other.all;
        self.sums = other.sums.or(self.sums.take());
        self.sums.iter().for_each(|sums| {
            sums.fetch_add(1, Ordering::Relaxed);
        });
    }
}

#[test]
fn the_owner_of_a_hot_key_has_as_little_to_do_as_others() {
    let (reads, adds, sums, out) =
        (Calls::default(), Calls::default(), Arc::new(AtomicU64::new(0)), memory::collector());
    let job = (reads.clone(), adds.clone(), sums.clone(), out.clone());
    run(4, move || hot(job.0.clone(), job.1.clone(), job.2.clone(), job.3.clone())).unwrap();
    let reads = reads.take();
    assert_eq!(reads.len(), 4, "each worker reads a split");
    assert_eq!(adds.take(), reads, "each worker adds up what it reads");
    let hot: u64 = out.take().into_iter().filter(|w| w.key == HOT).map(|w| w.value).sum();
    assert_eq!(hot, 4 * RECORDS / 2);
    let windows = RECORDS / AT_ONCE.cast_unsigned();
    let received = sums.load(Ordering::Relaxed) - hot;
    assert!(received <= 4 * windows, "the owner got {received} parts of {windows} windows from 4 workers");
}
#[test]
fn few_partial_results_go_to_the_owner_of_a_hot_key() {
    let out = memory::collector();
    let into = out.clone();
    let report = run(4, move || hot_running(into.clone())).unwrap();
    let combine = report.operator("hot_running/combine").unwrap();
    assert_eq!(combine.records_in, 4 * RECORDS);
    assert!(combine.records_out < RECORDS, "{} partial results", combine.records_out);
    let most = out.take().into_iter().filter(|(key, _)| *key == HOT).map(|(_, n)| n).max();
    assert_eq!(most, Some(4 * RECORDS / 2));
}

#[test]
fn the_first_late_record_ends_the_job_with_the_same_sentence() {
    let data: Vec<Ev> =
        [5, 7, 30, 31, 25, 12, 80].into_iter().zip(0..).map(|(at, id)| Ev { key: 1, at, id, value: 0 }).collect();
    let failed = |workers| {
        let data = data.clone();
        match run(workers, move || strict(data.clone())) {
            Err(Error::Operator { operator, message }) => (operator, message),
            other => panic!("{other:?}"),
        }
    };
    let alone = failed(1);
    assert_eq!(alone.0, "strict/window");
    assert!(
        alone.1.starts_with("a record of 1970-01-01T00:00:00.000012Z came when all of its windows had closed"),
        "{}",
        alone.1
    );
    for workers in 2..=4 {
        assert_eq!(failed(workers), alone, "{workers} workers");
    }
}

#[test]
fn stopping_closes_no_window() {
    support::within(Duration::from_secs(60), || {
        for workers in [1, 3] {
            let (produced, out) = (Arc::new(AtomicU64::new(0)), memory::collector());
            let (p, o) = (produced.clone(), out.clone());
            let handle = Runtime::builder()
                .workers(workers)
                .build()
                .unwrap()
                .start(move || never_closing(p.clone(), o.clone()))
                .unwrap();
            support::until("there is much to combine", || produced.load(Ordering::Relaxed) > 50_000);
            handle.stop().unwrap();
            let report = handle.join().unwrap();
            assert!(report.stopped());
            assert_eq!(out.take().len(), 0, "{workers} workers");
            for id in ["window", "all", "count", "sum"] {
                let operator = report.operator(&format!("never_closing/{id}")).unwrap();
                assert_eq!(operator.records_in, produced.load(Ordering::Relaxed), "{id}, {workers} workers");
            }
        }
    });
}
#[test]
fn what_was_combined_before_the_stop_arrives() {
    support::within(Duration::from_secs(60), || {
        for workers in [1, 3] {
            let (produced, out) = (Arc::new(AtomicU64::new(0)), memory::collector());
            let (p, o) = (produced.clone(), out.clone());
            let handle = Runtime::builder()
                .workers(workers)
                .build()
                .unwrap()
                .start(move || endless(p.clone(), o.clone()))
                .unwrap();
            support::until("there is much to combine", || produced.load(Ordering::Relaxed) > 50_000);
            handle.stop().unwrap();
            handle.join().unwrap();
            let last: HashMap<u64, u64> = out.take().into_iter().collect();
            assert_eq!(last.values().sum::<u64>(), produced.load(Ordering::Relaxed), "{workers} workers");
        }
    });
}
/// Nothing else has to come for what came to be shown.
#[test]
fn a_partial_result_does_not_wait_for_more() {
    use support::feed::Feed;
    pipeline! {
        fn fed(feed: Feed, out: Collector<(u64, u64)>) {
            source(feed) -> key_by(|e| e.key) -> combine() -> count() -> sink(out);
        }
    }
    for workers in [1, 3] {
        let (feed, out) = (Feed::new(2), memory::collector());
        let (input, into) = (feed.clone(), out.clone());
        let handle = Runtime::builder()
            .workers(workers)
            .build()
            .unwrap()
            .start(move || fed(input.clone(), into.clone()))
            .unwrap();
        let mut counted = 0;
        for n in 1..=3 {
            feed.emit(0, [n]);
            feed.emit(1, [n]);
            support::until("both are counted", || {
                counted = out.take().into_iter().map(|(_, n)| n).max().unwrap_or(0).max(counted);
                counted == 2 * n.cast_unsigned()
            });
        }
        feed.end();
        handle.join().unwrap();
    }
}
