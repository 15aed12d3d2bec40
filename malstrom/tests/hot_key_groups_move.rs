//! Key groups move between the workers that there are, until all have as much to do: nothing is lost or counted twice by that.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::for_each;
use malstrom::prelude::*;
use malstrom::{Handle, Runtime};
use malstrom_core::contract::key::KeyGroups;
use malstrom_core::state::key_group::KeyHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use support::http::post;
use support::sources::Gated;
use support::{until, within};

const MINUTE: Duration = Duration::from_secs(60);
const SEED: u64 = 7;
const WORKERS: usize = 4;
/// Behind so many records there is a gate.
const GATE: u64 = 200_000;

#[keyed_state(key = u64)]
#[derive(Default)]
struct Seen(u64);
#[operator]
fn number(seen: &mut Seen, _: u64, key: Key<u64>) -> (u64, u64) {
    seen.0 += 1;
    (*key, seen.0)
}
/// By worker and key how many came out, and of each key the sum of its counts.
#[derive(Default)]
struct Came {
    records: u64,
    by: BTreeMap<(String, u64), u64>,
    counts: BTreeMap<u64, u64>,
}
type Out = Arc<Mutex<Came>>;
type Keys = Arc<dyn Fn(u64) -> u64 + Send + Sync>;

pipeline! {
    fn numbered(to: u64, gates: Arc<AtomicU64>, key: Keys, out: Out) {
        source(Gated { to, splits: 4, gates: (1..to / GATE).map(|gate| gate * GATE).collect(), open: move |gate| gate <= gates.load(Ordering::SeqCst) * GATE })
            -> key_by(move |n| key(*n)) -> number -> sink(for_each(move |(key, count): (u64, u64)| {
                let worker = std::thread::current().name().unwrap_or_default().to_owned();
                let mut came = out.lock().unwrap();
                came.records += 1;
                *came.by.entry((worker, key)).or_default() += 1;
                *came.counts.entry(key).or_default() += count;
            }));
    }
}
/// Keys of the groups that worker 0 of four has, no two of which are in one.
fn keys_of_the_first(n: usize) -> Vec<u64> {
    let mut hasher = KeyHasher::new(SEED);
    let mut groups = BTreeSet::new();
    let mut theirs = |key: &u64| {
        let group = usize::from(KeyGroups::DEFAULT.of(hasher.hash(key)));
        group < KeyGroups::DEFAULT.count() / WORKERS && groups.insert(group)
    };
    (0..).filter(|key| theirs(key)).take(n).collect()
}
struct Started {
    job: Handle,
    gates: Arc<AtomicU64>,
    out: Out,
    key: Keys,
    to: u64,
}
impl Started {
    fn new(place: &Path, intervals: u64, key: Keys) -> Self {
        let to = intervals * GATE;
        let (gates, out) = (Arc::new(AtomicU64::new(0)), Out::default());
        let runtime = Runtime::builder().workers(WORKERS).seed(SEED).http("127.0.0.1:0");
        let runtime = runtime.snapshots(format!("file://{}", place.display()), Duration::from_millis(50));
        let (their_gates, their_key, their_out) = (gates.clone(), key.clone(), out.clone());
        let make = move || numbered(to, their_gates.clone(), their_key.clone(), their_out.clone());
        let job = runtime.build().unwrap().start(make).unwrap();
        Started { job, gates, out, key, to }
    }
    /// Waits until what is before the next gate has come out. By worker and key how many that were.
    fn interval(&self) -> BTreeMap<(String, u64), u64> {
        let upto = (self.gates.load(Ordering::SeqCst) + 1) * GATE;
        // A split stands still up to its next number before the gate.
        until("all has come that can", || self.out.lock().unwrap().records >= upto - 4);
        std::mem::take(&mut self.out.lock().unwrap().by)
    }
    fn go_on(&self) {
        self.gates.fetch_add(1, Ordering::SeqCst);
    }
    fn end(self) {
        self.gates.store(u64::MAX / GATE, Ordering::SeqCst);
        self.job.join().unwrap();
        let mut expected = BTreeMap::<u64, u64>::new();
        (0..self.to).for_each(|n| *expected.entry((self.key)(n)).or_default() += 1);
        let counts = std::mem::take(&mut self.out.lock().unwrap().counts);
        let sums: BTreeMap<u64, u64> = expected.into_iter().map(|(key, n)| (key, n * (n + 1) / 2)).collect();
        assert!(counts == sums, "some were lost, or counted twice");
    }
}
/// How many records each worker got.
fn of_workers(came: &BTreeMap<(String, u64), u64>) -> BTreeMap<&str, u64> {
    let mut all = BTreeMap::new();
    came.iter().for_each(|((worker, _), n)| *all.entry(worker.as_str()).or_default() += n);
    all
}

#[test]
fn one_worker_has_all_and_then_each_has_its_share() {
    within(MINUTE, || {
        let place = tempfile::tempdir().unwrap();
        let keys = keys_of_the_first(200);
        let started = Started::new(place.path(), 3, Arc::new(move |n| keys[(n % 200) as usize]));
        let before = started.interval();
        assert_eq!(of_workers(&before).len(), 1, "all are of one worker");
        let moved = started.job.rebalance().unwrap();
        assert_eq!(moved.workers, WORKERS);
        // Of 200 groups that have as much to do as each other 150 have to move, if none is to have more than its share.
        assert!((140..=155).contains(&moved.groups), "{moved}");
        assert!(moved.bytes > 0 && moved.pause > Duration::ZERO, "{moved}");
        started.go_on();
        let after = started.interval();
        let shares = of_workers(&after);
        assert_eq!(shares.len(), WORKERS, "{shares:?}");
        // Within a twentieth by the samples, which are not all records.
        assert!(shares.values().all(|n| n.abs_diff(GATE / 4) < GATE / 4 / 5), "{shares:?}");

        let answer = post(started.job.http().unwrap(), "/v1/rebalance", "");
        assert_eq!(answer.status, 200, "{answer:?}");
        let groups = answer.json()["groups"].as_u64().unwrap();
        assert!(groups < 40, "they had been shared out: {groups} more have moved");
        started.end();
    });
}
#[test]
fn a_key_that_is_more_than_a_worker_can_do_has_one_to_itself_and_stays() {
    within(MINUTE, || {
        let place = tempfile::tempdir().unwrap();
        let keys = keys_of_the_first(100);
        let hot = keys[0];
        // Every second record is of one key.
        let started = Started::new(
            place.path(),
            4,
            Arc::new(move |n| if n % 8 < 4 { keys[0] } else { keys[(n % 100) as usize] }),
        );
        let owner = |came: &BTreeMap<(String, u64), u64>| {
            came.keys().filter(|(_, key)| *key == hot).map(|(worker, _)| worker.clone()).collect::<BTreeSet<_>>()
        };
        let before = owner(&started.interval());
        assert!(started.job.rebalance().unwrap().groups > 50);
        for _ in 0..2 {
            started.go_on();
            let came = started.interval();
            assert_eq!(owner(&came), before, "it stays where it is");
            let shares = of_workers(&came);
            let worker = before.first().unwrap().as_str();
            let beside = shares[worker] - came[&(worker.to_owned(), hot)];
            assert!(beside < GATE / 2 / 3 / 5, "{beside} beside the hot key: {shares:?}");
            started.job.rebalance().unwrap();
        }
        started.end();
    });
}
#[test]
fn a_job_without_snapshots_cannot_move_anything() {
    within(MINUTE, || {
        let key: Keys = Arc::new(|n| n);
        let runtime = Runtime::builder().workers(2).http("127.0.0.1:0").build().unwrap();
        let job = runtime.start(move || numbered(4 * GATE, Arc::default(), key.clone(), Out::default())).unwrap();
        let why = job.rebalance().unwrap_err().to_string();
        assert!(why.contains("--snapshots"), "{why}");
        let answer = post(job.http().unwrap(), "/v1/rebalance", "");
        assert_eq!(answer.status, 409, "{answer:?}");
        assert!(answer.error().contains("--snapshots"), "{answer:?}");
        job.stop().unwrap();
        job.join().unwrap();
    });
}
