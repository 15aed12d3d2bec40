//! Timers fire in the order of their times, once, when the watermark has reached them, and all that are left when the input
//! has ended; those by the clock of the machine fire while a job waits.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs, unused_qualifications)]
mod support;

use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use malstrom::{Read, Runtime};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;
use support::feed::Feed;
use support::run;
use support::sources::ByCalls;
use support::time_oracle::{Ev, Shape, streams};

/// What a timer holds: what it is called, and how often it is set again, each time `every` later; `FOR_EVER` is no number.
#[derive(Record, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Alarm {
    name: u8,
    again: u16,
    every: i64,
}
#[derive(Record, Clone, Copy, Debug, PartialEq)]
enum Order {
    Set(i64, Alarm),
    Cancel(i64, Alarm),
}
const FOR_EVER: u16 = u16::MAX;
/// A record, and what it does to timers.
#[derive(Record, Clone, Debug, PartialEq)]
struct Cmd {
    key: u64,
    at: i64,
    orders: Vec<Order>,
}
/// A timer that has fired, or a record that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Seen {
    Rang(i64, Alarm),
    Came(i64),
}

#[keyed_state(key = u64)]
#[derive(Default)]
struct Bells {
    rung: u64,
}
#[operator(on_timer = ring)]
fn plan(_: &mut Bells, cmd: Cmd, key: Key<'_, u64>, timers: Timers<'_, Alarm>) -> (u64, Seen) {
    for order in cmd.orders {
        match order {
            Order::Set(at, alarm) => timers.at(at, alarm),
            Order::Cancel(at, alarm) => timers.cancel(at, alarm),
        }
    }
    (*key, Seen::Came(cmd.at))
}
#[operator]
fn ring(
    bells: &mut Bells,
    alarm: Alarm,
    key: Key<'_, u64>,
    at: EventTime<i64>,
    watermark: Watermark,
    timers: Timers<'_, Alarm>,
) -> (u64, Seen) {
    assert!(watermark.time().is_none_or(|promised| promised.as_micros() >= *at), "{} at {watermark:?}", *at);
    assert_ne!(watermark, Watermark::Unknown);
    bells.rung += 1;
    if alarm.again > 0 {
        let again = if alarm.again == FOR_EVER { FOR_EVER } else { alarm.again - 1 };
        timers.after(alarm.every, Alarm { again, ..alarm });
    }
    (*key, Seen::Rang(*at, alarm))
}

#[operator(on_timer = poke)]
fn wait(_: &mut Bells, x: u64, timers: ProcessingTimers<'_, u8>, #[arg] delays: &[u64]) -> (u64, u8) {
    for (i, ms) in delays.iter().enumerate() {
        timers.after(Duration::from_millis(*ms), i as u8 + 1);
    }
    (x, 0)
}
#[operator]
fn poke(_: &mut Bells, which: u8, key: Key<'_, u64>) -> (u64, u8) {
    (*key, which)
}
#[operator(on_timer = poked_in_time)]
fn wait_in_time(_: &mut Bells, e: Ev, at: EventTime<i64>, timers: ProcessingTimers<'_, u8>) -> (u64, i64) {
    timers.after(1.millis(), 1);
    timers.after(1.hours(), 2);
    (e.key, *at)
}
#[operator]
fn poked_in_time(_: &mut Bells, which: u8, at: EventTime<i64>, watermark: Watermark) -> (u64, i64) {
    assert!(which == 1 || watermark == Watermark::Ended, "it is not yet time for {which}");
    assert!(watermark.time().is_none_or(|promised| promised.as_micros() < *at), "{} at {watermark:?}", *at);
    (u64::MAX, *at)
}

type Out = Collector<(u64, Seen)>;
pipeline! {
    fn bells(data: Vec<Vec<Cmd>>, lag: i64, out: Out) {
        source(memory::splits(data.len(), move |split| data[split].clone().into_iter()))
            -> timestamps(|cmd| cmd.at, lag = lag) -> key_by(|cmd| cmd.key) -> plan -> sink(out);
    }
    fn waiting(delays: Vec<u64>, out: Collector<(u64, u8)>) {
        source(ByCalls { splits: 2, read: |split: u64, call: u64, emit: &mut dyn FnMut(u64)| {
            if call == 0 {
                emit(split);
            }
            Ok(Read::After(Duration::from_secs(3_600)))
        }}) -> key_by(|x| *x) -> wait(delays) -> sink(out);
    }
    fn waiting_in_time(feed: Feed, out: Collector<(u64, i64)>) {
        source(feed) -> timestamps(|e| e.at) -> key_by(|e| e.key) -> wait_in_time -> sink(out);
    }
}

fn alarm(name: u8) -> Alarm {
    Alarm { name, again: 0, every: 0 }
}
fn cmd(key: u64, at: i64, orders: &[Order]) -> Cmd {
    Cmd { key, at, orders: orders.to_vec() }
}
/// Per key, in order.
fn got(workers: usize, data: Vec<Vec<Cmd>>, lag: i64) -> BTreeMap<u64, Vec<Seen>> {
    let out = memory::collector();
    let into: Out = out.clone();
    run(workers, move || bells(data.clone(), lag, into.clone())).unwrap();
    let mut by_key: BTreeMap<u64, Vec<Seen>> = BTreeMap::new();
    out.take().into_iter().for_each(|(key, seen)| by_key.entry(key).or_default().push(seen));
    by_key
}
fn rings(seen: &[Seen]) -> Vec<(i64, u8)> {
    seen.iter()
        .filter_map(|seen| if let Seen::Rang(at, alarm) = seen { Some((*at, alarm.name)) } else { None })
        .collect()
}

/// The timers of one key: by time, then in the order in which they were set.
#[derive(Default)]
struct Waiting(Vec<(i64, Alarm)>);
impl Waiting {
    fn obey(&mut self, order: Order) {
        let (Order::Set(at, alarm) | Order::Cancel(at, alarm)) = order;
        let waits = self.0.contains(&(at, alarm));
        match order {
            Order::Set(..) if !waits => self.0.push((at, alarm)),
            Order::Cancel(..) => self.0.retain(|timer| *timer != (at, alarm)),
            Order::Set(..) => {}
        }
    }
    fn fire(&mut self, up_to: i64) -> Option<Seen> {
        let first = (0..self.0.len()).min_by_key(|i| (self.0[*i].0, *i)).filter(|i| self.0[*i].0 <= up_to)?;
        let (at, alarm) = self.0.remove(first);
        if alarm.again > 0 {
            self.obey(Order::Set(at + alarm.every, Alarm { again: alarm.again - 1, ..alarm }));
        }
        Some(Seen::Rang(at, alarm))
    }
}
/// One split on one worker, no timer in the past: all that happens, in order. At the end of the input all that are left
/// fire, and those that they set.
fn model(cmds: &[Cmd], lag: i64) -> BTreeMap<u64, Vec<Seen>> {
    let mut keys: BTreeMap<u64, (Waiting, Vec<Seen>)> = BTreeMap::new();
    let mut max = i64::MIN;
    for cmd in cmds {
        let (timers, seen) = keys.entry(cmd.key).or_default();
        cmd.orders.iter().for_each(|order| timers.obey(*order));
        seen.push(Seen::Came(cmd.at));
        max = max.max(cmd.at);
        for (timers, seen) in keys.values_mut() {
            seen.extend(std::iter::from_fn(|| timers.fire(max - lag - 1)));
        }
    }
    keys.into_iter()
        .map(|(key, (mut timers, mut seen))| {
            seen.extend(std::iter::from_fn(|| timers.fire(i64::MAX)));
            (key, seen)
        })
        .collect()
}

/// What records do: they set timers at their own time or later, and take back such ones. Those that set others have names of
/// their own: whether they have done so when a record comes depends on who is faster.
fn orders(random: &mut impl FnMut() -> u64, at: i64, chains: bool) -> Vec<Order> {
    let mut order = || {
        let at = at + [0, 1, 5, 20, 300][random() as usize % 5];
        if chains && random().is_multiple_of(6) {
            let (again, every) = (1 + (random() % 3) as u16, 1 + (random() % 30) as i64);
            return Order::Set(at, Alarm { name: 9, again, every });
        }
        let alarm = alarm((random() % 3) as u8);
        if random().is_multiple_of(3) { Order::Cancel(at, alarm) } else { Order::Set(at, alarm) }
    };
    (0..3).map(|_| order()).collect()
}
fn commands(splits: Vec<Vec<Ev>>, seed: u64, chains: bool) -> Vec<Vec<Cmd>> {
    let mut random = support::scrambled(seed);
    let mut command = |e: &Ev| Cmd { key: e.key, at: e.at, orders: orders(&mut random, e.at, chains) };
    splits.iter().map(|split| split.iter().map(&mut command).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, max_shrink_iters: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_split_does_what_the_model_does((splits, lag) in streams(Shape { splits: 1, records: 400, dealt: true, late: 0 }), seed: u64) {
        let data = commands(splits, seed, true);
        prop_assert_eq!(got(1, data.clone(), lag), model(&data[0], lag));
    }
    /// Which record comes before which timer depends on who is faster, but not which timers fire, and in which order.
    #[test]
    fn several_splits_and_workers_fire_the_same_timers((splits, lag) in streams(Shape { splits: 4, records: 400, dealt: true, late: 0 }), seed: u64) {
        for chains in [false, true] {
            let data = commands(splits.clone(), seed, chains);
            let only_rings = |by_key: BTreeMap<u64, Vec<Seen>>| -> BTreeMap<u64, Vec<Seen>> {
                let rang = |seen: Vec<Seen>| seen.into_iter().filter(|seen| matches!(seen, Seen::Rang(..))).collect();
                by_key.into_iter().map(|(key, seen)| (key, rang(seen))).collect()
            };
            let mut expected: BTreeMap<u64, Vec<Seen>> = BTreeMap::new();
            data.iter().for_each(|split| expected.extend(only_rings(model(split, lag))));
            for workers in 1..=4 {
                let mut got = only_rings(got(workers, data.clone(), lag));
                for seen in got.values() {
                    prop_assert!(rings(seen).is_sorted_by_key(|ring| ring.0));
                }
                if chains {
                    // Timers that were set by others may come before or after those of the same time.
                    got.values_mut().chain(expected.values_mut()).for_each(|seen| seen.sort_unstable());
                }
                prop_assert_eq!(&got, &expected, "{} workers", workers);
            }
        }
    }
}

#[test]
fn a_timer_set_twice_fires_once_and_one_that_was_taken_back_does_not() {
    let (one, two) = (alarm(1), alarm(2));
    let data = vec![
        cmd(
            1,
            0,
            &[
                Order::Set(50, one),
                Order::Set(40, one),
                Order::Set(50, two),
                Order::Set(50, one),
                Order::Cancel(40, two),
            ],
        ),
        cmd(2, 1, &[Order::Cancel(50, one), Order::Set(45, one)]),
        cmd(
            1,
            2,
            &[
                Order::Set(50, one),
                Order::Cancel(40, one),
                Order::Set(30, two),
                Order::Cancel(30, two),
                Order::Set(30, two),
            ],
        ),
    ];
    for workers in 1..=3 {
        let got = got(workers, vec![data.clone()], 0);
        assert_eq!(rings(&got[&1]), [(30, 2), (50, 1), (50, 2)]);
        assert_eq!(rings(&got[&2]), [(45, 1)]);
    }
}

#[test]
fn a_timer_may_be_set_again_after_it_has_fired() {
    let one = alarm(1);
    let data =
        vec![cmd(1, 0, &[Order::Set(5, one)]), cmd(2, 10, &[]), cmd(1, 20, &[Order::Set(5, one), Order::Set(25, one)])];
    assert_eq!(rings(&got(1, vec![data], 0)[&1]), [(5, 1), (5, 1), (25, 1)]);
}

#[test]
fn a_timer_set_for_a_time_that_has_passed_fires_before_the_next_record_of_its_key() {
    let past = |at| cmd(1, at, &[Order::Set(-100, alarm(at as u8))]);
    let data = vec![past(10), past(11), past(11), past(11), cmd(1, 12, &[])];
    let rang = |name| Seen::Rang(-100, alarm(name));
    let expected = [
        Seen::Came(10),
        rang(10),
        Seen::Came(11),
        rang(11),
        Seen::Came(11),
        rang(11),
        Seen::Came(11),
        rang(11),
        Seen::Came(12),
    ];
    // Nothing has been promised when the first record comes, so its timer waits for a watermark.
    assert_eq!(got(1, vec![data], 0)[&1], expected);
}

#[test]
fn timers_fire_in_the_order_of_their_times_across_a_leap_of_the_watermark() {
    let set = |at: i64| Order::Set(at, alarm(at as u8));
    let data = vec![
        cmd(1, 0, &[set(90), set(10), set(50)]),
        cmd(1, 1, &[set(30), set(70), set(200)]),
        cmd(2, 100, &[]),
        cmd(1, 101, &[]),
    ];
    let expected = [
        Seen::Came(0),
        Seen::Came(1),
        Seen::Rang(10, alarm(10)),
        Seen::Rang(30, alarm(30)),
        Seen::Rang(50, alarm(50)),
        Seen::Rang(70, alarm(70)),
        Seen::Rang(90, alarm(90)),
        Seen::Came(101),
        Seen::Rang(200, alarm(200)),
    ];
    assert_eq!(got(1, vec![data], 0)[&1], expected);
}

#[test]
fn a_chain_that_the_end_of_the_input_starts_goes_on_for_all_keys_alike() {
    // However the keys are spread over the workers.
    let again = Alarm { name: 1, again: 3, every: 10 };
    let data: Vec<Cmd> = (0..8).map(|key| cmd(key, 0, &[Order::Set(5 + key as i64 * 7, again)])).collect();
    let expected = got(1, vec![data.clone()], 0);
    for workers in 2..=4 {
        assert_eq!(got(workers, vec![data.clone()], 0), expected, "{workers} workers");
    }
}

#[test]
fn a_chain_without_an_end_comes_to_an_end_and_takes_nothing_from_others() {
    let endless = Alarm { name: 9, again: FOR_EVER, every: 1 };
    let data = vec![
        cmd(1, 0, &[Order::Set(5, endless)]),
        cmd(2, 0, &[Order::Set(30_000, alarm(1)), Order::Set(90_000, alarm(2))]),
    ];
    for workers in 1..=3 {
        let data = data.clone();
        let got = support::within(Duration::from_secs(10), move || got(workers, vec![data], 0));
        assert!(got[&1].len() > 100);
        assert_eq!(rings(&got[&2]), [(30_000, 1), (90_000, 2)], "{workers} workers");
    }
}

#[test]
fn a_job_that_waits_fires_timers_by_the_clock() {
    support::within(Duration::from_secs(60), || {
        for workers in 1..=3 {
            let out = memory::collector();
            let into = out.clone();
            let runtime = Runtime::builder().workers(workers).build().unwrap();
            let handle = runtime.start(move || waiting(vec![40, 1, 20, 3_600_000], into.clone())).unwrap();
            let mut seen: Vec<(u64, u8)> = Vec::new();
            support::until("all of them have fired", || {
                seen.extend(out.take());
                seen.len() == 8
            });
            for key in [0, 1] {
                let of_key: Vec<u8> = seen.iter().filter(|(k, _)| *k == key).map(|(_, which)| *which).collect();
                assert_eq!(of_key, [0, 2, 3, 1]);
            }
            handle.stop().unwrap();
            handle.join().unwrap();
            assert_eq!(out.take(), [], "a timer that was not due does not fire");
        }
    });
}

#[test]
fn what_a_timer_by_the_clock_emits_is_on_time() {
    support::within(Duration::from_secs(60), || {
        let (feed, out) = (Feed::new(1), memory::collector());
        let (source, into) = (feed.clone(), out.clone());
        let runtime = Runtime::builder().workers(2).build().unwrap();
        let handle = runtime.start(move || waiting_in_time(source.clone(), into.clone())).unwrap();
        let mut seen: Vec<(u64, i64)> = Vec::new();
        for at in [10, 20] {
            feed.emit(0, [at]);
            support::until("its timer has fired", || {
                seen.extend(out.take());
                seen.iter().filter(|(key, _)| *key == u64::MAX).count() == (at / 10) as usize
            });
        }
        feed.end();
        handle.join().unwrap();
        assert_eq!(seen.iter().filter(|(key, _)| *key == 0).count(), 2);
        assert_eq!(out.take().len(), 2, "what is left fires at the end of the input");
    });
}
