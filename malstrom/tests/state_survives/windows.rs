//! Windows of every kind, under every aggregate and under operators, and where they are combined before the exchange.
use crate::support::survival::{Once, Out, PerKey, Survived, fate, named, per_key, same, sample};
use crate::support::time_oracle::{Ev, Firing, Kind, Shape, on_time, streams, windows};
use malstrom::Pipeline;
use malstrom::prelude::*;
use proptest::prelude::*;
use std::collections::HashSet;
use std::fmt::Debug;

#[keyed_state(key = u64)]
#[derive(Default, Clone)]
pub struct Visit {
    pub ids: Vec<u64>,
}
#[operator(on_close = visited)]
pub fn visit(state: &mut Visit, e: Ev) {
    state.ids.push(e.id);
}
#[operator]
pub fn visited(state: Visit, window: Window, key: Key<'_, u64>) -> (u64, String) {
    (*key, shown(bounds(window), &state.ids))
}
/// Emits with each record how many came in its window; every fourth drops what was counted.
#[operator]
pub fn so_far(state: &mut Option<Visit>, e: Ev, window: Window, key: Key<'_, u64>) -> (u64, String) {
    let visit = state.get_or_insert_default();
    visit.ids.push(e.id);
    let text = format!("{} of {:?}", e.id, shown(bounds(window), &visit.ids));
    if visit.ids.len() == 4 {
        *state = None;
    }
    (*key, text)
}
/// The same, and says at the close what is left.
#[operator(on_close = visited)]
fn left_over(state: &mut Option<Visit>, e: Ev) {
    let visit = state.get_or_insert_default();
    visit.ids.push(e.id);
    if visit.ids.len() == 4 {
        *state = None;
    }
}
#[operator]
pub fn told_apart(class: i64, key: Key<'_, u64>) -> (u64, String) {
    (*key, class.to_string())
}
pub fn bounds(window: Window) -> (i64, i64) {
    (window.start().as_micros(), window.end().as_micros())
}
pub fn shown(window: (i64, i64), value: &impl Debug) -> String {
    format!("{window:?}: {value:?}")
}
pub fn text<V: Debug>(w: Windowed<u64, V>) -> (u64, String) {
    (w.key, shown(bounds(w.window), &w.value))
}
pub fn class(e: &Ev) -> i64 {
    e.value.rem_euclid(7)
}
pub fn rank(e: &Ev) -> i64 {
    e.value / 10
}
pub fn greater(a: Ev, b: Ev) -> Ev {
    if (a.value, a.id) < (b.value, b.id) { b } else { a }
}
pub fn listed(mut ids: Vec<u64>, e: &Ev) -> Vec<u64> {
    ids.push(e.id);
    ids
}

macro_rules! job {
    ($name:ident($($parameter:ident),*): $window:expr) => {
        pipeline! {
            fn $name(evs: Once<Ev>, lag: i64, out: Out, $($parameter: i64),*) {
                let evs = source(evs) -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key);
                let cut = evs -> window($window) else late;
                cut -> count() -> map(text) -> map(named("count")) -> sink(out.part(0));
                cut -> sum(|e| e.value) -> map(text) -> map(named("sum")) -> sink(out.part(1));
                cut -> min(|e| e.value) -> map(text) -> map(named("min")) -> sink(out.part(2));
                cut -> max(|e| e.value) -> map(text) -> map(named("max")) -> sink(out.part(3));
                cut -> average(|e| e.value) -> map(text) -> map(named("average")) -> sink(out.part(4));
                cut -> reduce(greater) -> map(text) -> map(named("reduce")) -> sink(out.part(5));
                cut -> fold(Vec::new(), |ids, e| listed(ids, &e)) -> map(text) -> map(named("fold")) -> sink(out.part(6));
                cut -> top(3, rank) -> map(text) -> map(named("top")) -> sink(out.part(7));
                cut -> visit -> map(named("visit")) -> sink(out.part(8));
                cut -> so_far -> map(named("so far")) -> sink(out.part(9));
                cut -> left_over -> map(named("left over")) -> sink(out.part(10));
                evs -> map(|e| class(&e)) -> window($window) else drop as classes -> distinct() -> told_apart
                    -> map(named("distinct")) -> sink(out.part(11));
                late -> map(|late| ("late".to_owned(), late.record.key, format!("{late:?}"))) -> sink(out.part(12));
            }
        }
    };
}
job!(tumbling_windows(size, offset): tumbling(size).offset(offset));
job!(sliding_windows(size, every): sliding(size, every));
job!(session_windows(gap): session(gap));
job!(counted_windows(n): counted(n as u64));
job!(one_window(): global());

pipeline! {
    /// Where nothing stands between the exchange and the window, each worker combines before it.
    fn combined(evs: Once<Ev>, lag: i64, out: Out, size: i64, every: i64) {
        let evs = source(evs) -> timestamps(|e| e.at, lag = lag);
        evs -> key_by(|e| e.key) -> window(tumbling(size))? -> count() -> map(text) -> map(named("tumbling count")) -> sink(out.part(0));
        evs -> key_by(|e| e.key) -> window(tumbling(size)) else drop -> reduce(greater) -> map(text) -> map(named("tumbling reduce")) -> sink(out.part(1));
        evs -> key_by(|e| e.key) -> window(sliding(size, every))? -> sum(|e| e.value) -> map(text) -> map(named("sliding sum")) -> sink(out.part(2));
        evs -> key_by(|e| e.key) -> window(sliding(size, every)) else late -> max(|e| e.value) -> map(text) -> map(named("sliding max")) -> sink(out.part(3));
        evs -> key_by(|e| e.key) -> window(global()) -> average(|e| e.value) -> map(text) -> map(named("average")) -> sink(out.part(4));
        late -> map(|late| ("late".to_owned(), late.record.key, format!("{late:?}"))) -> sink(out.part(5));
    }
    fn timeless(evs: Once<Ev>, out: Out, n: i64) {
        let evs = source(evs) -> key_by(|e| e.key);
        let cut = evs -> window(counted(n as u64));
        cut -> top(3, rank) -> map(text) -> map(named("top")) -> sink(out.part(0));
        cut -> visit -> map(named("visit")) -> sink(out.part(1));
        let all = evs -> window(global()) as all;
        all -> fold(Vec::new(), |ids, e| listed(ids, &e)) -> map(text) -> map(named("fold")) -> sink(out.part(2));
        all -> left_over -> map(named("left over")) -> sink(out.part(3));
    }
}

/// What windows with these records come to.
pub fn results(firing: &Firing) -> Vec<(&'static str, String)> {
    let Firing { window, records, .. } = firing;
    let values = || records.iter().map(|e| e.value);
    let show = |value: &dyn Debug| shown(*window, &value);
    // One split has all records of a key, and numbers them.
    let mut arrived = records.clone();
    arrived.sort_by_key(|e| e.id);
    let mut best = arrived.clone();
    best.sort_by_key(|e| std::cmp::Reverse(rank(e)));
    let ids: Vec<u64> = records.iter().map(|e| e.id).collect();
    vec![
        ("count", show(&records.len())),
        ("sum", show(&values().sum::<i64>())),
        ("min", show(&values().min().unwrap())),
        ("max", show(&values().max().unwrap())),
        ("average", show(&(values().sum::<i64>() as f64 / records.len() as f64))),
        ("reduce", show(&records.iter().copied().reduce(greater).unwrap())),
        ("fold", show(&ids)),
        ("top", show(&&best[..best.len().min(3)])),
        ("visit", show(&ids)),
    ]
}
fn expected(firings: &[Firing]) -> PerKey {
    let mut told = Vec::new();
    for firing @ Firing { key, window, records } in firings {
        told.extend(results(firing).into_iter().map(|(name, text)| (name.to_owned(), *key, text)));
        let ids: Vec<u64> = records.iter().map(|e| e.id).collect();
        for chunk in ids.chunks(4).filter(|chunk| chunk.len() < 4) {
            told.push(("left over".to_owned(), *key, shown(*window, &chunk)));
        }
        let mut arrived = records.clone();
        arrived.sort_by_key(|e| e.id);
        let mut seen = HashSet::new();
        for class in arrived.iter().map(class).filter(|class| seen.insert(*class)) {
            told.push(("distinct".to_owned(), *key, class.to_string()));
        }
    }
    per_key(told)
}
/// What comes with each record. The windows of one record come one after the other, others when they please.
fn so_far_of(kind: Kind, firings: &[Firing]) -> PerKey {
    let mut told = Vec::new();
    for Firing { key, window, records } in firings {
        let mut counted: Vec<u64> = Vec::new();
        for (at, e) in records.iter().enumerate() {
            counted.push(e.id);
            // The window of so many records is known as far as it goes; a session is known when it closes.
            let window = match kind {
                Kind::Counted { .. } => {
                    let times = || records[..=at].iter().map(|e| e.at);
                    (times().min().unwrap(), times().max().unwrap() + 1)
                }
                _ => *window,
            };
            told.push(("so far".to_owned(), *key, format!("{} of {:?}", e.id, shown(window, &counted))));
            if counted.len() == 4 {
                counted.clear();
            }
        }
    }
    per_key(told)
}
/// Only what comes with each record, which is not in the order of the windows.
fn split_off(mut all: PerKey, which: &str) -> (PerKey, PerKey) {
    let mut other = all.clone();
    all.retain(|(name, _), _| name != which);
    other.retain(|(name, _), _| name == which);
    other.values_mut().for_each(|texts| texts.sort_unstable());
    (all, other)
}

/// Several splits, with keys of their own.
fn input(seed: u64) -> (Vec<Vec<Ev>>, i64) {
    sample(&streams(Shape { splits: 4, records: 250, dealt: true, late: 0 }), seed)
}
fn survive(seeds: u64, job: impl Fn(u64) -> (Kind, Box<dyn Fn(Once<Ev>, i64, Out) -> Pipeline>)) {
    let mut survived = Survived::default();
    for seed in 0..seeds {
        let ((data, lag), (kind, job)) = (input(seed), job(seed));
        let evs = Once::new(data.clone());
        let memory = evs.clone();
        let got = survived.run(fate(seed, 4), move |n| memory.commit(n), |out| job(evs.clone(), lag, out.clone()));
        let firings = on_time(kind, data.iter().flatten().copied());
        let (got, so_far) = split_off(per_key(got), "so far");
        same(got, &expected(&firings), &(kind, lag, seed));
        same(so_far, &split_off(so_far_of(kind, &firings), "so far").1, &(kind, lag, seed));
    }
    survived.check();
}

const SEEDS: u64 = 6;
#[test]
fn tumbling_windows_do() {
    survive(SEEDS, |seed| {
        let (size, _, offset) = sample(&windows(), seed);
        let kind = Kind::Aligned { size, every: size, offset };
        (kind, Box::new(move |evs, lag, out| tumbling_windows(evs, lag, out, size, offset)))
    });
}
#[test]
fn sliding_windows_do() {
    survive(SEEDS, |seed| {
        let (size, every, _) = sample(&windows(), seed);
        let kind = Kind::Aligned { size, every, offset: 0 };
        (kind, Box::new(move |evs, lag, out| sliding_windows(evs, lag, out, size, every)))
    });
}
#[test]
fn sessions_do() {
    survive(SEEDS, |seed| {
        let gap = sample(&prop_oneof![1..4i64, 5..60i64], seed);
        (Kind::Session { gap }, Box::new(move |evs, lag, out| session_windows(evs, lag, out, gap)))
    });
}
#[test]
fn counted_windows_do() {
    survive(SEEDS, |seed| {
        let n = sample(&(1..30i64), seed);
        (Kind::Counted { n: n as usize }, Box::new(move |evs, lag, out| counted_windows(evs, lag, out, n)))
    });
}
#[test]
fn one_window_for_all_does() {
    survive(SEEDS, |_| (Kind::Global, Box::new(one_window)));
}

/// Of what windows with these records come to, what this chain says.
fn only(name: &'static str, of: &str, kind: Kind, data: &[Vec<Ev>]) -> PerKey {
    let firings = on_time(kind, data.iter().flatten().copied());
    let told = firings.iter().flat_map(|f| results(f).into_iter().map(move |(of, text)| (of, f.key, text)));
    per_key(told.filter(|(other, ..)| *other == of).map(|(_, key, text)| (name.to_owned(), key, text)))
}
#[test]
fn combiners_empty_themselves_before_a_barrier() {
    let mut survived = Survived::default();
    for seed in 0..SEEDS {
        // Keys of all splits: what is combined comes from all workers.
        let (data, lag) = sample(&streams(Shape { splits: 4, records: 250, dealt: false, late: 0 }), seed);
        let (size, every, _) = sample(&windows(), seed);
        let (evs, memory) = (Once::new(data.clone()), ());
        let () = memory;
        let commit = evs.clone();
        let got = survived.run(
            fate(seed, 4),
            move |n| commit.commit(n),
            |out| combined(evs.clone(), lag, out.clone(), size, every),
        );
        let (tumbling, sliding) =
            (Kind::Aligned { size, every: size, offset: 0 }, Kind::Aligned { size, every, offset: 0 });
        let mut expected = only("tumbling count", "count", tumbling, &data);
        expected.extend(only("tumbling reduce", "reduce", tumbling, &data));
        expected.extend(only("sliding sum", "sum", sliding, &data));
        expected.extend(only("sliding max", "max", sliding, &data));
        expected.extend(only("average", "average", Kind::Global, &data));
        same(per_key(got), &expected, &(size, every, lag, seed));
    }
    survived.check();
}
#[test]
fn windows_without_event_time_do() {
    let mut survived = Survived::default();
    for seed in 0..SEEDS {
        let ((data, _), n) = (input(seed), sample(&(1..30i64), seed));
        let evs = Once::new(data.clone());
        let memory = evs.clone();
        let got = survived.run(fate(seed, 4), move |i| memory.commit(i), |out| timeless(evs.clone(), out.clone(), n));
        let window = (i64::MIN, i64::MAX);
        let untimed = |kind| {
            let mut firings = on_time(kind, data.iter().flatten().copied());
            firings.iter_mut().for_each(|firing| firing.window = window);
            expected(&firings)
        };
        let mut expected = untimed(Kind::Counted { n: n as usize });
        expected.retain(|(name, _), _| name == "top" || name == "visit");
        let mut all = untimed(Kind::Global);
        all.retain(|(name, _), _| name == "fold" || name == "left over");
        expected.extend(all);
        same(per_key(got), &expected, &(n, seed));
    }
    survived.check();
}
