//! Timers, in event time and by the clock of the machine: each fires once.
use crate::support::survival::{Once, Out, Survived, fate, named, per_key, same, sample};
use crate::support::time_oracle::{Ev, Shape, by_key, streams};
use malstrom::prelude::*;

#[keyed_state(key = u64)]
#[derive(Default)]
struct Bells {
    /// The timer that was set last.
    last: Option<(i64, u64)>,
    rung: u64,
}
fn delay(id: u64) -> i64 {
    [0, 1, 7, 30, 400][(id * 7 % 5) as usize]
}
/// Sets a timer, and takes back the one before if it cannot have fired. Every sixth sets itself again, twice.
#[operator(on_timer = ring)]
fn plan(bells: &mut Bells, e: Ev, at: EventTime<i64>, timers: Timers<'_, (u64, u8)>) {
    let again = if e.id.is_multiple_of(6) { 2 } else { 0 };
    if let Some((time, id)) = bells.last.filter(|(time, id)| *time >= *at && id % 6 != 0 && e.id.is_multiple_of(2)) {
        timers.cancel(time, (id, 0));
    }
    let time = *at + delay(e.id);
    timers.at(time, (e.id, again));
    bells.last = Some((time, e.id));
}
#[operator]
fn ring(
    bells: &mut Bells,
    (id, again): (u64, u8),
    key: Key<'_, u64>,
    at: EventTime<i64>,
    timers: Timers<'_, (u64, u8)>,
) -> (u64, String) {
    bells.rung += 1;
    if again > 0 {
        timers.after(13, (id, again - 1));
    }
    (*key, format!("{id} at {}, {again}", *at))
}
/// Rings of a key, counted: how many there are shows that state and timers go on together.
#[operator(on_timer = count)]
fn counted(_: &mut Bells, e: Ev, at: EventTime<i64>, timers: Timers<'_, u64>) {
    timers.at(*at + delay(e.id), e.id);
}
#[operator]
fn count(bells: &mut Bells, _: u64, key: Key<'_, u64>) -> (u64, String) {
    bells.rung += 1;
    (*key, format!("{:05}", bells.rung))
}
#[operator(on_timer = poke)]
fn wait(_: &mut Bells, e: Ev, timers: ProcessingTimers<'_, u64>) {
    timers.after(std::time::Duration::from_micros(e.id * 37 % 3_000), e.id);
}
#[operator]
fn poke(bells: &mut Bells, id: u64, key: Key<'_, u64>) -> Vec<(u64, String)> {
    bells.rung += 1;
    vec![(*key, format!("{id} of")), (*key, format!("number {:05}", bells.rung))]
}

pipeline! {
    fn timers(evs: Once<Ev>, lag: i64, out: Out) {
        let evs = source(evs) -> timestamps(|e| e.at, lag = lag) -> key_by(|e| e.key);
        evs -> plan -> map(named("rings")) -> sink(out.part(0));
        evs -> counted -> map(named("counted")) -> sink(out.part(1));
        evs -> wait -> flat_map(|pokes| pokes) -> map(named("pokes")) -> sink(out.part(2));
    }
}

/// What one key comes to, sorted.
fn of(records: &[Ev]) -> Vec<(&'static str, String)> {
    let mut told = Vec::new();
    let (mut set, mut last) = (Vec::new(), None::<(i64, u64)>);
    for (n, e) in (1..).zip(records) {
        if let Some((time, id)) = last.filter(|(time, id)| *time >= e.at && id % 6 != 0 && e.id.is_multiple_of(2)) {
            set.retain(|timer| *timer != (time, id));
        }
        last = Some((e.at + delay(e.id), e.id));
        set.extend(last);
        told.push(("counted", format!("{n:05}")));
        told.push(("pokes", format!("{} of", e.id)));
        told.push(("pokes", format!("number {n:05}")));
    }
    for (time, id) in set {
        let again = if id.is_multiple_of(6) { 2 } else { 0 };
        for (round, left) in (0..=again).rev().enumerate() {
            told.push(("rings", format!("{id} at {}, {left}", time + 13 * round as i64)));
        }
    }
    told
}

#[test]
fn timers_do() {
    let mut survived = Survived::default();
    for seed in 0..8 {
        let (data, lag) = sample(&streams(Shape { splits: 4, records: 300, dealt: true, late: 0 }), seed);
        let evs = Once::new(data.clone());
        let memory = evs.clone();
        let got = survived.run(fate(seed, 4), move |n| memory.commit(n), |out| timers(evs.clone(), lag, out.clone()));
        let sorted = |told| {
            let mut all = per_key(told);
            all.values_mut().for_each(|texts| texts.sort_unstable());
            all
        };
        let keys = by_key(data.iter().flatten().copied());
        let told =
            keys.iter().flat_map(|(key, records)| of(records).into_iter().map(|(name, text)| (name, *key, text)));
        let expected = sorted(told.map(|(name, key, text)| (name.to_owned(), key, text)).collect());
        same(sorted(got), &expected, &(lag, seed));
    }
    survived.check();
}
