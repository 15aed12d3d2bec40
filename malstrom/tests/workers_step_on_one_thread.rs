//! Workers are state machines: driven by hand on one thread, under any interleaving and a clock of the driver's, they come
//! to the same as a job; the same seed gives the same trace; steps are bounded, and what wakes a worker is reported.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::memory;
use malstrom::prelude::*;
use malstrom::{Pipeline, Read};
use malstrom_core::contract::key::KeyGroups;
use malstrom_core::exchange::fabric::{Fabric, Wake};
use malstrom_core::worker::{EmptyShelf, Scaling, Settings, Step, Worker};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use support::sources::ByCalls;

#[keyed_state(key = u64)]
#[derive(Default)]
struct Mixed {
    n: u64,
}
#[operator]
fn mixed(state: &mut Mixed, x: u64) -> (u64, u64) {
    state.n += 1;
    (x, state.n)
}

/// Records that were read, over all workers.
static READ: AtomicU64 = AtomicU64::new(0);

pipeline! {
    fn job(splits: u64, out: memory::Collector<(u64, u64)>) {
        source(ByCalls { splits, read: |split: u64, call: u64, emit: &mut dyn FnMut(u64)| {
            if call == 60 {
                return Ok(Read::End);
            }
            // Now and then it has nothing for a while.
            if call % 7 == 3 {
                return Ok(Read::After(Duration::from_millis(split + 1)));
            }
            (0..97).for_each(|i| emit(call * 97 + i + split));
            READ.fetch_add(97, Ordering::Relaxed);
            Ok(Read::More)
        }})
            -> key_by(|x| x % 59) -> mixed -> key_by(|m| m.0 % 13) -> sum(|m| m.0 % 5) -> sink(out);
    }
}

/// Remembers who was woken.
struct Bells(Vec<AtomicBool>);
impl Wake for Bells {
    fn wake(&self, worker: usize) {
        self.0[worker].store(true, Ordering::SeqCst);
    }
}

/// Drives `workers` workers to their end in an order that follows from `seed`. Workers that are idle are stepped only when
/// they were woken or their time has come. Returns the trace.
fn drive(workers: usize, seed: u64, make: impl Fn() -> Pipeline) -> Vec<(usize, String)> {
    let bells = Arc::new(Bells((0..workers).map(|_| AtomicBool::new(false)).collect()));
    let fabric = Fabric::new(workers, bells.clone());
    let settings = |worker| Settings {
        worker,
        workers,
        seed: 7,
        key_groups: KeyGroups::DEFAULT,
        started: 0,
        linger: Duration::from_millis(1),
        saving: None,
        scaling: Scaling::Fixed,
    };
    let mut machines: Vec<_> =
        (0..workers).map(|w| Worker::new(make(), &settings(w), fabric.clone(), &EmptyShelf).unwrap()).collect();
    let mut states = vec![Step::Busy; workers];
    let (mut now, mut random, mut trace) = (Duration::ZERO, support::scrambled(seed), Vec::new());
    while states.iter().any(|state| *state != Step::Done) {
        let ready: Vec<usize> = (0..workers)
            .filter(|w| match states[*w] {
                Step::Busy => true,
                Step::Idle(due) => bells.0[*w].load(Ordering::SeqCst) || due.is_some_and(|due| due <= now),
                Step::Done => false,
            })
            .collect();
        if ready.is_empty() {
            // Everybody sleeps: time passes until the first of them wants to look again.
            let due = states.iter().filter_map(|state| if let Step::Idle(due) = state { *due } else { None }).min();
            now = due.expect("nobody is woken any more, and there are records left: a lost wake-up");
            continue;
        }
        let worker = ready[(random() % ready.len() as u64) as usize];
        bells.0[worker].store(false, Ordering::SeqCst);
        let before = READ.load(Ordering::Relaxed);
        states[worker] = machines[worker].step(now).unwrap();
        let read = READ.load(Ordering::Relaxed) - before;
        assert!(read <= 200_000, "one step read {read} records");
        trace.push((worker, format!("{:?} {read}", states[worker])));
        now += Duration::from_micros(random() % 50);
        assert!(trace.len() < 1_000_000, "it does not come to an end");
    }
    trace
}

fn sorted(out: &memory::Collector<(u64, u64)>) -> Vec<u64> {
    // The last sum of each key does not depend on the order.
    let mut last = std::collections::BTreeMap::new();
    out.take().into_iter().for_each(|(key, sum)| {
        let kept = last.entry(key).or_insert(0);
        *kept = sum.max(*kept);
    });
    last.into_iter().flat_map(|(k, v)| [k, v]).collect()
}

#[test]
fn any_interleaving_comes_to_the_same() {
    let out = memory::collector();
    drive(1, 0, || job(5, out.clone()));
    let expected = sorted(&out);
    assert_eq!(expected.len(), 26);
    for workers in [1, 2, 3] {
        for seed in 0..30 {
            let trace = drive(workers, seed, || job(5, out.clone()));
            let records: Vec<_> = out.take();
            assert_eq!(records.len() as u64, 5 * 51 * 97, "seed {seed}");
            let again = memory::collector();
            // Put back, to compare what it came to.
            malstrom::Sink::write(&mut again.clone(), &mut records.clone()).unwrap();
            assert_eq!(sorted(&again), expected, "{workers} workers, seed {seed}");
            let trace_again = drive(workers, seed, || job(5, out.clone()));
            assert_eq!(trace, trace_again, "{workers} workers, seed {seed}");
            assert_eq!(out.take(), records, "the same seed writes the same in the same order");
        }
    }
    let expected_by_threads = memory::collector();
    let into = expected_by_threads.clone();
    support::run(2, move || job(5, into.clone())).unwrap();
    assert_eq!(sorted(&expected_by_threads), expected);
}

#[test]
fn a_worker_that_is_not_woken_has_nothing_to_do() {
    // A worker alone, whose peer never runs: it comes to rest instead of spinning, and does so soon.
    let bells = Arc::new(Bells((0..2).map(|_| AtomicBool::new(false)).collect()));
    let fabric = Fabric::new(2, bells.clone());
    let settings = Settings {
        worker: 0,
        workers: 2,
        seed: 7,
        key_groups: KeyGroups::DEFAULT,
        started: 0,
        linger: Duration::from_millis(1),
        saving: None,
        scaling: Scaling::Fixed,
    };
    let endless = || {
        pipeline! { fn endless() { source(0u64..) -> key_by(|x| *x) -> sink(malstrom::connect::for_each(|_: u64| ())); } }
        endless()
    };
    let mut worker = Worker::new(endless(), &settings, fabric, &EmptyShelf).unwrap();
    let rest = (0..10_000).find(|ms| worker.step(Duration::from_millis(*ms)).unwrap() == Step::Idle(None));
    assert!(rest.is_some_and(|steps| steps < 100), "{rest:?}");
    assert!(bells.0[1].load(Ordering::SeqCst), "the peer was told that there is something for it");
}
