//! Coordinators that stand by.
use crate::job::{Job, Process, SECOND, all_end, free_port};
use std::thread::sleep;

/// A job with a coordinator that shows itself five times a second, one that stands by, and workers that know of both.
fn with_a_standby(seconds: u64, first: &[&str]) -> (Job, Process, Process, Vec<Process>) {
    let job = Job::of(2, seconds).with(&["--heartbeat=200ms"]);
    let second = free_port();
    let join = format!("--join=127.0.0.1:{second},{}", job.address());
    let (active, standby) = (job.coordinator_with("coordinator", job.port, first), job.standby(second));
    let workers = (0..2).map(|number| job.worker_with(number, &[&join])).collect();
    (job, active, standby, workers)
}

#[test]
fn a_standby_takes_over_from_one_that_is_killed_and_nobody_goes_back() {
    let (job, mut active, mut standby, mut workers) = with_a_standby(12, &[]);
    job.goes_on();
    assert_eq!(active.count("attempt begins"), 1);
    // As long as the other one is there, it only stands by, however long that is.
    sleep(3 * SECOND);
    assert_eq!(standby.count("coordinator is there"), 0, "{}", standby.log());
    let (code, status) = standby.asked("/v1/status");
    assert!(code == 200 && status.contains(r#""phase":"standby""#), "{status}");
    let (_, metrics) = standby.asked("/metrics");
    assert!(metrics.contains("malstrom_standby 1") && !metrics.contains("malstrom_processes_missing"), "{metrics}");
    assert_eq!(standby.asked("/healthz").0, 200);
    assert_eq!(standby.asked("/readyz").0, 503);

    active.kill();
    standby.until_it_logs("coordinator is there");
    standby.until_it_logs_times("a process is there", 2);
    job.goes_on();
    assert_eq!(standby.asked("/readyz").0, 200);
    workers.iter_mut().for_each(|worker| assert_eq!(worker.code(), None));
    assert_eq!(standby.is_right(), 0);
    assert_eq!(standby.count("attempt begins"), 0, "{}", standby.log());
    assert!(!standby.said().contains("restored from"), "{}", standby.said());
    all_end(&mut workers);
    workers.iter().for_each(|worker| assert_eq!(worker.count("this process has a number"), 1));
}

#[test]
fn one_that_stood_still_and_was_taken_over_is_fenced() {
    // It takes no snapshot by which it would notice that.
    let (job, mut old, mut standby, mut workers) = with_a_standby(16, &["--every=60s"]);
    workers.iter().for_each(|worker| worker.until_it_logs("all have begun"));
    old.signal("STOP");
    standby.until_it_logs("coordinator is there");
    // Connections on which nothing comes are given up after five seconds.
    standby.until_it_logs_times("a process is there", 2);
    old.signal("CONT");
    old.ends_with(1);
    assert!(old.log().contains("another coordinator has taken over"), "{}", old.log());
    assert_eq!(old.count("does not come back"), 0, "it knows before it has waited for those who are elsewhere by now");
    job.goes_on();
    assert_eq!(standby.is_right(), 0);
    assert_eq!(standby.count("attempt begins"), 0, "{}", standby.log());
    all_end(&mut workers);
}

#[test]
fn a_standby_ends_with_the_job() {
    let (_job, mut active, mut standby, mut workers) = with_a_standby(3, &[]);
    standby.until_it_logs("coordinator stands by");
    assert_eq!(active.is_right(), 0);
    all_end(&mut workers);
    standby.ends_with(0);
    assert!(
        standby.log().contains("standby: the job has ended, and this coordinator was not needed"),
        "{}",
        standby.log()
    );
    assert_eq!(standby.said(), "", "the report is for the one that has coordinated");
}

#[test]
fn a_standby_ends_when_the_job_is_told_to_stop_and_does_not_begin_it_anew() {
    let (job, mut active, mut standby, mut workers) = with_a_standby(20, &[]);
    job.goes_on();
    active.signal("TERM");
    active.ends_with(0);
    standby.ends_with(0);
    all_end(&mut workers);
    // It finds a job that is over, and waits for somebody to begin it again.
    let mut late = job.standby(free_port());
    sleep(4 * SECOND);
    assert_eq!(late.count("coordinator is there"), 0, "{}", late.log());
    late.signal("TERM");
    late.ends_with(0);
    assert!(late.log().contains("it was told to go"), "{}", late.log());
}
