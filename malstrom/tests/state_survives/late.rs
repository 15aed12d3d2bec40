//! Late records, and windows that fire again for some of them. With one split, whose watermark is known after each record,
//! exactly those that the model says; with splits that rest, each record once.
use super::windows::{class, greater, rank, results, so_far, text, told_apart, visit};
use crate::support::survival::{Once, Out, PerKey, Survived, Told, fate, named, per_key, same, sample};
use crate::support::time_oracle::{Ev, Firing, Kind, Model, Shape, streams, windows, windows_of};
use malstrom::prelude::*;
use malstrom::{Late, Pipeline};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashSet};

fn missed(late: Late<Ev>) -> Told {
    ("late".to_owned(), late.record.key, format!("{} at {}", late.record.id, late.watermark.as_micros()))
}
fn listed(mut ids: Vec<u64>, e: Ev) -> Vec<u64> {
    ids.push(e.id);
    ids
}

macro_rules! job {
    ($name:ident($($parameter:ident),*): $window:expr) => {
        pipeline! {
            pub fn $name(evs: Once<Ev>, lag: i64, lateness: i64, out: Out, $($parameter: i64),*) {
                let evs = source(evs) -> timestamps(|e| e.at, lag = lag, idle = 100.micros()) -> key_by(|e| e.key);
                let cut = evs -> window($window, lateness = lateness) else late;
                cut -> count() -> map(text) -> map(named("count")) -> sink(out.part(0));
                cut -> sum(|e| e.value) -> map(text) -> map(named("sum")) -> sink(out.part(1));
                cut -> min(|e| e.value) -> map(text) -> map(named("min")) -> sink(out.part(2));
                cut -> max(|e| e.value) -> map(text) -> map(named("max")) -> sink(out.part(3));
                cut -> average(|e| e.value) -> map(text) -> map(named("average")) -> sink(out.part(4));
                cut -> reduce(greater) -> map(text) -> map(named("reduce")) -> sink(out.part(5));
                cut -> fold(Vec::new(), listed) -> map(text) -> map(named("fold")) -> sink(out.part(6));
                cut -> top(3, rank) -> map(text) -> map(named("top")) -> sink(out.part(7));
                cut -> visit -> map(named("visit")) -> sink(out.part(8));
                late -> map(missed) -> sink(out.part(9));
                evs -> map(|e| class(&e)) -> window($window, lateness = lateness) else drop as classes
                    -> distinct() -> told_apart -> map(named("distinct")) -> sink(out.part(10));
                // What has closed is late here: nothing is kept for it.
                let strict = evs -> window($window) else too_late as strictly;
                strict -> count() -> map(text) -> map(named("strict")) -> sink(out.part(11));
                too_late -> map(|late| ("too late".to_owned(), late.record.key, late.record.id.to_string())) -> sink(out.part(12));
            }
        }
    };
}
job!(tumbling_windows(size, offset): tumbling(size).offset(offset));
job!(sliding_windows(size, every): sliding(size, every));
job!(session_windows(gap, _e): session(gap));
pub type Job = fn(Once<Ev>, i64, i64, Out, i64, i64) -> Pipeline;

fn lateness() -> impl Strategy<Value = i64> {
    prop_oneof![Just(0i64), 1..80i64]
}

fn expected(kind: Kind, lag: i64, lateness: i64, records: &[Ev]) -> PerKey {
    told_by(&Model::new(kind, lag, lateness, records), &Model::new(kind, lag, 0, records))
}
/// What a job tells: of windows that have a lateness, and of those that have none.
pub fn told_by(model: &Model, strict: &Model) -> PerKey {
    let (mut told, mut seen) = (Vec::new(), HashSet::new());
    for firing @ Firing { key, window, records } in &model.firings {
        told.extend(results(firing).into_iter().map(|(name, text)| (name.to_owned(), *key, text)));
        for class in records.iter().map(class).filter(|class| seen.insert((*key, *window, *class))) {
            told.push(("distinct".to_owned(), *key, class.to_string()));
        }
    }
    told.extend(model.late.iter().map(|(e, at)| ("late".to_owned(), e.key, format!("{} at {at}", e.id))));
    for firing in &strict.firings {
        told.extend(results(firing).into_iter().take(1).map(|(_, text)| ("strict".to_owned(), firing.key, text)));
    }
    told.extend(strict.late.iter().map(|(e, _)| ("too late".to_owned(), e.key, e.id.to_string())));
    per_key(told)
}
fn survive(name: &str, job: Job, kind: impl Fn(i64, i64, i64) -> (Kind, i64, i64)) {
    let mut survived = Survived::default();
    for seed in 0..6 {
        let (data, lag) = sample(&streams(Shape { splits: 1, records: 300, dealt: true, late: 5 }), seed);
        let ((size, every, offset), lateness) = (sample(&windows(), seed), sample(&lateness(), seed));
        let (kind, p, q) = kind(size, every, offset);
        let evs = Once::new(data.clone());
        let memory = evs.clone();
        let got = survived.run(
            fate(seed, 3),
            move |n| memory.commit(n),
            |out| job(evs.clone(), lag, lateness, out.clone(), p, q),
        );
        let (mut got, mut expected) = (per_key(got), expected(kind, lag, lateness, &data[0]));
        if matches!(kind, Kind::Session { .. }) {
            // Sessions tell what is distinct of them when they close, and again when they have grown.
            got.retain(|(name, _), _| name != "distinct");
            expected.retain(|(name, _), _| name != "distinct");
        }
        same(got, &expected, &(name, kind, lag, lateness, seed));
    }
    survived.check();
}
#[test]
fn tumbling_windows_do() {
    let kind = |size, _, offset| (Kind::Aligned { size, every: size, offset }, size, offset);
    survive("tumbling", tumbling_windows, kind);
}
#[test]
fn sliding_windows_do() {
    let kind = |size, every, _| (Kind::Aligned { size, every, offset: 0 }, size, every);
    survive("sliding", sliding_windows, kind);
}
#[test]
fn sessions_do() {
    survive("sessions", session_windows, |size, _, _| (Kind::Session { gap: size }, size, 0));
}

pipeline! {
    fn told(evs: Once<Ev>, lag: i64, lateness: i64, out: Out, gap: i64) {
        source(evs) -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key) -> window(session(gap), lateness = lateness) else drop
            -> so_far -> map(named("told")) -> sink(out);
    }
}
/// A session that fires again is gone through again, and what its records have emitted before is not emitted again.
#[test]
fn what_the_records_of_a_session_emit_is_emitted_once() {
    // Each session closes as the record of another key comes, and fires again for the two behind that.
    let session = |n: i64| [(0, 0), (0, 1), (1, 20), (0, 3), (0, 4)].map(|(key, at)| (key, 100 * n + at));
    let times = (0..60).flat_map(session).enumerate();
    let data: Vec<Ev> = times.map(|(id, (key, at))| Ev { key, at, id: id as u64, value: 0 }).collect();
    let mut survived = Survived::default();
    for seed in 0..6 {
        let evs = Once::new(vec![data.clone()]);
        let memory = evs.clone();
        let make = |out: &Out| told(evs.clone(), 0, 50, out.clone(), 5);
        let got = survived.run(fate(seed, 3), move |n| memory.commit(n), make);
        let mut got: Vec<u64> = got.iter().map(|(.., text)| text.split(' ').next().unwrap().parse().unwrap()).collect();
        got.sort_unstable();
        assert_eq!(got, (0..data.len() as u64).collect::<Vec<_>>(), "seed {seed}");
    }
    survived.check();
}

/// Which records are late depends on who is faster, where splits rest and others do not wait for them. But each of them is
/// late or in its windows, and in those once.
#[test]
fn no_record_is_lost_or_doubled_where_splits_rest() {
    let mut survived = Survived::default();
    for seed in 0..12 {
        let (data, lag) = sample(&streams(Shape { splits: 4, records: 200, dealt: false, late: 5 }), seed);
        let ((size, every, _), lateness) = (sample(&windows(), seed), sample(&lateness(), seed));
        let evs = Once::resting(data.clone());
        let memory = evs.clone();
        let got = survived.run(
            fate(seed, 4),
            move |n| memory.commit(n),
            |out| sliding_windows(evs.clone(), lag, lateness, out.clone(), size, every),
        );
        let mut got = per_key(got);
        let mut take = |name: &str| -> BTreeMap<u64, Vec<String>> {
            let (mine, others) = std::mem::take(&mut got).into_iter().partition(|((other, _), _)| other == name);
            got = others;
            mine.into_iter().map(|((_, key), texts): (_, Vec<String>)| (key, texts)).collect()
        };
        let all: BTreeMap<u64, Ev> = data.iter().flatten().map(|e| (e.id, *e)).collect();
        let number = |text: &String| text.split(' ').next().unwrap().parse::<u64>().unwrap();
        let late: Vec<u64> = take("late").values().flatten().map(number).collect();
        let unique: BTreeSet<u64> = late.iter().copied().collect();
        assert_eq!(late.len(), unique.len(), "a record is late once, seed {seed}");
        // The last that each window has told.
        for chain in ["fold", "visit"] {
            let mut last: BTreeMap<(u64, String), BTreeSet<u64>> = BTreeMap::new();
            for (key, texts) in take(chain) {
                for told in texts {
                    let (window, ids) = told.split_once(": ").unwrap();
                    let ids: Vec<u64> =
                        ids.trim_matches(['[', ']']).split(", ").map(|id| id.parse().unwrap()).collect();
                    let set: BTreeSet<u64> = ids.iter().copied().collect();
                    assert_eq!(ids.len(), set.len(), "twice in a window: {told}, seed {seed}");
                    let before = last.insert((key, window.to_owned()), set.clone());
                    assert!(before.is_none_or(|before| before.is_subset(&set) && lateness > 0), "{told}, seed {seed}");
                }
            }
            for (id, e) in &all {
                let windows = windows_of(size, every, 0, e.at);
                let held =
                    |window: &(i64, i64)| last.get(&(e.key, format!("{window:?}"))).is_some_and(|ids| ids.contains(id));
                let held: Vec<bool> = windows.iter().map(held).collect();
                // Those that had closed by then lack it.
                let fits = held.is_sorted() && held.last() == Some(&!unique.contains(id));
                assert!(fits, "{chain}: {e:?} in {held:?} of {windows:?}, lag {lag}, lateness {lateness}, seed {seed}");
            }
        }
        let counted = |text: &String| text.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
        let (strict, too_late) = (take("strict"), take("too late"));
        if every == size {
            let inside: u64 = strict.values().flatten().map(counted).sum();
            let outside = too_late.values().flatten().count() as u64;
            assert_eq!(inside + outside, all.len() as u64, "seed {seed}");
        }
    }
    survived.check();
}
