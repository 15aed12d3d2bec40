//! Processes that stand still, and do not know that others have gone on.
use crate::job::{Job, all_end, free_port};

#[test]
fn a_worker_that_stood_still_too_long_changes_nothing_when_it_wakes() {
    let job = Job::of(2, 5);
    let (mut coordinator, mut workers) = job.all();
    job.goes_on();
    workers[1].signal("STOP");
    coordinator.until_it_logs("a process does not come back");
    let another = job.worker(1);
    let mut zombie = std::mem::replace(&mut workers[1], another);
    coordinator.until_it_logs_times("attempt begins", 2);
    zombie.signal("CONT");
    assert!(coordinator.is_right() >= 1);
    zombie.is_refused("another process has come in its place as process 1");
    assert_eq!(coordinator.count("attempt begins"), 2);
    all_end(&mut workers);
}

#[test]
fn a_worker_that_stood_still_and_is_not_replaced_comes_back() {
    let job = Job::of(2, 5);
    let (mut coordinator, mut workers) = job.all();
    job.goes_on();
    workers[1].signal("STOP");
    coordinator.until_it_logs("a process does not come back");
    workers[1].signal("CONT");
    assert!(coordinator.is_right() >= 1);
    all_end(&mut workers);
}

#[test]
fn a_coordinator_that_stood_still_ends_when_another_one_has_taken_over() {
    let job = Job::of(2, 15);
    let second = free_port();
    let join = format!("--join={},127.0.0.1:{second}", job.address());
    let mut old = job.coordinator();
    let mut workers: Vec<_> = (0..2).map(|number| job.worker_with(number, &[&join])).collect();
    job.goes_on();
    old.signal("STOP");
    let mut new = job.coordinator_at(second);
    new.until_it_logs("coordinator is there");
    // Connections on which nothing comes are given up after five seconds.
    new.until_it_logs_times("a process is there", 2);
    old.signal("CONT");
    old.ends_with(1);
    assert!(old.log().contains("another coordinator has taken over"), "{}", old.log());
    assert_eq!(new.is_right(), 0);
    all_end(&mut workers);
}
