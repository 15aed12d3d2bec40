//! The number of workers of a job changes while records flow: nothing is lost, counted twice, or out of order.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::Runtime;
use malstrom::connect::memory;
use malstrom::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
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

/// Each record counts once, and those of a key come in order behind both exchanges.
fn check(to: u64, got: Vec<(u64, u64, u64, u64)>) {
    let mut keys: BTreeMap<u64, BTreeMap<u64, u64>> = BTreeMap::new();
    let mut hundreds: BTreeMap<u64, BTreeSet<u64>> = BTreeMap::new();
    assert_eq!(got.len() as u64, to);
    for (key, n, sum, of_hundred) in got {
        assert!(keys.entry(key).or_default().insert(n, sum).is_none(), "key {key} has two records {n}");
        assert!(
            hundreds.entry(key / 100).or_default().insert(of_hundred),
            "{of_hundred} of the hundred of {key} is there twice"
        );
    }
    let (mut counts, mut sums) = (BTreeMap::<u64, u64>::new(), BTreeMap::<u64, u64>::new());
    for x in 0..to {
        *counts.entry(x % KEYS).or_default() += 1;
        *sums.entry(x % KEYS).or_default() += x;
    }
    for (key, of_key) in keys {
        assert!(of_key.keys().copied().eq(1..=counts[&key]), "key {key}");
        assert_eq!(of_key.last_key_value(), Some((&counts[&key], &sums[&key])));
    }
    for (hundred, seen) in hundreds {
        assert!(seen.iter().copied().eq(1..=seen.len() as u64), "hundred {hundred}");
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
#[test]
fn a_job_that_has_one_split_is_read_wherever_it_goes() {
    rescaled(3, 1, &[1, 2, 1]);
}
pipeline! {
    fn sums_at_once(to: u64, splits: u64, gates: Gates, out: memory::Collector<(u64, u64, u64, u64)>) {
        source(Gated { to, splits, gates: gates.all(to), open: move |gate| gates.is_open(gate) })
            -> key_by(|x| x % KEYS) -> running
            -> key_by(|(key, ..)| key / 100) -> again -> sink(out);
    }
}
#[test]
fn a_job_that_takes_no_snapshots_may_be_elastic() {
    within(Duration::from_secs(60), || {
        for splits in [1, 8] {
            let (gates, out, then) = (Gates::default(), memory::collector(), [4, 2, 3, 1, 5]);
            let to = GATE * (then.len() as u64 + 1);
            let (theirs, sink) = (gates.clone(), out.clone());
            let runtime = Runtime::builder().workers(1).elastic(true).build().unwrap();
            let job = runtime.start(move || sums_at_once(to, splits, theirs.clone(), sink.clone())).unwrap();
            for workers in then {
                let moved = job.rescale(workers).unwrap();
                println!("{moved}");
                assert!(moved.workers == workers && moved.groups > 0);
                gates.open();
            }
            let why = job.savepoint("s").unwrap_err().to_string();
            assert!(why.contains("--snapshots"), "{why}");
            gates.open_all();
            let report = job.join().unwrap();
            assert_eq!((report.snapshots(), report.restarts(), report.restored_from()), (0, 0, None));
            check(to, out.take());
        }
    });
}
#[test]
fn an_elastic_job_ends_with_its_first_failure() {
    within(Duration::from_secs(60), || {
        let runtime = Runtime::builder().workers(2).elastic(true).build().unwrap();
        let failed = runtime.start(|| fails(memory::collector())).unwrap().join().unwrap_err();
        assert!(failed.to_string().contains("seven is too much"), "{failed}");
    });
}
#[operator]
fn refuse(x: u64) -> u64 {
    assert!(x != 7, "seven is too much");
    x
}
pipeline! {
    fn fails(out: memory::Collector<u64>) {
        source(0..100u64) -> refuse -> sink(out);
    }
}
pipeline! {
    fn files(to: u64, gates: Gates, directory: std::path::PathBuf) {
        source(Gated { to, splits: 4, gates: gates.all(to), open: move |gate| gates.is_open(gate) })
            -> key_by(|x| x % KEYS) -> sink(malstrom::connect::files::csv_sink(directory));
    }
}
/// Also what those have written who are not there any more when the job ends.
#[test]
fn files_have_each_record_once() {
    within(Duration::from_secs(60), || {
        let dir = tempfile::tempdir().unwrap();
        let (to, gates, out) = (3 * GATE, Gates::default(), dir.path().join("out"));
        let runtime = Runtime::builder().workers(3);
        let runtime = runtime.snapshots(format!("file://{}/s", dir.path().display()), Duration::from_millis(20));
        let (theirs, directory) = (gates.clone(), out.clone());
        let job = runtime.build().unwrap().start(move || files(to, theirs.clone(), directory.clone())).unwrap();
        for workers in [1, 2] {
            job.rescale(workers).unwrap();
            gates.open();
        }
        gates.open_all();
        job.join().unwrap();
        let parts = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().path());
        let seen = parts.filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'));
        let rows = seen.flat_map(|path| {
            let text = std::fs::read_to_string(path).unwrap();
            text.lines().map(|line| line.parse::<u64>().unwrap()).collect::<Vec<_>>()
        });
        let mut rows: Vec<u64> = rows.collect();
        rows.sort_unstable();
        assert!(rows.iter().copied().eq(0..to), "{} of {to} records", rows.len());
    });
}
#[test]
fn what_cannot_be_is_refused() {
    within(Duration::from_secs(60), || {
        let dir = tempfile::tempdir().unwrap();
        let (gates, out) = (Gates::default(), two_phase());
        let (theirs, published) = (gates.clone(), out.clone());
        let make = move || sums(2 * GATE, 2, theirs.clone(), published.clone());
        let kept = Runtime::builder().workers(2);
        let kept = kept.snapshots(format!("file://{}", dir.path().display()), Duration::from_secs(3600));
        let job = kept.build().unwrap().start(make.clone()).unwrap();
        for workers in [0, 65] {
            let why = job.rescale(workers).unwrap_err().to_string();
            assert!(why.contains("1 to 64 workers"), "{why}");
        }
        assert_eq!(job.rescale(2).unwrap().groups, 0, "it has them");
        gates.open_all();
        job.join().unwrap();
        let job = Runtime::builder().workers(1).build().unwrap().start(make).unwrap();
        for why in [job.rescale(2).map(drop), job.rebalance().map(drop)] {
            let why = why.unwrap_err().to_string();
            assert!(why.contains("`--snapshots`") && why.contains("`--elastic`"), "{why}");
        }
        job.join().unwrap();
    });
}
