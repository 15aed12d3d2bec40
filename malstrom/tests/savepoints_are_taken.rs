//! Savepoints: by a handle, and by requests from outside. What they have, and what becomes of those that cannot be taken.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::memory::{self, Collector};
use malstrom::prelude::*;
use malstrom::snapshot::{Archive, Location, Requests};
use malstrom::{Handle, Restore};
use std::path::Path;
use std::time::Duration;
use support::staying::{Staying, kept, staying, url};
use support::{until, within};

pipeline! {
    fn sums(numbers: Staying<u64>, out: Collector<(u64, u64)>) {
        source(numbers) -> key_by(|x| x % 3) -> sum(|x| *x) -> sink(out);
    }
}

fn start(at: &Path, upto: u64, restore: Restore) -> (Handle, Collector<(u64, u64)>) {
    let out = memory::collector();
    let into = out.clone();
    let runtime = kept(at).restore(restore).build().unwrap();
    let job = runtime.start(move || sums(staying(0..upto), into.clone())).unwrap();
    (job, out)
}
fn read(out: &Collector<(u64, u64)>, records: usize) -> Vec<(u64, u64)> {
    let mut all = Vec::new();
    until("all is emitted", || {
        all.extend(out.take());
        all.len() >= records
    });
    all.sort_unstable();
    all
}
fn sum_of(from: u64, upto: u64) -> Vec<(u64, u64)> {
    let mut all: Vec<_> = (from..upto).map(|x| (x % 3, (0..=x).filter(|y| y % 3 == x % 3).sum())).collect();
    all.sort_unstable();
    all
}
fn savepoint(name: &str) -> Restore {
    Restore::Savepoint(name.to_owned())
}
fn requests(at: &Path) -> Requests {
    Requests::open(&url(at).parse::<Location>().unwrap()).unwrap()
}
/// Far enough in the future, in microseconds since 1970.
const LATER: i64 = i64::MAX;

#[test]
fn a_handle_takes_savepoints_that_stay() {
    within(Duration::from_secs(60), || {
        let at = tempfile::tempdir().unwrap();
        let (job, out) = start(at.path(), 30, Restore::Latest);
        assert_eq!(read(&out, 30), sum_of(0, 30));
        job.savepoint("thirty").unwrap();
        let taken = job.savepoint("thirty").unwrap_err().to_string();
        assert!(taken.contains("there is a savepoint `thirty` already: choose another name, or delete"), "{taken}");
        let bad = job.savepoint("a/b").unwrap_err().to_string();
        assert!(bad.contains("cannot be the name of a savepoint"), "{bad}");
        job.stop().unwrap();
        let over = job.savepoint("late").unwrap_err().to_string();
        assert!(over.contains("has ended"), "{over}");
        job.join().unwrap();

        // Others go on from the last snapshot, as often as they like, and the savepoint is what it was.
        for upto in [40, 50] {
            let (job, out) = start(at.path(), upto, Restore::Latest);
            assert_eq!(read(&out, 10), sum_of(upto - 10, upto));
            job.stop().unwrap();
            job.join().unwrap();
        }
        let (job, out) = start(at.path(), 33, savepoint("thirty"));
        assert_eq!(read(&out, 3), sum_of(30, 33));
        job.stop().unwrap();
        job.join().unwrap();
    });
}

#[test]
fn without_snapshots_there_are_no_savepoints() {
    let out = memory::collector();
    let runtime = malstrom::Runtime::builder().workers(1).build().unwrap();
    let job = runtime.start(move || sums(staying(0..3), out.clone())).unwrap();
    let why = job.savepoint("x").unwrap_err().to_string();
    assert_eq!(why, "a savepoint needs a place for snapshots: say where by `--snapshots`");
    job.stop().unwrap();
    job.join().unwrap();
}

#[test]
fn a_request_is_done_by_the_running_job() {
    within(Duration::from_secs(60), || {
        let at = tempfile::tempdir().unwrap();
        let requests = requests(at.path());
        // One that nobody waits for any more, and one that is no request.
        requests.ask("forgotten", 1, 0).unwrap();
        std::fs::write(at.path().join("requests/savepoint-broken"), "?").unwrap();
        let (job, out) = start(at.path(), 30, Restore::Latest);
        read(&out, 30);
        requests.ask("asked", LATER, 0).unwrap();
        let archive = || Archive::open(&url(at.path()).parse().unwrap()).unwrap();
        until("all requests are gone", || requests.list().unwrap().is_empty());
        let names: Vec<_> = archive().list().iter().map(|saved| saved.to_restore()).collect();
        assert_eq!(names, ["asked"], "what nobody waits for is not done");
        assert_eq!(requests.failure("asked").unwrap(), None);
        // A name that the job refuses: a directory of that name was copied there.
        std::fs::create_dir(at.path().join("savepoints/copied")).unwrap();
        std::fs::copy(at.path().join("savepoints/asked/manifest"), at.path().join("savepoints/copied/manifest"))
            .unwrap();
        requests.ask("copied", LATER, 0).unwrap();
        let mut why = None;
        until("it is refused", || {
            why = requests.failure("copied").unwrap();
            why.is_some()
        });
        assert!(why.as_ref().unwrap().contains("there is a savepoint `copied` already"), "{why:?}");
        job.stop().unwrap();
        job.join().unwrap();

        let (job, out) = start(at.path(), 33, savepoint("asked"));
        assert_eq!(read(&out, 3), sum_of(30, 33));
        job.stop().unwrap();
        job.join().unwrap();
    });
}

#[test]
fn a_request_that_another_coordinator_had_taken_is_done_by_the_next_one() {
    within(Duration::from_secs(60), || {
        let at = tempfile::tempdir().unwrap();
        let requests = requests(at.path());
        requests.ask("taken", LATER, 0).unwrap();
        requests.take(&requests.find("taken").unwrap().unwrap()).unwrap();
        let (job, out) = start(at.path(), 3, Restore::Latest);
        read(&out, 3);
        until("it is done", || requests.find("taken").unwrap().is_none());
        job.stop().unwrap();
        job.join().unwrap();
        // It died after the commit, and before it could say so.
        requests.ask("taken", LATER, 0).unwrap();
        let (job, _) = start(at.path(), 3, savepoint("taken"));
        until("it is let go", || requests.find("taken").unwrap().is_none());
        assert_eq!(requests.failure("taken").unwrap(), None);
        job.stop().unwrap();
        job.join().unwrap();
    });
}

#[test]
fn a_job_that_ends_turns_down_what_it_has_not_done() {
    within(Duration::from_secs(60), || {
        let at = tempfile::tempdir().unwrap();
        let (job, out) = start(at.path(), 3, Restore::Latest);
        read(&out, 3);
        let requests = requests(at.path());
        // It looks once a second, and is stopped before that or after: either is right.
        requests.ask("at-the-end", LATER, 0).unwrap();
        job.stop().unwrap();
        job.join().unwrap();
        let failure = requests.failure("at-the-end").unwrap();
        let archive = Archive::open(&url(at.path()).parse().unwrap()).unwrap();
        let there = archive.list().iter().any(|saved| saved.to_restore() == "at-the-end");
        assert!(failure.as_deref() == Some("the job has ended") || there, "{failure:?}");
        assert_eq!(requests.list().unwrap(), []);
    });
}

#[test]
fn answers_that_nobody_reads_are_swept_by_the_running_job() {
    within(Duration::from_secs(60), || {
        let at = tempfile::tempdir().unwrap();
        let requests = requests(at.path());
        for (name, end) in [("stale", 1), ("young", LATER)] {
            requests.ask(name, end, 0).unwrap();
            requests.answer(name, Err("there was no room")).unwrap();
        }
        let runtime = kept(at.path()).snapshots(url(at.path()), Duration::from_millis(1)).build().unwrap();
        let job = runtime.start(|| sums(staying(0..3), memory::collector())).unwrap();
        until("the stale one is gone", || !at.path().join("requests/failed-stale").exists());
        job.stop().unwrap();
        job.join().unwrap();
        assert_eq!(requests.failure("young").unwrap().as_deref(), Some("there was no room"));
    });
}
