//! A job that is started again with more key groups goes on where it was, on any number of workers; it need not be told again, and never
//! has fewer.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use malstrom::snapshot::{Archive, Location};
use malstrom::{Error, Handle, Report, Restore};
use malstrom_core::runtime::{Environment, Role, RuntimeBuilder};
use malstrom_core::sim::engine::{Fault, Schedule, Setup, Stored, What, live};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use support::http::{get, post};
use support::prometheus::parse;
use support::sources::Gated;
use support::staying::{Staying, kept, staying, url};
use support::two_phase::{TwoPhase, two_phase};
use support::{until, within};

const MINUTE: Duration = Duration::from_secs(60);
const KEYS: u64 = 5_000;

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
type Out = Collector<(u64, u64, u64)>;
pipeline! {
    fn sums(numbers: Staying<u64>, out: Out) {
        source(numbers) -> key_by(|x| x % KEYS) -> running -> sink(out);
    }
}

/// A start of the job: with so many workers, and so many key groups if that is said.
#[derive(Clone, Copy)]
struct Start {
    workers: usize,
    key_groups: Option<usize>,
    upto: u64,
}
fn try_start(at: &Path, how: Start, restore: Restore, out: &Out) -> Result<Handle, Error> {
    let mut runtime = kept(at).workers(how.workers).restore(restore).http("127.0.0.1:0");
    if let Some(key_groups) = how.key_groups {
        runtime = runtime.key_groups(key_groups);
    }
    let into = out.clone();
    runtime.build()?.start(move || sums(staying(0..how.upto), into.clone()))
}
/// Starts it, and waits until it has read all.
fn start(at: &Path, how: Start, out: &Out, all: &mut Vec<(u64, u64, u64)>) -> Handle {
    let job = try_start(at, how, Restore::Latest, out).unwrap();
    until("all is read", || {
        all.extend(out.take());
        all.len() as u64 >= how.upto
    });
    job
}
fn stop(job: Handle) {
    job.stop().unwrap();
    job.join().unwrap();
}
/// How many key groups the newest snapshot has.
fn newest(at: &Path) -> u32 {
    let archive = Archive::open(&url(at).parse::<Location>().unwrap()).unwrap();
    archive.manifest(archive.latest().unwrap()).unwrap().key_groups
}
fn shown(job: &Handle) -> (u64, f64) {
    let at = job.http().unwrap();
    let metrics = parse(&get(at, "/metrics").body).unwrap();
    let status = get(at, "/v1/status").json();
    (status["key_groups"].as_u64().unwrap(), metrics.get("malstrom_key_groups", &[]).unwrap())
}
/// What one run without a stop would have emitted.
fn check(mut all: Vec<(u64, u64, u64)>, upto: u64) {
    let mut sums = BTreeMap::<u64, (u64, u64)>::new();
    let mut expected: Vec<_> = (0..upto)
        .map(|x| {
            let (n, sum) = sums.entry(x % KEYS).or_default();
            (*n, *sum) = (*n + 1, *sum + x);
            (x % KEYS, *n, *sum)
        })
        .collect();
    expected.sort_unstable();
    all.sort_unstable();
    assert_eq!(all.len(), expected.len());
    assert!(all == expected, "a record was counted for another state than it should have been");
}
fn refusal(started: Result<Handle, Error>) -> String {
    match started {
        Err(Error::Config(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_job_goes_on_with_twice_as_many() {
    within(MINUTE, || {
        let dir = tempfile::tempdir().unwrap();
        let (at, out, mut all) = (dir.path(), memory::collector(), Vec::new());
        let job = start(at, Start { workers: 2, key_groups: None, upto: 20_000 }, &out, &mut all);
        assert_eq!(shown(&job), (4096, 4096.0));
        job.savepoint("before").unwrap();
        stop(job);
        assert_eq!(newest(at), 4096);

        let job = start(at, Start { workers: 3, key_groups: Some(8192), upto: 40_000 }, &out, &mut all);
        assert_eq!(shown(&job), (8192, 8192.0));
        stop(job);
        assert_eq!(newest(at), 8192);

        // Nobody has to remember it. And halves of what was a group go to others while the job runs.
        let job = start(at, Start { workers: 1, key_groups: None, upto: 60_000 }, &out, &mut all);
        assert_eq!(shown(&job).0, 8192);
        let moved = job.rescale(3).unwrap();
        assert_eq!((moved.workers, moved.groups), (3, 8192 - 8192usize.div_ceil(3)));
        job.savepoint("spread").unwrap();
        stop(job);
        assert_eq!(newest(at), 8192);

        let job = start(at, Start { workers: 4, key_groups: Some(32768), upto: 80_000 }, &out, &mut all);
        stop(job);
        check(all, 80_000);

        let fewer = Start { workers: 2, key_groups: Some(4096), upto: 80_000 };
        let why = refusal(try_start(at, fewer, Restore::Latest, &out));
        assert!(
            why.contains("it has 32768 key groups, and 4096 are asked for; groups can be split, but not put together"),
            "{why}"
        );
        assert!(why.ends_with("leave out `--key-groups`, or ask for 32768 or more"), "{why}");

        // What was saved before has as many as it had.
        let before = Start { workers: 2, key_groups: None, upto: 20_000 };
        let job = try_start(at, before, Restore::Savepoint("before".into()), &out).unwrap();
        assert_eq!(shown(&job).0, 4096);
        stop(job);
        assert_eq!(newest(at), 4096);
    });
}

/// Fails once, at this record.
#[derive(Clone)]
struct Trap(u64, Arc<AtomicBool>);
impl Trap {
    fn step(&self, x: u64) -> u64 {
        assert!(x != self.0 || !self.1.swap(false, Ordering::SeqCst), "as it should");
        x % KEYS
    }
}
pipeline! {
    fn trapped(numbers: Staying<u64>, trap: Trap, out: Out) {
        source(numbers) -> key_by(move |x| trap.step(*x)) -> running -> sink(out);
    }
}
#[test]
fn a_failure_before_the_first_snapshot_splits_them_again() {
    within(MINUTE, || {
        let dir = tempfile::tempdir().unwrap();
        let (at, out, mut all) = (dir.path(), memory::collector(), Vec::new());
        for (key_groups, upto) in [(4096, 20_000), (16384, 40_000)] {
            let trap = Trap(30_000, Arc::new(AtomicBool::new(true)));
            let (into, theirs) = (out.clone(), trap.clone());
            let runtime = kept(at).restarts(1).key_groups(key_groups).build().unwrap();
            let job = runtime.start(move || trapped(staying(0..upto), theirs.clone(), into.clone())).unwrap();
            let mut seen = BTreeSet::new();
            until("all is read, some of it twice", || {
                all.extend(out.take());
                seen.extend(all.iter().copied());
                seen.len() as u64 >= upto
            });
            assert_eq!(trap.1.load(Ordering::SeqCst), upto <= 30_000, "it has failed if it should have");
            stop(job);
            assert_eq!(newest(at) as usize, key_groups);
        }
        all.sort_unstable();
        all.dedup();
        check(all, 40_000);
    });
}

struct Place {
    number: Option<u32>,
    coordinator: SocketAddr,
}
impl Environment for Place {
    fn role(&self) -> Role {
        if self.number.is_some() { Role::Worker } else { Role::Coordinator }
    }
    fn process(&self) -> Option<u32> {
        self.number
    }
    fn processes(&self) -> usize {
        2
    }
    fn listen(&self) -> String {
        if self.number.is_none() { self.coordinator.to_string() } else { "127.0.0.1:0".into() }
    }
    fn coordinator(&self) -> Vec<String> {
        vec![self.coordinator.to_string()]
    }
}
fn free_port() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}
/// A job of several processes, each of which is a thread here.
struct Cluster<'a> {
    at: &'a Path,
    coordinator: SocketAddr,
    http: SocketAddr,
    processes: Vec<JoinHandle<Result<Option<Report>, Error>>>,
    out: Out,
}
impl Cluster<'_> {
    /// Only the coordinator is told how many key groups there are to be.
    fn start<'a>(at: &'a Path, key_groups: Option<usize>, upto: u64, out: &Out) -> Cluster<'a> {
        let (coordinator, http) = (free_port(), free_port());
        let mut cluster = Cluster { at, coordinator, http, processes: Vec::new(), out: out.clone() };
        let mut runtime = kept(at).http(http.to_string());
        if let Some(key_groups) = key_groups {
            runtime = runtime.key_groups(key_groups);
        }
        cluster.add(None, runtime, upto);
        (0..2).for_each(|number| cluster.join(number, upto));
        cluster.until("it runs", |status| status["phase"] == "running");
        cluster
    }
    fn join(&mut self, number: u32, upto: u64) {
        self.add(Some(number), kept(self.at), upto);
    }
    fn add(&mut self, number: Option<u32>, runtime: RuntimeBuilder, upto: u64) {
        let (place, out) = (Place { number, coordinator: self.coordinator }, self.out.clone());
        let runtime = runtime.build().unwrap();
        let run = move || runtime.run_in(place, move || sums(staying(0..upto), out.clone()));
        self.processes.push(std::thread::spawn(run));
    }
    fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) {
        let there = || std::net::TcpStream::connect(self.http).is_ok();
        until(what, || there() && holds(&get(self.http, "/v1/status").json()));
    }
    fn stop(self) {
        assert_eq!(post(self.http, "/v1/stop", "").status, 202);
        self.processes.into_iter().for_each(|process| drop(process.join().unwrap().unwrap()));
    }
}
#[test]
fn processes_are_told_how_many_there_are() {
    within(MINUTE, || {
        let dir = tempfile::tempdir().unwrap();
        let (at, out, mut all) = (dir.path(), memory::collector(), Vec::new());
        for (key_groups, upto, has) in [(None, 10_000, 4096), (Some(8192), 20_000, 8192), (None, 30_000, 8192)] {
            let mut job = Cluster::start(at, key_groups, upto, &out);
            until("all is read", || {
                all.extend(out.take());
                all.len() as u64 >= upto
            });
            job.until("it is shown", |status| status["key_groups"] == has);
            if upto == 20_000 {
                job.join(2, upto);
                job.until("another one has joined", |status| {
                    status["workers"] == 6 && status["last_rescale"]["groups"] == 8192 - 2 * 8192usize.div_ceil(3)
                });
            }
            job.stop();
            assert_eq!(newest(at), has);
        }
        check(all, 30_000);
    });
}

pipeline! {
    fn gated(to: u64, out: TwoPhase<(u64, u64, u64)>) {
        source(Gated { to, splits: 4, gates: Vec::new(), open: |_| true }) -> key_by(|x| x % KEYS) -> running -> sink(out);
    }
}
/// The simulator does so too with one job in three, when it has crashed.
#[test]
fn simulated_jobs_split_them() {
    let mut splits = 0;
    for seed in (0..30).step_by(3) {
        let out = two_phase();
        let make = || gated(20_000, out.clone());
        let crash = |(at, then)| Fault { at, what: What::Crash { then: Some(then) } };
        let schedule = Schedule { workers: 2, faults: [(400, 3), (500, 1), (600, 4)].map(crash).to_vec() };
        let mut store = Stored::new(seed, &make()).unwrap();
        let lived = live(&Setup { seed, schedule, ..Setup::default() }, Some(&mut store), &make).unwrap();
        splits += lived.splits;
        let mut all = out.take();
        all.sort_unstable();
        // Records of a key come from several splits, in any order.
        let counts = all.iter().map(|(key, n, _)| (*key, *n));
        assert!(counts.eq((0..KEYS).flat_map(|key| (1..=20_000 / KEYS).map(move |n| (key, n)))), "seed {seed}");
    }
    assert!(splits > 3, "{splits}");
}

#[test]
fn what_there_cannot_be_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let out = memory::collector();
    for key_groups in [0, 64, 5000, 65536] {
        let start = Start { workers: 1, key_groups: Some(key_groups), upto: 1 };
        let why = refusal(try_start(dir.path(), start, Restore::Latest, &out));
        assert_eq!(
            why,
            format!(
                "there cannot be {key_groups} key groups: their number is a power of two from 128 to 32768 (4096 by default): set \
                 `--key-groups` to one of these"
            )
        );
    }
    let start = Start { workers: 200, key_groups: Some(128), upto: 1 };
    let why = refusal(try_start(dir.path(), start, Restore::Latest, &out));
    assert!(why.starts_with("200 workers are more than the 128 key groups"), "{why}");
}
