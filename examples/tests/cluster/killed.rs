//! Processes that are killed.
use crate::job::{Job, all_end};

#[test]
fn a_worker_that_is_killed_is_replaced() {
    let job = Job::of(2, 5);
    let (mut coordinator, mut workers) = job.all();
    job.goes_on();
    workers[1].kill();
    workers[1] = job.worker(1);
    assert!(coordinator.is_right() >= 1);
    assert!(
        coordinator.log().contains("a process has been replaced") || coordinator.log().contains("does not come back")
    );
    all_end(&mut workers);
}

#[test]
fn a_job_goes_on_when_its_coordinator_is_killed_twice() {
    let job = Job::of(2, 15);
    let (mut coordinator, mut workers) = job.all();
    job.goes_on();
    let first = coordinator.count("attempt begins");
    assert_eq!(first, 1);
    for _ in 0..2 {
        coordinator.kill();
        coordinator = job.coordinator();
        coordinator.until_it_logs_times("a process is there", 2);
        job.goes_on();
        // Nobody went back, and nobody was replaced.
        assert_eq!(coordinator.count("attempt begins"), 0, "{}", coordinator.log());
        workers.iter_mut().for_each(|worker| assert_eq!(worker.code(), None));
    }
    assert_eq!(coordinator.is_right(), 0);
    assert_eq!(coordinator.count("attempt begins"), 0);
    assert!(!coordinator.said().contains("restored from"), "{}", coordinator.said());
    all_end(&mut workers);
    workers.iter().for_each(|worker| assert_eq!(worker.count("this process has a number"), 1));
}

#[test]
fn a_coordinator_and_a_worker_die_at_once() {
    let job = Job::of(2, 5);
    let (mut coordinator, mut workers) = job.all();
    job.goes_on();
    coordinator.kill();
    workers[0].kill();
    coordinator = job.coordinator();
    workers[0] = job.worker(0);
    coordinator.is_right();
    all_end(&mut workers);
}

#[test]
fn who_is_never_replaced_is_waited_for_and_then_done_without() {
    let job = Job::of(2, 5).least(1);
    let (mut coordinator, mut workers) = job.all();
    job.goes_on();
    workers[1].kill();
    assert!(coordinator.is_right() >= 1);
    assert!(coordinator.log().contains("a process does not come back"), "{}", coordinator.log());
    assert!(coordinator.said().contains("with 1 worker,"), "{}", coordinator.said());
    workers[0].ends_with(0);
}

/// What the first one has drawn at random is in no snapshot yet, and the second one needs it.
#[test]
fn a_coordinator_that_dies_before_the_first_snapshot_leaves_nothing_unknown() {
    let job = Job::of(2, 8);
    let listen = format!("--listen={}", job.address());
    let mut first = job.start("coordinator", &["--role=coordinator", &listen, "--processes=2", "--every=60s"]);
    let mut workers: Vec<_> = (0..2).map(|number| job.worker(number)).collect();
    workers.iter().for_each(|worker| worker.until_it_logs("all have begun"));
    first.kill();
    let mut second = job.coordinator();
    job.goes_on();
    assert_eq!(second.count("attempt begins"), 0, "{}", second.log());
    workers[0].kill();
    workers[0] = job.worker(0);
    assert!(second.is_right() >= 1, "it was restored from a snapshot of the second one's");
    all_end(&mut workers);
}
