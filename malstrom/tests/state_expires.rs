//! State with a time to live is gone when that has passed since its last use: by event time where the stream has it, by the
//! clock of the machine elsewhere.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs, unused_qualifications)]
mod support;

use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use malstrom::{Pipeline, Read};
use malstrom_core::contract::key::KeyGroups;
use malstrom_core::exchange::fabric::{Fabric, Wake};
use malstrom_core::worker::{Scaling, Settings, Step, Worker};
use proptest::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;
use support::run;
use support::sources::ByCalls;
use support::time_oracle::{Ev, Shape, Splits, streams};

const SECOND: i64 = 1_000_000;
const TTL: i64 = 10 * SECOND;

#[keyed_state(key = u64, ttl = "10s")]
#[derive(Default)]
struct Recent {
    uses: u64,
}
#[keyed_state(key = u64, ttl = "10s")]
struct Opened {
    by: u64,
}
#[keyed_state(key = u64)]
#[derive(Default)]
struct Kept {
    uses: u64,
}

/// How often the state of the record's key was used before.
#[operator]
fn recent(state: &mut Recent, e: Ev) -> (u64, u64, u64) {
    state.uses += 1;
    (e.key, e.id, state.uses - 1)
}
/// Who opened the state of the record's key, 0 if it is this one. Every fifth value closes it.
#[operator]
fn opened(state: &mut Option<Opened>, e: Ev) -> (u64, u64, u64) {
    let by = state.get_or_insert(Opened { by: e.id }).by;
    if e.value % 5 == 0 {
        *state = None;
    }
    (e.key, e.id, if by == e.id { 0 } else { by })
}
#[operator]
fn kept(state: &mut Kept, e: Ev) -> (u64, u64, u64) {
    state.uses += 1;
    (e.key, e.id, state.uses - 1)
}
/// Uses the state again 8 seconds later.
#[operator(on_timer = used)]
fn used_later(state: &mut Recent, e: Ev, at: EventTime, timers: Timers<'_, ()>) -> (u64, u64, u64) {
    if state.uses == 0 {
        timers.at(*at + 8.seconds(), ());
    }
    state.uses += 1;
    (e.key, e.id, state.uses - 1)
}
#[operator]
fn used(state: &mut Recent, (): (), key: Key<'_, u64>) -> (u64, u64, u64) {
    (*key, u64::MAX, state.uses)
}
/// Counts the records without event time.
#[operator]
fn by_the_clock(state: &mut Recent, x: u64) -> (u64, u64) {
    state.uses += 1;
    (x, state.uses - 1)
}

type Out = Collector<(&'static str, (u64, u64, u64))>;

fn splits(data: &Splits) -> memory::Splits<impl Fn(usize) -> std::vec::IntoIter<Ev> + 'static> {
    let data = data.clone();
    memory::splits(data.len(), move |split| data[split].clone().into_iter())
}

pipeline! {
    fn by_event_time(data: Splits, lag: Duration, out: Out) {
        let evs = source(splits(&data)) -> timestamps(|e| Timestamp::from_micros(e.at), lag = lag) -> key_by(|e| e.key);
        evs -> recent -> map(|r| ("recent", r)) -> sink(out.clone());
        evs -> opened -> map(|r| ("opened", r)) -> sink(out.clone());
        evs -> kept -> map(|r| ("kept", r)) -> sink(out);
    }
    fn with_a_timer(data: Vec<Ev>, out: Out) {
        source(data) -> timestamps(|e| Timestamp::from_micros(e.at)) -> key_by(|e| e.key) -> used_later
            -> map(|r| ("used", r)) -> sink(out);
    }
    fn without_event_time(out: Collector<(u64, u64)>) {
        // One record of key 7 after 0, 3, 12, 22 (10 after the one before) and 31.999 seconds.
        source(ByCalls { splits: 1, read: |_: u64, call: u64, emit: &mut dyn FnMut(u64)| {
            let pauses = [3_000, 9_000, 10_000, 9_999];
            if call % 2 == 1 {
                return Ok(pauses.get(call as usize / 2).map_or(Read::End, |ms| Read::After(Duration::from_millis(*ms))));
            }
            emit(7);
            Ok(Read::More)
        }}) -> key_by(|x| *x) -> by_the_clock -> sink(out);
    }
}

/// Which state each record of one key finds, where the time of its use is `age`.
fn model(records: &[Ev], age: impl Fn(usize, &Ev) -> i64) -> BTreeMap<&'static str, Vec<(u64, u64, u64)>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let (mut uses, mut kept, mut opened): ((u64, i64), u64, Option<(u64, i64)>) = Default::default();
    uses.1 = i64::MIN;
    for (i, e) in records.iter().enumerate() {
        // The deadline is put off by each use, and never brought forward.
        let now = age(i, e);
        if uses.1 <= now {
            uses = (0, i64::MIN);
        }
        opened = opened.filter(|(_, deadline)| *deadline > now);
        found.entry("recent").or_default().push((e.key, e.id, uses.0));
        found.entry("kept").or_default().push((e.key, e.id, kept));
        found.entry("opened").or_default().push((e.key, e.id, opened.map_or(0, |(by, _)| by)));
        uses = (uses.0 + 1, uses.1.max(now + TTL));
        kept += 1;
        opened = match (e.value % 5, opened) {
            (0, _) => None,
            (_, None) => Some((e.id, now + TTL)),
            (_, Some((by, deadline))) => Some((by, deadline.max(now + TTL))),
        };
    }
    found
}

type ByKey = HashMap<u64, BTreeMap<&'static str, Vec<(u64, u64, u64)>>>;
fn got(workers: usize, data: &Splits, lag: i64) -> ByKey {
    let (out, data, lag) = (memory::collector(), data.clone(), Duration::from_micros(lag as u64));
    let into: Out = out.clone();
    run(workers, move || by_event_time(data.clone(), lag, into.clone())).unwrap();
    let mut by_key = ByKey::new();
    for (name, found) in out.take() {
        by_key.entry(found.0).or_default().entry(name).or_default().push(found);
    }
    by_key
}
/// Seconds for ticks, or around the time to live.
fn slowly(splits: &mut Splits, lag: &mut i64, times: i64) {
    let first = splits.iter().flatten().map(|e| e.at).min().unwrap_or(0);
    splits.iter_mut().flatten().for_each(|e| e.at = first + (e.at - first) * times);
    *lag *= times;
}
fn keys(splits: &Splits) -> BTreeMap<u64, Vec<Ev>> {
    support::time_oracle::by_key(splits.iter().flatten().copied())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_its_last_use((mut splits, mut lag) in streams(Shape { splits: 4, records: 600, dealt: true, late: 0 }), times in prop_oneof![Just(SECOND), Just(SECOND / 10), Just(TTL / 2)]) {
        slowly(&mut splits, &mut lag, times);
        let expected: ByKey = keys(&splits).into_iter().map(|(key, records)| (key, model(&records, |_, e| e.at))).collect();
        for workers in 1..=4 {
            prop_assert_eq!(&got(workers, &splits, lag), &expected, "{} workers", workers);
        }
    }
    /// A late record is used at the time of the watermark: time does not go back for it.
    #[test]
    fn late_records_use_it_at_the_watermark((mut splits, mut lag) in streams(Shape { splits: 1, records: 400, dealt: true, late: 4 }), times in prop_oneof![Just(SECOND), Just(SECOND / 10)]) {
        slowly(&mut splits, &mut lag, times);
        let (mut max, mut ages) = (None::<i64>, HashMap::new());
        for e in &splits[0] {
            ages.insert(e.id, max.map_or(e.at, |max| e.at.max(max - lag - 1)));
            max = max.max(Some(e.at));
        }
        let expected: ByKey = keys(&splits).into_iter().map(|(key, records)| (key, model(&records, |_, e| ages[&e.id]))).collect();
        prop_assert_eq!(got(1, &splits, lag), expected);
    }
}

#[test]
fn it_is_gone_at_the_very_tick() {
    let ev = |id, at| Ev { key: 1, at, id, value: 1 };
    let data = vec![vec![ev(1, 0), ev(2, TTL - 1), ev(3, 2 * TTL - 1), ev(4, 3 * TTL - 2), ev(5, 4 * TTL - 2)]];
    let recent: Vec<u64> = got(1, &data, 0)[&1]["recent"].iter().map(|found| found.2).collect();
    // The second comes a tick before its time is over, the third just then.
    assert_eq!(recent, [0, 1, 0, 1, 0]);
    let opened: Vec<u64> = got(1, &data, 0)[&1]["opened"].iter().map(|found| found.2).collect();
    assert_eq!(opened, [0, 1, 0, 3, 0]);
}

/// What the records and timers of key 1 find, where another key's record at `leap` has time advance.
fn around_a_leap(leap: i64, last: i64) -> Vec<(u64, u64)> {
    let out = memory::collector();
    let ev = |key, id, at| Ev { key, at, id, value: 1 };
    let (into, data) = (out.clone(), vec![ev(1, 1, 0), ev(2, 2, leap), ev(1, 3, last)]);
    run(1, move || with_a_timer(data.clone(), into.clone())).unwrap();
    out.take().into_iter().filter(|r| r.1.0 == 1).map(|r| (r.1.1, r.1.2)).take(3).collect()
}

#[test]
fn a_timer_uses_it_at_its_own_time() {
    // Used at 0 and, by the timer, at 8 seconds: there until 18.
    for leap in [8 * SECOND + 1, 9 * SECOND, 17 * SECOND] {
        assert_eq!(around_a_leap(leap, 18 * SECOND - 1), [(1, 0), (u64::MAX, 1), (3, 1)], "leap to {leap}");
        assert_eq!(around_a_leap(leap, 18 * SECOND), [(1, 0), (u64::MAX, 1), (3, 0)], "leap to {leap}");
    }
}

#[test]
fn a_timer_finds_it_however_far_time_has_leapt() {
    assert_eq!(around_a_leap(1_000 * SECOND, 1_001 * SECOND), [(1, 0), (u64::MAX, 1), (3, 0)]);
}

struct Nobody;
impl Wake for Nobody {
    fn wake(&self, _: usize) {}
}

#[test]
fn by_the_clock_where_there_is_no_event_time() {
    let out = memory::collector();
    let settings = Settings {
        worker: 0,
        workers: 1,
        seed: 7,
        key_groups: KeyGroups::DEFAULT,
        started: 0,
        linger: Duration::ZERO,
        saving: None,
        scaling: Scaling::Fixed,
    };
    let pipeline: Pipeline = without_event_time(out.clone());
    let mut worker =
        Worker::new(pipeline, &settings, Fabric::new(1, Arc::new(Nobody)), &malstrom_core::worker::EmptyShelf).unwrap();
    let mut now = Duration::ZERO;
    loop {
        match worker.step(now).unwrap() {
            Step::Busy => {}
            Step::Idle(due) => now = due.unwrap(),
            Step::Done => break,
        }
    }
    assert_eq!(out.take(), [(7, 0), (7, 1), (7, 2), (7, 0), (7, 1)]);
}
