//! What the simulator looks at in every run without being asked: a pipeline of everything passes on every seed, also where the clock
//! jumps, and a job that does not come to its end is found, with who waits for what.
#![allow(clippy::unwrap_used, missing_debug_implementations, missing_docs)]
use malstrom::connect::memory;
use malstrom::prelude::*;
use malstrom::sim::engine::{Fault, Invariant, Lived, Schedule, Setup, StoreFault, Stored, What, live};
use malstrom::sim::{Output, Sim, output};
use malstrom::{Emit, Never, Pipeline, Read, Replays, Result, Source, SplitReader};
use std::time::Duration;

#[derive(Record, Clone, Debug, PartialEq)]
struct Ev {
    key: u64,
    at: i64,
    id: u64,
}
const SPLITS: usize = 3;
/// No record of a split is further behind those before it.
const LAG: i64 = 20;
fn events(split: usize) -> impl Iterator<Item = Ev> {
    (0..90u64).map(move |n| {
        let id = n * SPLITS as u64 + split as u64;
        // One key in four records is everybody's.
        let key = if id.is_multiple_of(4) { 0 } else { id * 7 % 11 };
        Ev { key, at: n as i64 * 10 - (id * 13 % 4) as i64 * 10, id }
    })
}

#[keyed_state(key = u64)]
#[derive(Default)]
struct Total {
    ids: u64,
    records: u64,
}
#[operator]
fn total(state: &mut Total, e: Ev) -> (u64, u64, u64) {
    (state.ids, state.records) = (state.ids + e.id, state.records + 1);
    (e.key, state.records, state.ids)
}
#[operator(on_timer = remind)]
fn plan(state: &mut Total, e: Ev, at: EventTime<i64>, timers: Timers<'_, u64>) {
    state.records += 1;
    timers.at(*at + (e.id % 5) as i64 * 17, e.id);
}
#[operator]
fn remind(_: &mut Total, id: u64, key: Key<'_, u64>, at: EventTime<i64>) -> (u64, u64, i64) {
    (*key, id, *at)
}

pipeline! {
    #[guarantee(exactly_once)]
    fn everything(
        windows: Output<(u64, i64, u64)>,
        pairs: Output<(u64, u64)>,
        totals: Output<(u64, u64, u64)>,
        reminders: Output<(u64, u64, i64)>,
        late: Output<u64>,
    ) {
        let evs = source(memory::splits(SPLITS, events)) -> timestamps(|e| e.at, lag = LAG) -> key_by(|e| e.key);
        let cut = evs -> window(sliding(100, 50)) else too_late;
        cut -> count() -> map(|w| (w.key, w.window.start().as_micros(), w.value)) -> key_by(|w| w.1 as u64) -> sink(windows);
        too_late -> map(|late| late.record.id) -> sink(late) as late;
        let (odd, even) = evs -> split(|e| e.id % 2 == 1);
        join(odd, even, within = 20) -> map(|(a, b)| (a.id, b.id)) -> sink(pairs) as pairs;
        evs -> total -> key_by(|t| t.0 % 3) -> sink(totals) as totals;
        evs -> plan -> sink(reminders) as reminders;
    }
}
fn all() -> Pipeline {
    everything(output(), output(), output().last_per(|t: &(u64, u64, u64)| t.0), output(), output())
}

#[test]
fn everything_at_once_passes() {
    let survived = Sim::new(all).workers(3).crashes(2).seeds(0..10).run().unwrap();
    assert!(survived.crashes > 4 && survived.rescales > 2 && survived.snapshots > 30, "{survived:?}");
}

#[operator(on_timer = poke)]
fn wait(total: &mut Total, id: u64, timers: ProcessingTimers<'_, u64>) {
    total.records += 1;
    timers.after(Duration::from_micros(id * 37 % 3_000), id);
}
#[operator]
fn poke(total: &mut Total, id: u64, key: Key<'_, u64>) -> Vec<(u64, String)> {
    total.ids += 1;
    vec![(*key, format!("{id}")), (*key, format!("number {}", total.ids))]
}
pipeline! {
    #[guarantee(exactly_once)]
    fn pokes(out: Output<(u64, String)>) {
        source(memory::splits(2, |split| (0..80u64).map(move |n| n * 2 + split as u64)))
            -> key_by(|n| n % 7) -> wait -> flat_map(|pokes| pokes) -> key_by(|poke| poke.0 % 3) -> sink(out);
    }
}
/// Whatever the clock does, each timer fires once, and the job does not wait for a time that is over.
#[test]
fn timers_outlive_jumps_of_the_clock() {
    let survived = Sim::new(|| pokes(output())).workers(3).clock_jumps(6).seeds(0..16).run().unwrap();
    assert!(survived.crashes > 8 && survived.aborted > 4, "{survived:?}");
}

pipeline! {
    fn numbers(out: memory::Collector<u64>) {
        source(memory::splits(2, |split| (0..100u64).map(move |n| n * 2 + split as u64)))
            -> key_by(|n| n % 7) -> count() -> map(|(key, _)| key) -> sink(out);
    }
}
/// Each fault of the store does what it is there for, and is survived.
#[test]
fn a_store_is_slow_refuses_and_forgets() {
    let lived_with = |fault: Option<StoreFault>, seed: u64| -> Lived {
        let make = || numbers(memory::collector());
        let faults = (1..5).filter_map(|n| Some(Fault { at: n * 60, what: What::Store(fault?) })).collect();
        let every = Duration::from_micros(200)..=Duration::from_micros(200);
        let setup = Setup { seed, schedule: Schedule { workers: 2, faults }, every, pace: 1, ..Setup::default() };
        let mut stored = Stored::new(1, &make()).unwrap();
        live(&setup, Some(&mut stored), &make).unwrap()
    };
    let lived = |fault, seed| lived_with(Some(fault), seed);
    let slow = lived(StoreFault::Slow, 1);
    assert_eq!((slow.failures, slow.attempts), (0, 1), "{slow:?}");
    let snapshots = |fault| (1..9).map(|seed| lived_with(fault, seed).snapshots).sum::<u64>();
    let (fewer, all) = (snapshots(Some(StoreFault::Slow)), snapshots(None));
    assert!(fewer < all, "there is time for {fewer} and for {all}");
    for fault in [StoreFault::Gone, StoreFault::Lost] {
        let gone = lived(fault, 1);
        assert!(gone.failures > 0 && gone.attempts > 1, "{fault}: {gone:?}");
    }
    for fault in [StoreFault::Before, StoreFault::Throttled] {
        let refused = lived(fault, 1);
        assert!(refused.aborted + refused.failures > 1, "{fault}: {refused:?}");
    }
}

/// It says that there will be more, and there never is.
#[derive(Clone, Copy)]
struct Forever;
struct Nothing;
impl Replays for Forever {}
impl Source for Forever {
    type Out = u64;
    type Error = Never;
    type Split = u64;
    type Position = u64;
    type Reader = Nothing;
    fn splits(&mut self) -> Result<Vec<u64>> {
        Ok(vec![0])
    }
    fn open(&mut self, _: u64, _: Option<u64>) -> Result<Nothing> {
        Ok(Nothing)
    }
}
impl SplitReader for Nothing {
    type Out = u64;
    type Error = Never;
    type Position = u64;
    fn read(&mut self, _: usize, _: &mut impl Emit<u64, Never>) -> Result<Read> {
        Ok(Read::After(Duration::from_millis(1)))
    }
    fn position(&self) -> u64 {
        0
    }
}
pipeline! {
    fn endless(source: Forever, out: Output<u64>) {
        source(source) -> sink(out);
    }
}
#[test]
fn a_job_that_does_not_end_says_who_waits() {
    let found = Sim::new(|| endless(Forever, output())).seeds(0..1).run().unwrap_err();
    assert_eq!(found.violation().unwrap().invariant, Invariant::Progress);
    let text = found.to_string();
    assert!(text.contains("the job does not come to its end: it has not after"), "{text}");
    assert!(
        text.contains("worker 0 sleeps until") && text.contains("not come to the end of 1 of its segments"),
        "{text}"
    );
}
