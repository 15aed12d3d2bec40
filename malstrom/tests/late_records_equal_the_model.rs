//! A record is in its windows or it is late: never both, never neither. On one split and one worker, where the watermark is
//! known after each record, exactly those are late and those windows fire again that the model says.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs, unused_qualifications)]
mod support;

use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use malstrom::{Late, Report, Timestamp};
use proptest::prelude::*;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;
use support::feed::{Act, Feed};
use support::run;
use support::time_oracle::{Ev, Firing, Kind, Model, Shape, Splits, sessions, streams, windows, windows_of};

/// A window and the records in it, or a late record.
#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Fired(Firing),
    Visited(Firing),
    Distinct(u64, i64),
    Late(Late<Ev>),
}
type Out = Collector<Seen>;

#[keyed_state(key = u64)]
#[derive(Default, Clone)]
struct Visit {
    records: Vec<Ev>,
}
#[operator(on_close = visited)]
fn visit(state: &mut Visit, e: Ev) {
    state.records.push(e);
}
#[operator]
fn visited(state: Visit, window: Window, key: Key<'_, u64>) -> Seen {
    Seen::Visited(Firing { key: *key, window: bounds(window), records: state.records })
}
fn bounds(window: Window) -> (i64, i64) {
    (window.start().as_micros(), window.end().as_micros())
}
fn fired(w: Windowed<u64, Vec<Ev>>) -> Seen {
    Seen::Fired(Firing { key: w.key, window: bounds(w.window), records: w.value })
}
fn listed(mut records: Vec<Ev>, e: Ev) -> Vec<Ev> {
    records.push(e);
    records
}
fn class(e: &Ev) -> i64 {
    e.value.rem_euclid(5)
}

macro_rules! job {
    ($name:ident, $on_time:ident($($parameter:ident),*): $window:expr, $aggregate:ident($($argument:expr),*)) => {
        pipeline! {
            fn $name(feed: Feed, lag: i64, lateness: i64, out: Out, $($parameter: i64),*) {
                let evs = source(feed) -> timestamps(|e| e.at, lag = lag, idle = 1.millis()) -> key_by(|e| e.key);
                let cut = evs -> window($window, lateness = lateness) else late;
                cut -> $aggregate($($argument),*) -> map(fired) -> sink(out.clone());
                cut -> visit -> sink(out.clone());
                late -> map(Seen::Late) -> sink(out.clone());
                evs -> map(|e| class(&e)) -> window($window, lateness = lateness) else drop as classes
                    -> distinct() -> keyed -> sink(out);
            }
            fn $on_time(feed: Feed, lag: i64, out: Out, $($parameter: i64),*) {
                source(feed) -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key) -> window($window) else late
                    -> fold(Vec::new(), listed) -> map(fired) -> sink(out.clone());
                late -> map(Seen::Late) -> sink(out);
            }
        }
    };
}
#[operator]
fn keyed(class: i64, key: Key<'_, u64>) -> Seen {
    Seen::Distinct(*key, class)
}
job!(tumbling_windows, strict_tumbling_windows(size, offset): tumbling(size).offset(offset), fold(Vec::new(), listed));
job!(sliding_windows, strict_sliding_windows(size, every): sliding(size, every), top(10_000, |e| Reverse(e.id)));
job!(session_windows, strict_session_windows(gap): session(gap), fold(Vec::new(), listed));

fn feed(splits: &Splits) -> Vec<Vec<Act>> {
    splits.iter().map(|split| split.iter().copied().map(Act::Emit).collect()).collect()
}
/// Runs a job. Per key, what fired in order; and what was late.
struct Outcome {
    fired: BTreeMap<u64, Vec<Firing>>,
    visited: BTreeMap<u64, Vec<Firing>>,
    distinct: BTreeMap<u64, Vec<i64>>,
    late: Vec<Late<Ev>>,
    report: Report,
}
fn outcome(
    workers: usize,
    scripts: &[Vec<Act>],
    job: impl Fn(Feed, Out) -> malstrom::Pipeline + Send + Sync + 'static,
) -> Outcome {
    let (out, scripts) = (memory::collector(), scripts.to_vec());
    let (into, feed) = (out.clone(), Feed::scripted(scripts));
    let report = run(workers, move || job(feed.clone(), into.clone())).unwrap();
    let mut outcome = Outcome {
        fired: BTreeMap::new(),
        visited: BTreeMap::new(),
        distinct: BTreeMap::new(),
        late: Vec::new(),
        report,
    };
    for seen in out.take() {
        match seen {
            Seen::Fired(firing) => outcome.fired.entry(firing.key).or_default().push(firing),
            Seen::Visited(firing) => outcome.visited.entry(firing.key).or_default().push(firing),
            Seen::Distinct(key, class) => outcome.distinct.entry(key).or_default().push(class),
            Seen::Late(late) => outcome.late.push(late),
        }
    }
    outcome
}
fn firings_by_key(firings: &[Firing]) -> BTreeMap<u64, Vec<Firing>> {
    let mut by_key: BTreeMap<u64, Vec<Firing>> = BTreeMap::new();
    firings.iter().for_each(|f| by_key.entry(f.key).or_default().push(f.clone()));
    by_key
}
/// Each class once per key and window, when the window first fires with it.
fn told_apart(firings: &[Firing]) -> BTreeMap<u64, Vec<i64>> {
    let mut seen = HashSet::new();
    let mut told: BTreeMap<u64, Vec<i64>> = BTreeMap::new();
    for f in firings {
        for class in f.records.iter().map(class).filter(|c| seen.insert((f.key, f.window, *c))) {
            told.entry(f.key).or_default().push(class);
        }
    }
    told
}

/// One split and one worker.
fn exactly(
    kind: Kind,
    records: &Splits,
    lag: i64,
    lateness: i64,
    strict: impl Fn(Feed, Out) -> malstrom::Pipeline + Send + Sync + 'static,
    lenient: impl Fn(Feed, Out) -> malstrom::Pipeline + Send + Sync + 'static,
) {
    let late = |model: &Model| -> Vec<Late<Ev>> {
        model.late.iter().map(|(record, at)| Late { record: *record, watermark: Timestamp::from_micros(*at) }).collect()
    };
    let model = Model::new(kind, lag, 0, &records[0]);
    let got = outcome(1, &feed(records), strict);
    assert_eq!(got.late, late(&model), "late for {kind:?}, lag {lag}");
    assert_eq!(got.fired, firings_by_key(&model.firings), "{kind:?}, lag {lag}");

    let model = Model::new(kind, lag, lateness, &records[0]);
    let got = outcome(1, &feed(records), lenient);
    assert_eq!(got.late, late(&model), "late for {kind:?}, lag {lag}, lateness {lateness}");
    let expected = firings_by_key(&model.firings);
    assert_eq!(got.fired, expected, "{kind:?}, lag {lag}, lateness {lateness}");
    assert_eq!(got.visited, expected, "visits of {kind:?}, lag {lag}, lateness {lateness}");
}

/// Splits that pause and rest now and then.
fn with_pauses(splits: &Splits, seed: u64) -> Vec<Vec<Act>> {
    let mut random = support::scrambled(seed);
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

/// Several splits and workers: which records are late depends on who is faster, but each one is late or in its windows, and
/// the last result of a window is that of all its records that were not late.
fn conserved(kind: Kind, splits: &Splits, got: &Outcome) {
    let all: BTreeMap<u64, Ev> = splits.iter().flatten().map(|e| (e.id, *e)).collect();
    let late: BTreeSet<u64> = got.late.iter().map(|late| late.record.id).collect();
    assert_eq!(late.len(), got.late.len(), "a record is late once");
    let operator = got.report.operators().iter().find(|op| op.id.ends_with("/window")).unwrap();
    assert_eq!(operator.late, got.late.len() as u64);
    for (what, fired) in [("fired", &got.fired), ("visited", &got.visited)] {
        if fired.is_empty() && what == "visited" {
            continue;
        }
        let mut last: BTreeMap<(u64, (i64, i64)), BTreeSet<u64>> = BTreeMap::new();
        for f in fired.values().flatten() {
            let ids: BTreeSet<u64> = f.records.iter().map(|e| e.id).collect();
            assert_eq!(ids.len(), f.records.len(), "a record is in a window once: {f:?}");
            let before = last.insert((f.key, f.window), ids.clone());
            assert!(before.is_none_or(|before| before.is_subset(&ids)), "a window fires again with more: {f:?}");
        }
        let inside: BTreeSet<u64> = last.values().flatten().copied().collect();
        assert!(inside.is_disjoint(&late), "{what}: {:?} are both in windows and late", inside.intersection(&late));
        assert_eq!(inside.len() + late.len(), all.len(), "{what}: a record is neither in a window nor late");
        match kind {
            Kind::Aligned { size, every, offset } => {
                for id in inside {
                    // Windows that had closed by then lack it: those that end first.
                    let e = all[&id];
                    let holds = |window: &(i64, i64)| last.get(&(e.key, *window)).is_some_and(|ids| ids.contains(&id));
                    let held: Vec<bool> = windows_of(size, every, offset, e.at).iter().map(holds).collect();
                    assert!(held.is_sorted() && held.last() == Some(&true), "{what}: {e:?} in {held:?}");
                }
                for ((key, (start, end)), ids) in &last {
                    assert!(ids.iter().all(|id| all[id].key == *key && (*start..*end).contains(&all[id].at)));
                }
            }
            Kind::Session { gap } => {
                for ((_, window), ids) in &last {
                    let records: Vec<Ev> = ids.iter().map(|id| all[id]).collect();
                    let sessions = sessions(&records, gap);
                    assert_eq!(sessions.len(), 1, "{what}: records of one session are less than the gap apart");
                    assert_eq!(*window, (sessions[0][0].at, sessions[0][records.len() - 1].at + gap));
                }
            }
            Kind::Counted { .. } | Kind::Global => unreachable!("nothing is late for these"),
        }
    }
}

fn one_split() -> impl Strategy<Value = (Splits, i64)> {
    streams(Shape { splits: 1, records: 300, dealt: true, late: 5 })
}
fn some_splits() -> impl Strategy<Value = (Splits, i64)> {
    streams(Shape { splits: 4, records: 700, dealt: false, late: 5 })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn exactly_what_the_model_says_is_late((records, lag) in one_split(), (size, every, offset) in windows(), lateness in prop_oneof![Just(0i64), 1..80i64]) {
        exactly(Kind::Aligned { size, every: size, offset }, &records, lag, lateness,
            move |feed, out| strict_tumbling_windows(feed, lag, out, size, offset),
            move |feed, out| tumbling_windows(feed, lag, lateness, out, size, offset));
        exactly(Kind::Aligned { size, every, offset: 0 }, &records, lag, lateness,
            move |feed, out| strict_sliding_windows(feed, lag, out, size, every),
            move |feed, out| sliding_windows(feed, lag, lateness, out, size, every));
        exactly(Kind::Session { gap: size }, &records, lag, lateness,
            move |feed, out| strict_session_windows(feed, lag, out, size),
            move |feed, out| session_windows(feed, lag, lateness, out, size));
    }
    #[test]
    fn distinct_tells_each_once_however_often_its_window_fires((records, lag) in one_split(), (size, every, offset) in windows(), lateness in prop_oneof![Just(0i64), 1..80i64]) {
        let kind = Kind::Aligned { size, every: size, offset };
        let got = outcome(1, &feed(&records), move |feed, out| tumbling_windows(feed, lag, lateness, out, size, offset));
        prop_assert_eq!(got.distinct, told_apart(&Model::new(kind, lag, lateness, &records[0]).firings));
        let kind = Kind::Aligned { size, every, offset: 0 };
        let got = outcome(1, &feed(&records), move |feed, out| sliding_windows(feed, lag, lateness, out, size, every));
        prop_assert_eq!(got.distinct, told_apart(&Model::new(kind, lag, lateness, &records[0]).firings));
    }
}
proptest! {
    #![proptest_config(ProptestConfig { cases: 14, max_shrink_iters: 30, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_record_is_in_its_windows_or_late((splits, lag) in some_splits(), (size, every, offset) in windows(), lateness in 0..60i64, seed: u64) {
        let scripts = with_pauses(&splits, seed);
        for workers in 1..=4 {
            let got = outcome(workers, &scripts, move |feed, out| tumbling_windows(feed, lag, lateness, out, size, offset));
            conserved(Kind::Aligned { size, every: size, offset }, &splits, &got);
            let got = outcome(workers, &scripts, move |feed, out| sliding_windows(feed, lag, lateness, out, size, every));
            conserved(Kind::Aligned { size, every, offset: 0 }, &splits, &got);
            let got = outcome(workers, &scripts, move |feed, out| strict_sliding_windows(feed, lag, out, size, every));
            conserved(Kind::Aligned { size, every, offset: 0 }, &splits, &got);
            let got = outcome(workers, &scripts, move |feed, out| session_windows(feed, lag, 0, out, size));
            conserved(Kind::Session { gap: size }, &splits, &got);
        }
    }
}
