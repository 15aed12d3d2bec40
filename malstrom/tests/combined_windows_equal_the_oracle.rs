//! Aggregates in windows right behind an exchange begin before it, where there are several workers. Nobody can tell from the
//! results: they equal brute force over the same records, and where one split has all records also what the model says of
//! those that are late.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs, unused_qualifications)]
mod support;

use malstrom::connect::memory;
use malstrom::prelude::*;
use malstrom::{Late, Pipeline};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::Duration;
use support::combined::{Bag, Out, PerKey, Told, bag, expected, joined, per_key, results, splits, told, told_bag};
use support::feed::{Act, Feed};
use support::time_oracle::{Ev, Firing, Kind, Model, Shape, Splits, on_time, streams, windows, windows_of};
use support::{run, scrambled};

trait Numbered {
    fn id(&self) -> u64;
    fn key(&self) -> u64;
}
impl Numbered for Ev {
    fn id(&self) -> u64 {
        self.id
    }
    fn key(&self) -> u64 {
        self.key
    }
}
impl Numbered for Bag {
    fn id(&self) -> u64 {
        self.ids[0]
    }
    fn key(&self) -> u64 {
        self.key
    }
}
/// A late record: in place of its window, the watermark when it came.
fn missed<T: Numbered>(name: &'static str) -> impl Fn(Late<T>) -> Told {
    move |late| (name, late.record.key(), (late.watermark.as_micros(), 0), late.record.id().to_string())
}

/// The six chains, each with an exchange of its own, that take what is late to a stream or drop it.
macro_rules! job {
    ($kept:ident, $dropped:ident($($parameter:ident),*): $window:expr) => {
        pipeline! {
            fn $kept(feed: Feed, lag: i64, lateness: i64, out: Out, $($parameter: i64),*) {
                let evs = source(feed) -> timestamps(|e| e.at, lag = lag, idle = 1.millis());
                evs -> key_by(|e| e.key) -> window($window, lateness = lateness) else late_a -> count() -> map(told("count")) -> sink(out.clone());
                evs -> key_by(|e| e.key) -> window($window, lateness = lateness) else late_b -> sum(|e| e.value) -> map(told("sum")) -> sink(out.clone());
                evs -> key_by(|e| e.key) -> window($window, lateness = lateness) else late_c -> min(|e| e.value) -> map(told("min")) -> sink(out.clone());
                evs -> key_by(|e| e.key) -> window($window, lateness = lateness) else late_d -> max(|e| e.value) -> map(told("max")) -> sink(out.clone());
                evs -> key_by(|e| e.key) -> window($window, lateness = lateness) else late_e -> average(|e| e.value) -> map(told("average")) -> sink(out.clone());
                evs -> map(bag) -> key_by(|b| b.key) -> window($window, lateness = lateness) else late_f -> reduce(joined) -> flat_map(told_bag) -> sink(out.clone());
                late_a -> map(missed("late count")) -> sink(out.clone());
                late_b -> map(missed("late sum")) -> sink(out.clone());
                late_c -> map(missed("late min")) -> sink(out.clone());
                late_d -> map(missed("late max")) -> sink(out.clone());
                late_e -> map(missed("late average")) -> sink(out.clone());
                late_f -> map(missed("late reduce")) -> sink(out);
            }
            fn $dropped(feed: Feed, lag: i64, lateness: i64, out: Out, $($parameter: i64),*) {
                let evs = source(feed) -> timestamps(|e| e.at, lag = lag, idle = 1.millis());
                evs -> key_by(|e| e.key) -> window($window, lateness = lateness) else drop as window_count -> count() -> map(told("count")) -> sink(out.clone());
                evs -> key_by(|e| e.key) -> window($window, lateness = lateness) else drop as window_sum -> sum(|e| e.value) -> map(told("sum")) -> sink(out.clone());
                evs -> key_by(|e| e.key) -> window($window, lateness = lateness) else drop as window_min -> min(|e| e.value) -> map(told("min")) -> sink(out.clone());
                evs -> key_by(|e| e.key) -> window($window, lateness = lateness) else drop as window_max -> max(|e| e.value) -> map(told("max")) -> sink(out.clone());
                evs -> key_by(|e| e.key) -> window($window, lateness = lateness) else drop as window_average -> average(|e| e.value) -> map(told("average")) -> sink(out.clone());
                evs -> map(bag) -> key_by(|b| b.key) -> window($window, lateness = lateness) else drop as window_reduce -> reduce(joined) -> flat_map(told_bag) -> sink(out);
            }
        }
    };
}
job!(tumbling_kept, tumbling_dropped(size, offset): tumbling(size).offset(offset));
job!(sliding_kept, sliding_dropped(size, every): sliding(size, every));

/// Nothing is late for these, whatever should be done with it.
macro_rules! strict {
    ($name:ident($($parameter:ident),*): $window:expr, [$($failure:tt)*]) => {
        pipeline! {
            fn $name(data: Splits, lag: i64, out: Out, $($parameter: i64),*) {
                let evs = source(splits(&data)) -> timestamps(|e| e.at, lag = lag);
                evs -> key_by(|e| e.key) -> window($window)$($failure)* -> count() -> map(told("count")) -> sink(out.clone());
                evs -> key_by(|e| e.key) -> window($window)$($failure)* -> sum(|e| e.value) -> map(told("sum")) -> sink(out.clone());
                evs -> key_by(|e| e.key) -> window($window)$($failure)* -> min(|e| e.value) -> map(told("min")) -> sink(out.clone());
                evs -> key_by(|e| e.key) -> window($window)$($failure)* -> max(|e| e.value) -> map(told("max")) -> sink(out.clone());
                evs -> key_by(|e| e.key) -> window($window)$($failure)* -> average(|e| e.value) -> map(told("average")) -> sink(out.clone());
                evs -> map(bag) -> key_by(|b| b.key) -> window($window)$($failure)* -> reduce(joined) -> flat_map(told_bag) -> sink(out);
            }
        }
    };
}
strict!(tumbling_strict(size, offset): tumbling(size).offset(offset), [?]);
strict!(sliding_strict(size, every): sliding(size, every), [?]);
strict!(one_window(): global(), []);

pipeline! {
    fn timeless(data: Splits, out: Out) {
        source(splits(&data)) -> key_by(|e| e.key) -> window(global()) -> count() -> map(told("count")) -> sink(out.clone());
        source(splits(&data)) -> map(bag) -> key_by(|b| b.key) -> window(global()) -> reduce(joined) -> flat_map(told_bag) -> sink(out);
    }
}

/// Only those whose order is known.
fn known(mut all: PerKey, in_order: bool) -> PerKey {
    all.retain(|(name, _), _| in_order || !name.ends_with("in order"));
    all
}
fn same(got: PerKey, expected: &PerKey, what: &dyn Debug) {
    for (chain, expected) in expected {
        assert_eq!(got.get(chain), Some(expected), "{chain:?} of {what:?}");
    }
    assert_eq!(&got, expected, "{what:?}");
}

/// Input that is on time, on one to four workers.
fn on_time_equals(
    kind: Kind,
    (data, lag): &(Splits, i64),
    in_order: bool,
    job: impl Fn(Splits, i64, Out) -> Pipeline + Clone + Send + Sync + 'static,
) {
    let expected = known(expected(&on_time(kind, data.iter().flatten().copied())), in_order);
    for workers in 1..=4 {
        let out: Out = memory::collector();
        let (data, lag, into, job) = (data.clone(), *lag, out.clone(), job.clone());
        run(workers, move || job(data.clone(), lag, into.clone())).unwrap();
        same(known(per_key(out.take()), in_order), &expected, &(kind, workers));
    }
}

fn feed(splits: &Splits) -> Vec<Vec<Act>> {
    splits.iter().map(|split| split.iter().copied().map(Act::Emit).collect()).collect()
}
/// One split, some of whose records are late, on one to four workers: each correction is told, and no more.
fn late_equals(
    kind: Kind,
    records: &Splits,
    (lag, lateness): (i64, i64),
    in_order: bool,
    keeps: bool,
    job: impl Fn(Feed, Out) -> Pipeline + Clone + Send + Sync + 'static,
) {
    let model = Model::new(kind, lag, lateness, &records[0]);
    let mut expected = known(expected(&model.firings), in_order);
    for name in ["late count", "late sum", "late min", "late max", "late average", "late reduce"] {
        let late = model.late.iter().filter(|_| keeps);
        expected.extend(per_key(late.map(|(e, at)| (name, e.key, (*at, 0), e.id.to_string()))));
    }
    for workers in 1..=4 {
        let out: Out = memory::collector();
        let (feed, into, job) = (Feed::scripted(feed(records)), out.clone(), job.clone());
        let report = run(workers, move || job(feed.clone(), into.clone())).unwrap();
        same(known(per_key(out.take()), in_order), &expected, &(kind, lag, lateness, workers));
        let windows = report.operators().iter().filter(|op| op.id.contains("/window"));
        let late: BTreeSet<u64> = windows.map(|op| op.late).collect();
        assert_eq!(late, BTreeSet::from([model.late.len() as u64]), "late in the report, {workers} workers");
    }
}

/// Splits that pause and rest now and then.
fn with_rests(splits: &Splits, seed: u64) -> Vec<Vec<Act>> {
    let mut random = scrambled(seed);
    let mut acts = |e: &Ev| {
        let pause = match random() % 60 {
            0 => Some(Act::Rest),
            1 => Some(Act::Pause(Duration::from_micros(random() % 3_000))),
            2 => Some(Act::Pause(Duration::ZERO)),
            _ => None,
        };
        pause.into_iter().chain([Act::Emit(*e)])
    };
    splits.iter().map(|split| split.iter().flat_map(&mut acts).collect()).collect()
}
type Last = BTreeMap<(u64, (i64, i64)), String>;
/// What came last of each window, of each chain; and what was late, of each chain.
fn last(out: &Out) -> (BTreeMap<&'static str, Last>, BTreeMap<&'static str, BTreeSet<u64>>) {
    let (mut last, mut late) = (BTreeMap::<&str, Last>::new(), BTreeMap::<&str, BTreeSet<u64>>::new());
    for (name, key, window, value) in out.take() {
        if let Some(name) = name.strip_prefix("late ") {
            assert!(late.entry(name).or_default().insert(value.parse().unwrap()), "{value} is late twice");
            continue;
        }
        let before = last.entry(name).or_default().insert((key, window), value.clone());
        if let Some(before) = before.filter(|_| name == "count") {
            let [before, now] = [before, value].map(|count| count.parse::<u64>().unwrap());
            assert!(before < now, "{key} in {window:?} is told again, and nothing has changed");
        }
    }
    (last, late)
}
const CHAINS: [&str; 6] = ["count", "sum", "min", "max", "average", "reduce"];
/// Which records are late depends on who is faster, but in tumbling windows all others are in theirs.
fn tumbling_holds_what_is_not_late(splits: &Splits, out: &Out, (size, offset): (i64, i64), workers: usize) {
    let (mut last, mut late) = last(out);
    for chain in CHAINS {
        let late = late.remove(chain).unwrap_or_default();
        let mut expected = Last::new();
        let in_time = splits.iter().flatten().filter(|e| !late.contains(&e.id));
        let mut windows: BTreeMap<_, Vec<Ev>> = BTreeMap::new();
        in_time.for_each(|e| windows.entry((e.key, windows_of(size, size, offset, e.at)[0])).or_default().push(*e));
        for (window, records) in windows {
            let value = results(&records).into_iter().find(|(name, _)| *name == chain).unwrap().1;
            expected.insert(window, value);
        }
        assert_eq!(last.remove(chain).unwrap_or_default(), expected, "{chain}, {workers} workers, late: {late:?}");
    }
}
/// A record that is not late is at least in the last of its windows that were open.
fn sliding_holds_what_is_not_late(splits: &Splits, out: &Out, (size, every): (i64, i64), workers: usize) {
    let (mut last, mut late) = last(out);
    let late = late.remove("reduce").unwrap_or_default();
    let mut held: BTreeMap<u64, Vec<(i64, i64)>> = BTreeMap::new();
    for ((_, window), ids) in last.remove("reduce").unwrap_or_default() {
        let ids: Vec<u64> = ids.trim_matches(['[', ']']).split(", ").map(|id| id.parse().unwrap()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b), "a record is in a window once: {ids:?}");
        ids.iter().for_each(|id| held.entry(*id).or_default().push(window));
    }
    for e in splits.iter().flatten() {
        let held = held.remove(&e.id).unwrap_or_default();
        let all = windows_of(size, every, 0, e.at);
        assert_eq!(held.is_empty(), late.contains(&e.id), "{e:?} in {held:?}, {workers} workers");
        assert!(all.ends_with(&held), "{e:?} in {held:?} of {all:?}, {workers} workers");
    }
    assert!(held.is_empty(), "{held:?} were never emitted");
}

fn dealt() -> impl Strategy<Value = (Splits, i64)> {
    let shape = |records| Shape { splits: 4, records, dealt: true, late: 0 };
    prop_oneof![3 => streams(shape(200)), 1 => streams(shape(1_500))]
}
fn mixed() -> impl Strategy<Value = (Splits, i64)> {
    streams(Shape { splits: 4, records: 500, dealt: false, late: 0 })
}
fn one_split() -> impl Strategy<Value = (Splits, i64)> {
    streams(Shape { splits: 1, records: 300, dealt: true, late: 5 })
}
fn late_splits() -> impl Strategy<Value = (Splits, i64)> {
    streams(Shape { splits: 4, records: 500, dealt: false, late: 5 })
}
fn some_lateness() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0i64), 1..80i64]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tumbling_windows_do(input in dealt(), (size, _, offset) in windows()) {
        let kind = Kind::Aligned { size, every: size, offset };
        on_time_equals(kind, &input, true, move |data, lag, out| tumbling_strict(data, lag, out, size, offset));
    }
    #[test]
    fn sliding_windows_do(input in dealt(), (size, every, _) in windows()) {
        let kind = Kind::Aligned { size, every, offset: 0 };
        on_time_equals(kind, &input, false, move |data, lag, out| sliding_strict(data, lag, out, size, every));
    }
    #[test]
    fn one_window_for_all_does(input in dealt()) {
        on_time_equals(Kind::Global, &input, true, one_window);
        let global: Vec<_> = on_time(Kind::Global, input.0.iter().flatten().copied());
        let mut expected = expected(&global);
        expected.retain(|(name, _), _| ["count", "reduce", "reduce in order"].contains(name));
        for workers in 1..=4 {
            let out: Out = memory::collector();
            let (data, into) = (input.0.clone(), out.clone());
            run(workers, move || timeless(data.clone(), into.clone())).unwrap();
            same(per_key(out.take()), &expected, &("without time", workers));
        }
    }
    #[test]
    fn windows_of_records_from_all_splits_do(input in mixed(), (size, every, offset) in windows()) {
        let kind = Kind::Aligned { size, every: size, offset };
        on_time_equals(kind, &input, false, move |data, lag, out| tumbling_strict(data, lag, out, size, offset));
        let kind = Kind::Aligned { size, every, offset: 0 };
        on_time_equals(kind, &input, false, move |data, lag, out| sliding_strict(data, lag, out, size, every));
        on_time_equals(Kind::Global, &input, false, one_window);
    }
    #[test]
    fn late_records_are_kept_apart((records, lag) in one_split(), (size, every, offset) in windows(), lateness in some_lateness()) {
        late_equals(Kind::Aligned { size, every: size, offset }, &records, (lag, lateness), true, true,
            move |feed, out| tumbling_kept(feed, lag, lateness, out, size, offset));
        late_equals(Kind::Aligned { size, every, offset: 0 }, &records, (lag, lateness), false, true,
            move |feed, out| sliding_kept(feed, lag, lateness, out, size, every));
    }
    #[test]
    fn late_records_are_dropped((records, lag) in one_split(), (size, every, offset) in windows(), lateness in some_lateness()) {
        late_equals(Kind::Aligned { size, every: size, offset }, &records, (lag, lateness), true, false,
            move |feed, out| tumbling_dropped(feed, lag, lateness, out, size, offset));
        late_equals(Kind::Aligned { size, every, offset: 0 }, &records, (lag, lateness), false, false,
            move |feed, out| sliding_dropped(feed, lag, lateness, out, size, every));
    }
}
proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 30, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn splits_that_rest_lose_nothing((splits, lag) in late_splits(), (size, every, offset) in windows(), lateness in some_lateness(), seed: u64) {
        let scripts = with_rests(&splits, seed);
        let n = splits.iter().flatten().count() as u64;
        for workers in 1..=4 {
            let out: Out = memory::collector();
            let (feed, into) = (Feed::scripted(scripts.clone()), out.clone());
            run(workers, move || tumbling_kept(feed.clone(), lag, lateness, into.clone(), size, offset)).unwrap();
            tumbling_holds_what_is_not_late(&splits, &out, (size, offset), workers);

            let (feed, into) = (Feed::scripted(scripts.clone()), out.clone());
            run(workers, move || sliding_kept(feed.clone(), lag, lateness, into.clone(), size, every)).unwrap();
            sliding_holds_what_is_not_late(&splits, &out, (size, every), workers);

            let (feed, into) = (Feed::scripted(scripts.clone()), out.clone());
            let report = run(workers, move || tumbling_dropped(feed.clone(), lag, lateness, into.clone(), size, offset)).unwrap();
            let counts = last(&out).0.remove("count").unwrap_or_default();
            let counted: u64 = counts.values().map(|count| count.parse::<u64>().unwrap()).sum();
            let window = report.operators().iter().find(|op| op.id.ends_with("/window_count")).unwrap();
            prop_assert_eq!((window.records_in, window.late), (n, window.dropped), "{} workers", workers);
            prop_assert_eq!(counted + window.late, n, "{} workers", workers);
        }
    }
}

/// So many keys that a combiner has no room for all of them: some records go as they are. Those of the second window all do
/// until the first one closes, and then there is room for them.
#[test]
fn more_keys_than_there_is_room_for() {
    const KEYS: u64 = 40_000;
    let mut records = Vec::new();
    let mut round = |at: fn(u64) -> i64| {
        for key in 0..KEYS {
            let id = records.len() as u64;
            records.push(Ev { key, at: at(key), id, value: (id % 1_000).cast_signed() });
        }
    };
    round(|key| (key % 100).cast_signed());
    round(|key| (key % 99).cast_signed());
    round(|_| 150);
    // With a lag of 100 the first ones make the first window close.
    round(|key| if key < 5_000 { 205 } else { 160 });
    round(|_| 170);
    let data = vec![records.clone(), Vec::new()];
    for workers in [1, 2] {
        let (out, data): (Out, _) = (memory::collector(), data.clone());
        let into = out.clone();
        run(workers, move || tumbling_strict(data.clone(), 100, into.clone(), 100, 0)).unwrap();
        same(per_key(out.take()), &expected(&per_hundred(&records)), &workers);
    }
}
/// What tumbling windows of a hundred ticks come to.
fn per_hundred(records: &[Ev]) -> Vec<Firing> {
    let mut windows: BTreeMap<(u64, i64), Vec<Ev>> = BTreeMap::new();
    records.iter().for_each(|e| windows.entry((e.key, e.at / 100 * 100)).or_default().push(*e));
    let firing = |((key, start), records)| Firing { key, window: (start, start + 100), records };
    windows.into_iter().map(firing).collect()
}

/// A split that makes its own promises may give something before the next one, while nobody waits for it: what it gives must
/// not stay behind.
#[test]
fn what_comes_while_nobody_waits_for_it_is_in_time() {
    for workers in [1, 2, 3] {
        support::within(Duration::from_secs(60), move || {
            let (feed, out): (_, Out) = (Feed::new(2), memory::collector());
            let (input, into) = (feed.clone(), out.clone());
            let runtime = malstrom::Runtime::builder().workers(workers).build().unwrap();
            let handle = runtime.start(move || tumbling_dropped(input.clone(), 0, 0, into.clone(), 10, 0)).unwrap();
            feed.act(0, [Act::Promise(5), Act::Rest]);
            feed.act(1, [Act::Promise(9)]);
            std::thread::sleep(Duration::from_millis(50));
            feed.emit(0, [12]);
            let read =
                || handle.report().operators().iter().find(|op| op.id.ends_with("/timestamps")).map(|op| op.records_in);
            support::until("it is read", || read() == Some(1));
            std::thread::sleep(Duration::from_millis(50));
            feed.act(1, [Act::Promise(100)]);
            support::until("its window closes", || {
                handle.report().operators().iter().any(|op| op.id.ends_with("/count") && op.records_out == 1)
            });
            feed.end();
            assert_eq!(handle.join().unwrap().dropped(), 0, "{workers} workers");
        });
    }
}
