//! Processes that are told to go.
use crate::job::{Job, all_end};

#[test]
fn a_worker_that_is_told_to_go_ends_and_the_job_goes_on() {
    let job = Job::of(2, 5).least(1);
    let (mut coordinator, mut workers) = job.all();
    job.goes_on();
    workers[0].signal("TERM");
    workers[0].ends_with(0);
    assert!(coordinator.log().contains("a process would like to leave"), "{}", coordinator.log());
    // It has left with a snapshot.
    job.goes_on();
    coordinator.is_right();
    workers[1].ends_with(0);
}

#[test]
fn a_job_that_is_told_to_stop_goes_on_when_it_is_started_again() {
    let job = Job::of(2, 5);
    let (mut coordinator, mut workers) = job.all();
    job.goes_on();
    coordinator.signal("TERM");
    coordinator.ends_with(0);
    assert!(coordinator.said().contains("stopped before the end of the input"), "{}", coordinator.said());
    all_end(&mut workers);
    let (before, all) = (job.published(), 2 * 5000);
    assert!(before > 0 && before < all, "{before}");

    let (mut coordinator, mut workers) = job.all();
    coordinator.is_right();
    assert!(coordinator.said().contains("restored from snapshot"), "{}", coordinator.said());
    assert_eq!(job.published(), all);
    all_end(&mut workers);
}
