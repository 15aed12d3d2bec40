//! The number of workers of a job changes while records flow: nothing is lost, counted twice, or out of order.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::prelude::*;
use malstrom::Runtime;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use support::sources::Gated;
use support::two_phase::{TwoPhase, two_phase};
use support::within;

const KEYS: u64 = 1000;
/// All of them are behind a gate, of which so many have been opened.
const GATE: u64 = 20_000;

#[keyed_state(key = u64)]
#[derive(Default)]
struct Sum {
    n: u64,
    sum: u64,
}
#[operator]
fn running(state: &mut Sum, x: u64) -> (u64, u64, u64) {
    state.n += 1;
    state.sum += x;
    (x % KEYS, state.n, state.sum)
}
#[keyed_state(key = u64)]
#[derive(Default)]
struct Seen(u64);
/// Behind another exchange: how many there were of the hundreds of the key.
#[operator]
fn again(state: &mut Seen, (key, n, sum): (u64, u64, u64)) -> (u64, u64, u64, u64) {
    state.0 += 1;
    (key, n, sum, state.0)
}

pipeline! {
    fn sums(to: u64, splits: u64, gates: Gates, out: TwoPhase<(u64, u64, u64, u64)>) {
        source(Gated { to, splits, gates: gates.all(to), open: move |gate| gates.is_open(gate) })
            -> key_by(|x| x % KEYS) -> running
            -> key_by(|(key, ..)| key / 100) -> again -> sink(out);
    }
}

/// Gates at the multiples of [`GATE`].
#[derive(Clone, Default)]
struct Gates(Arc<AtomicU64>);
impl Gates {
    fn all(&self, to: u64) -> Vec<u64> {
        (1..).map(|gate| gate * GATE).take_while(|gate| *gate < to).collect()
    }
    fn is_open(&self, gate: u64) -> bool {
        gate <= self.0.load(Ordering::SeqCst) * GATE
    }
    fn open(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
    fn open_all(&self) {
        self.0.store(u64::MAX / GATE, Ordering::SeqCst);
    }
}

fn check(to: u64, mut got: Vec<(u64, u64, u64, u64)>) {
    let mut last = std::collections::HashMap::new();
    let mut hundreds: std::collections::BTreeMap<u64, Vec<u64>> = std::collections::BTreeMap::new();
    got.sort_by_key(|(key, n, ..)| (*key, *n));
    let keys: Vec<(u64, u64)> = got.iter().map(|(key, n, ..)| (*key, *n)).collect();
    let count = |key: u64| (0..to).filter(|x| x % KEYS == key).count() as u64;
    let expected: Vec<(u64, u64)> = (0..KEYS).flat_map(|key| (1..=count(key)).map(move |n| (key, n))).collect();
    assert_eq!(keys.len(), expected.len());
    assert!(keys == expected, "each record counts once");
    for (key, _, sum, of_hundred) in got {
        last.insert(key, sum);
        hundreds.entry(key / 100).or_default().push(of_hundred);
    }
    for key in 0..KEYS {
        assert_eq!(last[&key], (0..to).filter(|x| x % KEYS == key).sum::<u64>());
    }
    for (_, mut seen) in hundreds {
        seen.sort_unstable();
        assert_eq!(seen, (1..=seen.len() as u64).collect::<Vec<_>>());
    }
}

fn rescaled(first: usize, splits: u64, then: &'static [usize]) {
    within(Duration::from_secs(60), move || {
        let dir = tempfile::tempdir().unwrap();
        let to = GATE * (then.len() as u64 + 1);
        let (gates, out) = (Gates::default(), two_phase());
        let runtime = Runtime::builder()
            .workers(first)
            .snapshots(format!("file://{}", dir.path().display()), Duration::from_millis(20))
            .build()
            .unwrap();
        let (theirs, published) = (gates.clone(), out.clone());
        let job = runtime.start(move || sums(to, splits, theirs.clone(), published.clone())).unwrap();
        let mut before = first;
        for workers in then {
            let moved = job.rescale(*workers).unwrap();
            println!("{before} -> {moved}");
            assert_eq!(moved.workers, *workers);
            before = *workers;
            gates.open();
        }
        gates.open_all();
        job.join().unwrap();
        check(to, out.take());
    });
}

#[test]
fn one_becomes_two() {
    rescaled(1, 8, &[2]);
}
#[test]
fn two_become_one() {
    rescaled(2, 8, &[1]);
}
#[test]
fn there_and_back() {
    rescaled(1, 8, &[4, 2, 3, 1, 5]);
}
