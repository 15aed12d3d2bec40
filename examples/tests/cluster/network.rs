//! Connections that break, and others that only seem to be there.
use crate::job::{Job, Process, SECOND, all_end, free_port};
use crate::proxy::{Proxy, Way};
use std::thread::sleep;
use std::time::Duration;

/// A job whose process 0 reaches process 1 only through a proxy.
fn through_a_proxy(job: &Job) -> (Process, Vec<Process>, Proxy) {
    let port = free_port();
    let proxy = Proxy::start(format!("127.0.0.1:{port}"));
    let (listen, advertise) = (format!("--listen=127.0.0.1:{port}"), format!("--advertise={}", proxy.address()));
    let workers = vec![job.worker(0), job.worker_with(1, &[&listen, &advertise])];
    (job.coordinator(), workers, proxy)
}

#[test]
fn a_partition_in_one_direction_heals() {
    let job = Job::of(2, 5);
    let (mut coordinator, mut workers, proxy) = through_a_proxy(&job);
    job.goes_on();
    proxy.stall(Way::Back, true);
    coordinator.until_it_logs("a process cannot reach another one");
    sleep(3 * SECOND);
    proxy.stall(Way::Back, false);
    assert!(coordinator.is_right() >= 1);
    all_end(&mut workers);
}

#[test]
fn connections_that_are_cut_again_and_again_do_not_restart_the_job() {
    let job = Job::of(2, 8);
    let (mut coordinator, mut workers, proxy) = through_a_proxy(&job);
    job.goes_on();
    let before = proxy.begun();
    for _ in 0..20 {
        sleep(Duration::from_millis(200));
        proxy.cut();
    }
    assert_eq!(coordinator.is_right(), 0, "{}", coordinator.log());
    assert!(proxy.begun() >= before + 5, "only {} connections were cut", proxy.begun() - before);
    assert_eq!(coordinator.count("attempt begins"), 1);
    all_end(&mut workers);
}

#[test]
fn a_short_time_without_the_coordinator_does_not_restart_the_job() {
    let job = Job::of(2, 6);
    let mut coordinator = job.coordinator();
    let proxy = Proxy::start(job.address());
    let join = format!("--join={}", proxy.address());
    let mut workers = vec![job.worker(0), job.worker_with(1, &[&join])];
    job.goes_on();
    proxy.refuse(true);
    proxy.cut();
    // The coordinator waits for two seconds, and the last pause between two tries to connect is up to one.
    sleep(Duration::from_millis(700));
    proxy.refuse(false);
    coordinator.until_it_logs("a process is back");
    job.goes_on();
    assert_eq!(coordinator.is_right(), 0, "{}", coordinator.log());
    assert_eq!(coordinator.count("attempt begins"), 1);
    all_end(&mut workers);
}
