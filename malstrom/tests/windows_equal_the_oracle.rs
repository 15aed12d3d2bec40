//! Windows of every kind, under every aggregate, come to what brute force comes to over the same records: on any number of
//! workers as long as the records are on time.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs, unused_qualifications)]
mod support;

use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, HashSet};
use support::run;
use support::time_oracle::{Ev, Firing, Kind, Shape, Splits, by_key, on_time, streams, windows, windows_of};

/// What came out: of which chain, under which key, and what.
type Out = Collector<(&'static str, u64, String)>;

#[keyed_state(key = u64)]
#[derive(Default, Clone)]
struct Visit {
    ids: Vec<u64>,
    last: i64,
}
#[operator(on_close = visited)]
fn visit(state: &mut Visit, e: Ev, at: EventTime<i64>) {
    assert_eq!(*at, e.at);
    state.ids.push(e.id);
    state.last = e.at;
}
#[operator]
fn visited(state: Visit, window: Window, at: EventTime<i64>, key: Key<'_, u64>) -> (u64, String) {
    (*key, shown(bounds(window), *at, &(&state.ids, state.last)))
}
/// Emits with each record: how many came so far in its window. Every fourth record of a window drops what was counted.
#[operator]
fn so_far(state: &mut Option<Visit>, e: Ev, window: Window, at: EventTime<i64>, key: Key<'_, u64>) -> (u64, String) {
    let visit = state.get_or_insert_default();
    visit.ids.push(e.id);
    let text = shown(bounds(window), *at, &visit.ids);
    if visit.ids.len() == 4 {
        *state = None;
    }
    (*key, text)
}
#[operator(on_close = visited_timeless)]
fn visit_timeless(state: &mut Visit, e: Ev) {
    state.ids.push(e.id);
}
#[operator]
fn visited_timeless(state: Visit, window: Window, key: Key<'_, u64>) -> (u64, String) {
    (*key, format!("{:?}: {:?}", bounds(window), state.ids))
}
#[operator]
fn timeless(w: Windowed<u64, Vec<u64>>) -> (u64, String) {
    (w.key, format!("{:?}: {:?}", bounds(w.window), w.value))
}
/// As text, with the event time of the result.
#[operator]
fn stamped<V: std::fmt::Debug + 'static>(w: Windowed<u64, V>, at: EventTime<i64>, key: Key<'_, u64>) -> (u64, String) {
    assert_eq!(w.key, *key);
    (w.key, shown(bounds(w.window), *at, &w.value))
}
#[operator]
fn told_apart(class: i64, at: EventTime<i64>, key: Key<'_, u64>) -> (u64, String) {
    (*key, format!("{class} at {}", *at))
}
fn bounds(window: Window) -> (i64, i64) {
    (window.start().as_micros(), window.end().as_micros())
}
fn shown(window: (i64, i64), at: i64, value: &impl std::fmt::Debug) -> String {
    format!("{window:?} at {at}: {value:?}")
}
fn named(name: &'static str) -> impl Fn((u64, String)) -> (&'static str, u64, String) {
    move |(key, text)| (name, key, text)
}

fn splits(data: &Splits) -> memory::Splits<impl Fn(usize) -> std::vec::IntoIter<Ev> + 'static> {
    let data = data.clone();
    memory::splits(data.len(), move |split| data[split].clone().into_iter())
}

// What the aggregates do, for both sides. Those that end in `in_order` depend on the order of the records.
const CLASSES: i64 = 7;
fn class(e: &Ev) -> i64 {
    e.value.rem_euclid(CLASSES)
}
fn rank(e: &Ev) -> (i64, u64) {
    (e.value / 10, e.id)
}
fn rank_in_order(e: &Ev) -> i64 {
    e.value / 10
}
fn greater(a: Ev, b: Ev) -> Ev {
    if (a.value, a.id) < (b.value, b.id) { b } else { a }
}
fn mixed(sum: u64, e: &Ev) -> u64 {
    sum.wrapping_add((e.id + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}
fn listed(mut ids: Vec<u64>, e: &Ev) -> Vec<u64> {
    ids.push(e.id);
    ids
}

macro_rules! job {
    ($name:ident($($parameter:ident: $type:ty),*): $window:expr) => {
        pipeline! {
            fn $name(data: Splits, lag: i64, out: Out, $($parameter: $type),*) {
                let evs = source(splits(&data)) -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key);
                let cut = evs -> window($window) else late;
                cut -> count() -> stamped as counts -> map(named("count")) -> sink(out.clone());
                cut -> sum(|e| e.value) -> stamped as sums -> map(named("sum")) -> sink(out.clone());
                cut -> min(|e| e.value) -> stamped as least -> map(named("min")) -> sink(out.clone());
                cut -> max(|e| e.value) -> stamped as greatest -> map(named("max")) -> sink(out.clone());
                cut -> average(|e| e.value) -> stamped as means -> map(named("average")) -> sink(out.clone());
                cut -> reduce(greater) -> stamped as reduced -> map(named("reduce")) -> sink(out.clone());
                cut -> fold(0u64, |sum, e| mixed(sum, &e)) -> stamped as folded -> map(named("fold")) -> sink(out.clone());
                cut -> fold(Vec::new(), |ids, e| listed(ids, &e)) -> stamped as lists -> map(named("fold in order")) -> sink(out.clone());
                cut -> top(3, rank) -> stamped as best -> map(named("top")) -> sink(out.clone());
                cut -> top(3, rank_in_order) -> stamped as first_best -> map(named("top in order")) -> sink(out.clone());
                cut -> visit -> map(named("visit in order")) -> sink(out.clone());
                evs -> map(|e| class(&e)) -> window($window) else drop as classes -> distinct() -> told_apart -> map(named("distinct in order")) -> sink(out.clone());
                late -> map(|late| ("late", late.record.key, format!("{late:?}"))) -> sink(out);
            }
        }
    };
}
job!(tumbling_windows(size: i64, offset: i64): tumbling(size).offset(offset));
job!(sliding_windows(size: i64, every: i64): sliding(size, every));
job!(session_windows(gap: i64): session(gap));
job!(counted_windows(n: u64): counted(n));
job!(one_window(): global());

pipeline! {
    fn running(data: Splits, lag: i64, out: Out, size: i64, every: i64) {
        let cut = source(splits(&data)) -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key) -> window(sliding(size, every)) else drop;
        cut -> so_far -> map(named("so far")) -> sink(out);
    }
    fn without_event_time(data: Splits, n: u64, out: Out) {
        let evs = source(splits(&data)) -> key_by(|e| e.key);
        let cut = evs -> window(counted(n));
        cut -> fold(Vec::new(), |ids, e| listed(ids, &e)) -> timeless -> map(named("counted")) -> sink(out.clone());
        cut -> visit_timeless -> map(named("visits")) -> sink(out.clone());
        evs -> window(global()) -> fold(Vec::new(), |ids, e| listed(ids, &e)) -> timeless as all -> map(named("global")) -> sink(out);
    }
    fn ends_of_time(data: Vec<Ev>, lag: i64, out: Collector<(u64, u64)>) {
        let evs = source(data) -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key);
        evs -> window(tumbling(10).offset(-3)) else a -> count() -> map(|w| (1, w.value)) -> sink(out.clone());
        evs -> window(sliding(i64::MAX, i64::MAX / 3)) else b -> fold(0, |n, _| n + 1u64) -> map(|w| (2, w.value)) -> sink(out.clone());
        evs -> window(session(5)) else c -> count() -> map(|w| (3, w.value)) -> sink(out.clone());
        evs -> window(session(i64::MAX)) else d -> count() -> map(|w| (4, w.value)) -> sink(out.clone());
        evs -> window(tumbling(i64::MAX)) else e -> count() -> map(|w| (5, w.value)) -> sink(out.clone());
        evs -> window(counted(2)) -> count() -> map(|w| (6, w.value)) -> sink(out.clone());
        a -> map(|_| (1, 1)) -> sink(out.clone());
        b -> map(|_| (2, 1)) -> sink(out.clone());
        c -> map(|_| (3, 1)) -> sink(out.clone());
        d -> map(|_| (4, 1)) -> sink(out.clone());
        e -> map(|_| (5, 1)) -> sink(out);
    }
}

/// The time of what the one window of all times emits.
const LAST_OF_ALL: i64 = i64::MAX;

/// The same of windows by brute force.
fn expected(firings: &[Firing], out: &Out) {
    for Firing { key, window, records } in firings {
        let at = if *window == (i64::MIN, i64::MAX) { LAST_OF_ALL } else { window.1 - 1 };
        let emit = |name, text: String| malstrom::Sink::write(&mut out.clone(), &mut vec![(name, *key, text)]).unwrap();
        let values = || records.iter().map(|e| e.value);
        let say = |name, value: &dyn std::fmt::Debug| emit(name, shown(*window, at, &value));
        say("count", &records.len());
        say("sum", &values().sum::<i64>());
        say("min", &values().min().unwrap());
        say("max", &values().max().unwrap());
        say("average", &(values().sum::<i64>() as f64 / records.len() as f64));
        say("reduce", &records.iter().copied().reduce(greater).unwrap());
        say("fold", &records.iter().fold(0, mixed));
        say("fold in order", &records.iter().fold(Vec::new(), listed));
        let mut best = records.clone();
        best.sort_by_key(|e| std::cmp::Reverse(rank(e)));
        say("top", &&best[..best.len().min(3)]);
        // One split has all records of a key, and numbers them.
        let mut arrived = records.clone();
        arrived.sort_by_key(|e| e.id);
        best = arrived.clone();
        best.sort_by_key(|e| std::cmp::Reverse(rank_in_order(e)));
        say("top in order", &&best[..best.len().min(3)]);
        let ids: Vec<u64> = records.iter().map(|e| e.id).collect();
        say("visit in order", &(ids, records.last().unwrap().at));
        let mut seen = HashSet::new();
        let mut say = |c| emit("distinct in order", format!("{c} at {at}"));
        arrived.iter().map(class).filter(|c| seen.insert(*c)).for_each(&mut say);
    }
}
type PerKey = BTreeMap<(&'static str, u64), Vec<String>>;
/// By chain and key, in order.
fn taken(out: &Out) -> PerKey {
    let mut taken = PerKey::new();
    out.take().into_iter().for_each(|(name, key, text)| taken.entry((name, key)).or_default().push(text));
    taken
}

/// Runs a job on one to four workers. Per key, windows come in the order of their ends.
fn compare(
    kind: Kind,
    (data, lag): &(Splits, i64),
    in_order: bool,
    job: impl Fn(Splits, i64, Out) -> malstrom::Pipeline + Clone + Send + Sync + 'static,
) {
    let out = memory::collector();
    expected(&on_time(kind, data.iter().flatten().copied()), &out);
    let expected = taken(&out);
    for workers in 1..=4 {
        let (data, lag, into, job) = (data.clone(), *lag, out.clone(), job.clone());
        run(workers, move || job(data.clone(), lag, into.clone())).unwrap();
        let mut got = taken(&out);
        for (chain, expected) in expected.iter().filter(|((name, _), _)| in_order || !name.ends_with("in order")) {
            let got = got.remove(chain).unwrap_or_default();
            assert_eq!(&got, expected, "{chain:?} of {kind:?}, {workers} workers");
        }
        got.retain(|(name, _), _| in_order || !name.ends_with("in order"));
        assert_eq!(got, PerKey::new(), "{kind:?}, {workers} workers");
    }
}

/// Several splits: with keys of their own, or with the same.
fn input(dealt: bool) -> impl Strategy<Value = (Splits, i64)> {
    let shape = |records| Shape { splits: 4, records, dealt, late: 0 };
    prop_oneof![3 => streams(shape(200)), 1 => streams(shape(2_000))]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tumbling_windows_do(input in input(true), (size, _, offset) in windows()) {
        let kind = Kind::Aligned { size, every: size, offset };
        compare(kind, &input, true, move |data, lag, out| tumbling_windows(data, lag, out, size, offset));
    }
    #[test]
    fn sliding_windows_do(input in input(true), (size, every, _) in windows()) {
        let kind = Kind::Aligned { size, every, offset: 0 };
        compare(kind, &input, true, move |data, lag, out| sliding_windows(data, lag, out, size, every));
    }
    #[test]
    fn sessions_do(input in input(true), gap in prop_oneof![1..4i64, 5..60i64]) {
        compare(Kind::Session { gap }, &input, true, move |data, lag, out| session_windows(data, lag, out, gap));
    }
    #[test]
    fn counted_windows_do(input in input(true), n in 1..30usize) {
        compare(Kind::Counted { n }, &input, true, move |data, lag, out| counted_windows(data, lag, out, n as u64));
    }
    #[test]
    fn one_window_for_all_does(input in input(true)) {
        compare(Kind::Global, &input, true, one_window);
    }
    #[test]
    fn windows_of_records_from_all_splits_do(input in input(false), (size, every, offset) in windows()) {
        let kind = Kind::Aligned { size, every: size, offset };
        compare(kind, &input, false, move |data, lag, out| tumbling_windows(data, lag, out, size, offset));
        let kind = Kind::Aligned { size, every, offset: 0 };
        compare(kind, &input, false, move |data, lag, out| sliding_windows(data, lag, out, size, every));
        compare(Kind::Session { gap: size }, &input, false, move |data, lag, out| session_windows(data, lag, out, size));
        compare(Kind::Global, &input, false, one_window);
    }
    #[test]
    fn operators_that_emit_with_each_record_know_its_window((data, lag) in input(true), (size, every, _) in windows()) {
        let mut expected = PerKey::new();
        for (key, records) in by_key(data.iter().flatten().copied()) {
            let mut counted: BTreeMap<(i64, i64), Vec<u64>> = BTreeMap::new();
            for e in records {
                for window in windows_of(size, every, 0, e.at) {
                    let ids = counted.entry(window).or_default();
                    ids.push(e.id);
                    expected.entry(("so far", key)).or_default().push(shown(window, e.at, ids));
                    if ids.len() == 4 {
                        ids.clear();
                    }
                }
            }
        }
        for workers in 1..=4 {
            let (out, data) = (memory::collector(), data.clone());
            let into = out.clone();
            run(workers, move || running(data.clone(), lag, into.clone(), size, every)).unwrap();
            prop_assert_eq!(&taken(&out), &expected, "{} workers", workers);
        }
    }

    #[test]
    fn windows_that_need_no_event_time_do((data, _) in input(true), n in 1..30usize) {
        let mut expected = PerKey::new();
        for (key, records) in by_key(data.iter().flatten().copied()) {
            let ids: Vec<u64> = records.iter().map(|e| e.id).collect();
            let text = |ids: &[u64]| format!("{:?}: {ids:?}", (i64::MIN, i64::MAX));
            expected.insert(("counted", key), ids.chunks(n).map(text).collect());
            expected.insert(("visits", key), ids.chunks(n).map(text).collect());
            expected.insert(("global", key), vec![text(&ids)]);
        }
        for workers in 1..=4 {
            let (out, data) = (memory::collector(), data.clone());
            let into = out.clone();
            run(workers, move || without_event_time(data.clone(), n as u64, into.clone())).unwrap();
            prop_assert_eq!(&taken(&out), &expected, "{} workers", workers);
        }
    }
}

#[test]
fn at_the_ends_of_time_nothing_is_lost() {
    for (times, lag) in [
        (vec![i64::MIN, i64::MIN + 1, -1, 0, 1, i64::MAX - 1, i64::MAX], 0),
        (vec![i64::MAX, i64::MIN, 0, i64::MAX - 4], i64::MAX),
        (vec![i64::MAX, i64::MIN, i64::MAX], 0),
        (vec![i64::MIN, i64::MIN], i64::MAX),
    ] {
        let data: Vec<Ev> = (0..).zip(&times).map(|(id, at)| Ev { key: 1, at: *at, id, value: 0 }).collect();
        for workers in 1..=2 {
            let (out, data) = (memory::collector(), data.clone());
            let into = out.clone();
            run(workers, move || ends_of_time(data.clone(), lag, into.clone())).unwrap();
            let mut sums: BTreeMap<u64, u64> = BTreeMap::new();
            out.take().into_iter().for_each(|(chain, n)| *sums.entry(chain).or_default() += n);
            // Each record is in a window of each chain, or late. Windows that overlap hold it more than once.
            let n = times.len() as u64;
            assert!(sums.remove(&2).is_some_and(|sum| sum >= n), "{times:?}, lag {lag}");
            assert_eq!(sums, [1, 3, 4, 5, 6].map(|chain| (chain, n)).into(), "{times:?}, lag {lag}");
        }
    }
}
