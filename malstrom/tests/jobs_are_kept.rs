//! A job with snapshots on threads: it is restarted when it fails, goes on when it is run again, stops so that it can go on, and
//! refuses what it cannot go on from.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use malstrom::{Error, Pipeline, Report, Restore, Runtime};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use support::sources::Gated;
use support::two_phase::{TwoPhase, two_phase};
use support::{until, within};

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
    (x % 7, state.n, state.sum)
}

/// What goes wrong, and when.
#[derive(Clone)]
struct Trouble(Arc<dyn Fn(u64) -> Result<u64, String> + Send + Sync>);
impl Trouble {
    fn none() -> Trouble {
        Trouble(Arc::new(Ok))
    }
    /// The first `times` records at or behind `from` panic.
    fn panics(from: u64, times: u64) -> Trouble {
        let left = AtomicU64::new(times);
        Trouble(Arc::new(move |x| {
            if x >= from && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
                panic!("trouble at {x}");
            }
            Ok(x)
        }))
    }
    fn fails(from: u64) -> Trouble {
        Trouble(Arc::new(move |x| if x >= from { Err(format!("trouble at {x}")) } else { Ok(x) }))
    }
}
#[operator]
fn troubled(x: u64, #[arg] trouble: &Trouble) -> Result<u64, String> {
    (trouble.0)(x)
}

pipeline! {
    /// It does not come past the n-th of the gates before so many snapshots are committed.
    fn sums(to: u64, gates: Vec<u64>, trouble: Trouble, out: TwoPhase<(u64, u64, u64)>) {
        source(Gated { to, splits: 3, gates: gates.clone(), open: opens(gates, out.clone()) })
            -> troubled(trouble)?
            -> key_by(|x| x % 7) -> running -> sink(out);
    }
}

const EVERY: Duration = Duration::from_millis(10);

fn opens(gates: Vec<u64>, out: TwoPhase<(u64, u64, u64)>) -> impl Fn(u64) -> bool + Clone {
    move |gate| gates.iter().position(|other| *other == gate).is_none_or(|at| out.commits() > at)
}

fn runtime(workers: usize, at: &Path) -> Runtime {
    builder(workers, at).build().unwrap()
}
fn builder(workers: usize, at: &Path) -> malstrom_core::runtime::RuntimeBuilder {
    Runtime::builder().workers(workers).snapshots(format!("file://{}", at.display()), EVERY)
}
fn run(runtime: Runtime, make: impl Fn() -> Pipeline + Send + Sync + 'static) -> Result<Report, Error> {
    within(Duration::from_secs(60), move || runtime.run(make))
}
/// The last sums of each key do not depend on the order of the records.
#[track_caller]
fn check(to: u64, mut got: Vec<(u64, u64, u64)>) {
    got.sort_unstable();
    let expected: Vec<(u64, u64)> =
        (0..7).flat_map(|key| (1..=(0..to).filter(|x| x % 7 == key).count() as u64).map(move |n| (key, n))).collect();
    assert_eq!(got.iter().map(|(key, n, _)| (*key, *n)).collect::<Vec<_>>(), expected, "each record counts once");
    for key in 0..7 {
        let last = got.iter().rfind(|(k, ..)| *k == key).unwrap();
        assert_eq!(last.2, (0..to).filter(|x| x % 7 == key).sum::<u64>());
    }
}

#[test]
fn a_panic_restarts_the_job_from_the_last_snapshot() {
    let at = tempfile::tempdir().unwrap();
    let out = two_phase();
    let (into, trouble) = (out.clone(), Trouble::panics(3000, 3));
    let report =
        run(runtime(2, at.path()), move || sums(6000, vec![1000, 2000], trouble.clone(), into.clone())).unwrap();
    // Two workers may fail at the same time.
    assert!((2..=3).contains(&report.restarts()), "{}", report.restarts());
    assert!(report.restored_from().is_some());
    check(6000, out.take());
}

#[test]
fn a_job_that_fails_again_and_again_ends_with_the_failure() {
    let at = tempfile::tempdir().unwrap();
    let out = two_phase();
    let into = out.clone();
    let failing = builder(2, at.path()).restarts(2).build().unwrap();
    let error = run(failing, move || sums(6000, vec![1000, 2000], Trouble::fails(3000), into.clone())).unwrap_err();
    assert!(error.to_string().contains("`sums/troubled` failed: trouble at 3"), "{error}");
    // What was committed before is there, and it goes on from there once the trouble is over.
    let into = out.clone();
    let report =
        run(runtime(3, at.path()), move || sums(6000, vec![1000, 2000], Trouble::none(), into.clone())).unwrap();
    assert!(report.restored_from().is_some());
    check(6000, out.take());
}

#[test]
fn a_job_that_is_stopped_goes_on_with_any_number_of_workers() {
    let at = tempfile::tempdir().unwrap();
    let out = two_phase();
    for workers in [1, 4, 64, 3] {
        let into = out.clone();
        let runtime = runtime(workers, at.path());
        within(Duration::from_secs(60), move || {
            let handle = runtime
                .start(move || sums(30_000, (1..30).map(|gate| gate * 1000).collect(), Trouble::none(), into.clone()))
                .unwrap();
            let before = handle.report().records_read();
            until("it has read something", || handle.report().records_read() > before + 100);
            handle.stop().unwrap();
            assert!(handle.join().unwrap().stopped());
        });
    }
    let into = out.clone();
    run(runtime(2, at.path()), move || sums(30_000, Vec::new(), Trouble::none(), into.clone())).unwrap();
    check(30_000, out.take());
}

#[test]
fn a_job_that_has_ended_has_nothing_more_to_do() {
    let at = tempfile::tempdir().unwrap();
    let out = two_phase();
    for records in [2100, 0, 0] {
        let into = out.clone();
        run(runtime(2, at.path()), move || sums(2100, Vec::new(), Trouble::none(), into.clone())).unwrap();
        assert_eq!(out.take().len(), records);
    }
}

#[test]
fn one_can_begin_anew_or_go_back() {
    let at = tempfile::tempdir().unwrap();
    let out = two_phase();
    let (into, directory) = (out.clone(), at.path().to_owned());
    within(Duration::from_secs(60), move || {
        let handle =
            runtime(2, &directory).start(move || sums(9000, vec![1000, 5000], Trouble::none(), into.clone())).unwrap();
        until("it has read something", || handle.report().records_read() > 900);
        handle.savepoint("early").unwrap();
        let again = handle.savepoint("early").unwrap_err().to_string();
        assert!(again.contains("`early`"), "{again}");
        let wrong = handle.savepoint("a/b").unwrap_err().to_string();
        assert!(wrong.contains("cannot be the name of a savepoint"), "{wrong}");
        handle.join().unwrap();
    });
    check(9000, out.take());
    let sums_from = |restore: Restore| {
        let out = two_phase();
        let into = out.clone();
        let runtime = builder(3, at.path()).restore(restore).build().unwrap();
        let report = run(runtime, move || sums(9000, Vec::new(), Trouble::none(), into.clone())).unwrap();
        (report, out.take())
    };
    let (report, again) = sums_from(Restore::Savepoint("early".into()));
    assert!(report.restored_from().is_some());
    // Only what came behind the savepoint is read again; what was staged for it may be published again.
    assert!((1000..8500).contains(&report.records_read()), "{}", report.records_read());
    let last = |got: &[(u64, u64, u64)]| got.iter().filter(|(key, ..)| *key == 3).max().copied();
    let sum = (0..9000).filter(|x| x % 7 == 3).sum::<u64>();
    assert_eq!(last(&again).map(|(_, _, sum)| sum), Some(sum), "the state before it was there");
    let (report, anew) = sums_from(Restore::None);
    assert_eq!(report.restored_from(), None);
    check(9000, anew);
}

pipeline! {
    fn twice(xs: Vec<u64>, out: Collector<(u64, u64)>) {
        let (a, b) = source(xs) -> split(|x| x % 2 == 0);
        a -> key_by(|x| *x) -> count() -> sink(out.clone()) as a_out;
        b -> key_by(|x| *x) -> count() -> sink(out) as b_out;
    }
    fn once(xs: Vec<u64>, out: Collector<(u64, u64)>) {
        source(xs) -> key_by(|x| *x) -> count() as counted -> sink(out);
    }
    fn gone(xs: Vec<u64>, out: Collector<u64>) {
        source(xs) -> sink(out);
    }
}

#[test]
fn what_snapshots_could_not_find_again_is_refused() {
    let out = memory::collector();
    let started = Runtime::builder().workers(1).snapshots("memory://unnamed", EVERY).build().unwrap();
    let error = run(started, move || twice(vec![1, 2], out.clone())).unwrap_err().to_string();
    assert!(error.contains("`twice/count` and `twice/count_2`") && error.contains("`as`"), "{error}");
    // Without snapshots nobody minds.
    let out = memory::collector();
    support::run(1, move || twice(vec![1, 2], out.clone())).unwrap();
}

#[test]
fn another_job_in_the_same_place_is_refused() {
    let out = memory::collector();
    let place = || Runtime::builder().workers(1).snapshots("memory://taken", EVERY).build().unwrap();
    run(place(), move || once(vec![1, 2], out.clone())).unwrap();
    let out = memory::collector();
    let error = run(place(), move || gone(vec![1, 2], out.clone())).unwrap_err().to_string();
    assert!(error.contains("`once`") && error.contains("`gone`"), "{error}");
}

#[test]
fn a_place_that_cannot_be_had_is_refused() {
    for (url, word) in [("snapshots", "file://"), ("ftp://x", "s3://"), ("file://host/dir", "file:///")] {
        let error = Runtime::builder().snapshots(url, EVERY).build().unwrap_err().to_string();
        assert!(error.contains(word), "{url}: {error}");
    }
    let error = Runtime::builder().snapshots("memory://x", Duration::ZERO).build().unwrap_err().to_string();
    assert!(error.contains("more than 0"), "{error}");
    let error = Runtime::builder().restore(Restore::Snapshot(3)).build().unwrap_err().to_string();
    assert!(error.contains("--snapshots"), "{error}");
}

#[test]
fn the_place_does_not_grow() {
    let at = tempfile::tempdir().unwrap();
    let out = two_phase();
    let into = out.clone();
    let often =
        Runtime::builder().workers(1).snapshots(format!("file://{}", at.path().display()), Duration::from_millis(1));
    let report = run(often.build().unwrap(), move || {
        sums(60_000, (1..60).map(|gate| gate * 1000).collect(), Trouble::none(), into.clone())
    })
    .unwrap();
    assert!(report.snapshots() >= 60, "{}", report.snapshots());
    let objects = std::fs::read_dir(at.path().join("segments")).unwrap().count();
    assert!(objects <= 60, "{objects} segments after {} snapshots", report.snapshots());
}

/// From an older one, it would publish again what it has published since.
#[test]
fn a_job_whose_last_snapshot_is_damaged_does_not_begin_at_an_older_one() {
    let at = tempfile::tempdir().unwrap();
    let out = two_phase();
    let into = out.clone();
    run(runtime(2, at.path()), move || sums(3000, vec![1000, 2000], Trouble::none(), into.clone())).unwrap();
    check(3000, out.take());
    let segments = std::fs::read_dir(at.path().join("segments")).unwrap().map(|entry| entry.unwrap().path());
    let newest = segments.max().unwrap();
    let mut bytes = std::fs::read(&newest).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&newest, bytes).unwrap();
    let into = out.clone();
    let failed = run(runtime(2, at.path()), move || sums(6000, vec![], Trouble::none(), into.clone())).unwrap_err();
    assert!(format!("{failed:?}").contains("is damaged"), "{failed:?}");
    assert!(out.take().is_empty());
}

/// A failure before the first snapshot is no reason to go on from others than what was asked for.
#[test]
fn a_job_that_begins_anew_begins_anew_again_when_it_fails_at_once() {
    let at = tempfile::tempdir().unwrap();
    let out = two_phase();
    let into = out.clone();
    run(runtime(2, at.path()), move || sums(9000, vec![1000, 5000], Trouble::none(), into.clone())).unwrap();
    check(9000, out.take());
    let (out, trouble) = (two_phase(), Trouble::panics(100, 1));
    let into = out.clone();
    let anew = Runtime::builder().workers(1).restore(Restore::None);
    let anew = anew.snapshots(format!("file://{}", at.path().display()), Duration::from_secs(3600)).build().unwrap();
    let report = run(anew, move || sums(9000, Vec::new(), trouble.clone(), into.clone())).unwrap();
    assert_eq!((report.restarts(), report.restored_from()), (1, None));
    check(9000, out.take());
}
