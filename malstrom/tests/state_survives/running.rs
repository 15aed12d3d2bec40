//! Operators that keep state, with a time to live too, two-input operators, side outputs, and running aggregates.
use crate::support::survival::{Once, Out, PerKey, Survived, fate, named, per_key, same, sample};
use crate::support::time_oracle::{Ev, Shape, by_key, streams};
use malstrom::prelude::*;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Debug;

#[keyed_state(key = u64)]
#[derive(Default)]
struct Sum {
    sum: i64,
    n: u64,
}
#[keyed_state(key = u64)]
struct Held {
    last: u64,
}
/// A thousand ticks.
#[keyed_state(key = u64, ttl = "1ms")]
#[derive(Default)]
struct Recent {
    uses: u64,
}
#[keyed_state(key = u64, ttl = "1ms")]
struct Opened {
    by: u64,
}
const TTL: i64 = 1_000;

#[operator]
fn summed(state: &mut Sum, e: Ev) -> (u64, String) {
    state.n += 1;
    state.sum = state.sum.wrapping_mul(3).wrapping_add(e.value);
    (e.key, format!("{} after {}", state.sum, state.n))
}
/// The one before, which every fifth forgets.
#[operator]
fn differed(state: &mut Option<Held>, e: Ev) -> (u64, String) {
    let before = state.as_ref().map(|held| held.last);
    *state = (e.value % 5 != 0).then_some(Held { last: e.id });
    (e.key, format!("{before:?}"))
}
#[operator]
fn recent(state: &mut Recent, e: Ev) -> (u64, String) {
    state.uses += 1;
    (e.key, state.uses.to_string())
}
#[operator]
fn opened(state: &mut Option<Opened>, e: Ev) -> (u64, String) {
    let by = state.get_or_insert(Opened { by: e.id }).by;
    if e.value % 5 == 0 {
        *state = None;
    }
    (e.key, by.to_string())
}
/// Fails with some and pushes others aside, and counts both.
#[operator]
fn sifted(state: &mut Sum, e: Ev, fives: Output<'_, (u64, String)>) -> Result<(u64, String), (u64, String)> {
    state.n += 1;
    if e.id.is_multiple_of(5) {
        fives.push((e.key, format!("five {}", state.n)));
    }
    if e.id.is_multiple_of(3) {
        Err((e.key, format!("no {}", state.n)))
    } else {
        Ok((e.key, format!("yes {}", state.n)))
    }
}
/// What comes from the left and the right together: so many.
#[operator(on_right = right)]
fn left(state: &mut Sum, e: Ev) -> (u64, String) {
    state.n += 1;
    (e.key, format!("{:05}", state.n))
}
#[operator]
fn right(state: &mut Sum, e: Ev) -> (u64, String) {
    state.n += 1;
    (e.key, format!("{:05}", state.n))
}
fn show<V: Debug>((key, value): (u64, V)) -> (u64, String) {
    (key, format!("{value:?}"))
}
fn class(e: &Ev) -> i64 {
    e.value.rem_euclid(7)
}
fn greater(a: Ev, b: Ev) -> Ev {
    if (a.value, a.id) < (b.value, b.id) { b } else { a }
}
#[operator]
fn keyed(class: i64, key: Key<'_, u64>) -> (u64, String) {
    (*key, class.to_string())
}

pipeline! {
    fn operators(evs: Once<Ev>, lag: i64, out: Out) {
        let evs = source(evs) -> timestamps(|e| e.at * 20, lag = lag * 20) -> key_by(|e| e.key);
        evs -> summed -> map(named("summed")) -> sink(out.part(0));
        evs -> differed -> map(named("differed")) -> sink(out.part(1));
        evs -> recent -> map(named("recent")) -> sink(out.part(2));
        evs -> opened -> map(named("opened")) -> sink(out.part(3));
        let (yes, fives) = evs -> sifted else no;
        yes -> map(named("yes")) -> sink(out.part(4));
        fives -> map(named("fives")) -> sink(out.part(5));
        no -> map(|f| f.error) -> map(named("no")) -> sink(out.part(6));
        let (odd, even) = evs -> split(|e| e.id % 2 == 1);
        (odd, even) -> left -> map(named("both")) -> sink(out.part(7));
    }
    fn aggregates(evs: Once<Ev>, out: Out) {
        let evs = source(evs) -> key_by(|e| e.key);
        evs -> count() -> map(show) -> map(named("count")) -> sink(out.part(0));
        evs -> sum(|e| e.value) -> map(show) -> map(named("sum")) -> sink(out.part(1));
        evs -> min(|e| e.value) -> map(show) -> map(named("min")) -> sink(out.part(2));
        evs -> max(|e| e.value) -> map(show) -> map(named("max")) -> sink(out.part(3));
        evs -> average(|e| e.value) -> map(show) -> map(named("average")) -> sink(out.part(4));
        evs -> reduce(greater) -> map(show) -> map(named("reduce")) -> sink(out.part(5));
        evs -> fold(0u64, |sum, e| sum.wrapping_mul(31).wrapping_add(e.id)) -> map(show) -> map(named("fold")) -> sink(out.part(6));
        evs -> top(3, |e| e.value / 10) -> map(show) -> map(named("top")) -> sink(out.part(7));
        evs -> map(|e| class(&e)) -> distinct() -> keyed -> map(named("distinct")) -> sink(out.part(8));
    }
    fn combined(evs: Once<Ev>, out: Out) {
        let evs = source(evs);
        evs -> key_by(|e| e.key) -> combine() as a -> count() -> map(show) -> map(named("count")) -> sink(out.part(0));
        evs -> key_by(|e| e.key) -> combine() as b -> sum(|e| e.value) -> map(show) -> map(named("sum")) -> sink(out.part(1));
        evs -> key_by(|e| e.key) -> combine() as c -> reduce(greater) -> map(show) -> map(named("reduce")) -> sink(out.part(2));
    }
}

/// What one key comes to, record by record.
fn of_operators(records: &[Ev]) -> Vec<(&'static str, String)> {
    let mut told = Vec::new();
    let (mut sum, mut held, mut recent, mut opened) = (0i64, None, (0u64, i64::MIN), None::<(u64, i64)>);
    for (n, e) in (1..).zip(records) {
        let at = e.at * 20;
        sum = sum.wrapping_mul(3).wrapping_add(e.value);
        told.push(("summed", format!("{sum} after {n}")));
        told.push(("differed", format!("{held:?}")));
        held = (e.value % 5 != 0).then_some(e.id);
        let (uses, until) = recent;
        let uses = if until <= at { 1 } else { uses + 1 };
        recent = (uses, until.max(at + TTL));
        told.push(("recent", uses.to_string()));
        let (by, until) = opened.filter(|(_, until)| *until > at).unwrap_or((e.id, i64::MIN));
        told.push(("opened", by.to_string()));
        opened = (e.value % 5 != 0).then_some((by, until.max(at + TTL)));
        if e.id.is_multiple_of(5) {
            told.push(("fives", format!("five {n}")));
        }
        told.push(if e.id.is_multiple_of(3) { ("no", format!("no {n}")) } else { ("yes", format!("yes {n}")) });
        told.push(("both", format!("{n:05}")));
    }
    told
}
fn of_aggregates(records: &[Ev]) -> Vec<(&'static str, String)> {
    let (mut told, mut seen) = (Vec::new(), HashSet::new());
    let (mut sum, mut folded) = (0, 0u64);
    for (at, e) in records.iter().enumerate() {
        let so_far = &records[..=at];
        let values = || so_far.iter().map(|e| e.value);
        let mut say = |name, value: &dyn Debug| told.push((name, format!("{value:?}")));
        sum += e.value;
        folded = folded.wrapping_mul(31).wrapping_add(e.id);
        say("count", &so_far.len());
        say("sum", &sum);
        say("min", &values().min().unwrap());
        say("max", &values().max().unwrap());
        say("average", &(sum as f64 / so_far.len() as f64));
        say("reduce", &so_far.iter().copied().reduce(greater).unwrap());
        say("fold", &folded);
        let mut best = so_far.to_vec();
        best.sort_by_key(|e| std::cmp::Reverse(e.value / 10));
        say("top", &&best[..best.len().min(3)]);
        if seen.insert(class(e)) {
            say("distinct", &class(e));
        }
    }
    told
}
fn expected(keys: &BTreeMap<u64, Vec<Ev>>, of: fn(&[Ev]) -> Vec<(&'static str, String)>) -> PerKey {
    let told = keys.iter().flat_map(|(key, records)| of(records).into_iter().map(|(name, text)| (name, *key, text)));
    per_key(told.map(|(name, key, text)| (name.to_owned(), key, text)))
}
/// Several splits, with keys of their own: at all times or in one stretch.
fn input(seed: u64, dealt: bool) -> (Vec<Vec<Ev>>, i64) {
    sample(&streams(Shape { splits: 4, records: 300, dealt, late: 0 }), seed)
}

const SEEDS: u64 = 8;
#[test]
fn operators_do() {
    let mut survived = Survived::default();
    for seed in 0..SEEDS {
        let (data, lag) = input(seed, true);
        let evs = Once::new(data.clone());
        let memory = evs.clone();
        let got =
            survived.run(fate(seed, 4), move |n| memory.commit(n), |out| operators(evs.clone(), lag, out.clone()));
        let mut got = per_key(got);
        // Which input is faster nobody knows.
        got.iter_mut().filter(|((name, _), _)| name == "both").for_each(|(_, texts)| texts.sort_unstable());
        same(got, &expected(&by_key(data.iter().flatten().copied()), of_operators), &(lag, seed));
    }
    survived.check();
}
#[test]
fn running_aggregates_do() {
    let mut survived = Survived::default();
    for seed in 0..SEEDS {
        let (data, _) = input(seed, true);
        let evs = Once::new(data.clone());
        let memory = evs.clone();
        let got = survived.run(fate(seed, 4), move |n| memory.commit(n), |out| aggregates(evs.clone(), out.clone()));
        same(per_key(got), &expected(&by_key(data.iter().flatten().copied()), of_aggregates), &seed);
    }
    survived.check();
}
/// Not every record has a result of its own. But results only grow, and the last one is that of all records.
#[test]
fn combined_running_aggregates_come_to_the_same() {
    let mut survived = Survived::default();
    for seed in 0..SEEDS {
        let (data, _) = input(seed, false);
        let evs = Once::new(data.clone());
        let memory = evs.clone();
        let got = survived.run(fate(seed, 4), move |n| memory.commit(n), |out| combined(evs.clone(), out.clone()));
        let keys = by_key(data.iter().flatten().copied());
        let mut got = per_key(got);
        for ((name, _), texts) in &got {
            let counts = || texts.iter().map(|text| text.parse::<u64>().unwrap());
            assert!(name != "count" || counts().is_sorted_by(|a, b| a < b), "{texts:?}, seed {seed}");
        }
        got.values_mut().for_each(|texts| drop(texts.drain(..texts.len() - 1)));
        let mut last = expected(&keys, of_aggregates);
        last.retain(|(name, _), _| ["count", "sum", "reduce"].contains(&&**name));
        last.values_mut().for_each(|texts| drop(texts.drain(..texts.len() - 1)));
        same(got, &last, &seed);
    }
    survived.check();
}
