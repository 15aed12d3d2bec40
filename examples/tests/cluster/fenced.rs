//! Processes that have had no coordinator for long.
use crate::job::{Job, Process, SECOND, all_end, eventually};
use std::thread::sleep;

/// The value of a metric of a process.
fn metric(process: &Process, name: &str) -> f64 {
    let (code, metrics) = process.asked("/metrics");
    assert_eq!(code, 200);
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {metrics}")).parse().unwrap()
}
const READ: &str = r#"malstrom_records_out_total{operator="transfers/source"}"#;

#[test]
fn sources_are_not_read_for_long_without_a_coordinator_and_go_on_when_there_is_one() {
    let job = Job::of(2, 12).with(&["--fence-after=2s"]);
    let mut coordinator = job.coordinator();
    let mut workers: Vec<_> = (0..2).map(|number| job.worker_with(number, &["--http=127.0.0.1:0"])).collect();
    job.goes_on();
    coordinator.kill();
    let read = |workers: &[Process]| workers.iter().map(|worker| metric(worker, READ)).collect::<Vec<_>>();
    let before = read(&workers);
    eventually("records are read without a coordinator", 2 * SECOND, || {
        read(&workers).iter().zip(&before).all(|(now, before)| now > before)
    });
    for worker in &workers {
        worker.until_it_logs("the sources are not read until there is one");
        eventually("it is to be seen", 5 * SECOND, || metric(worker, "malstrom_fenced") == 1.0);
        let (_, status) = worker.asked("/v1/status");
        assert!(status.contains("for so long that the sources are not read"), "{status}");
    }
    // What was read last is counted.
    sleep(SECOND / 2);
    let still = read(&workers);
    sleep(3 * SECOND / 2);
    assert_eq!(read(&workers), still, "nothing is read");
    workers.iter_mut().for_each(|worker| assert_eq!(worker.code(), None));

    coordinator = job.coordinator();
    workers.iter().for_each(|worker| worker.until_it_logs("the sources are read on"));
    job.goes_on();
    assert!(read(&workers).iter().zip(&still).all(|(now, still)| now > still));
    workers.iter().for_each(|worker| assert_eq!(metric(worker, "malstrom_fenced"), 0.0));
    assert_eq!(coordinator.is_right(), 0);
    assert_eq!(coordinator.count("attempt begins"), 0, "{}", coordinator.log());
    all_end(&mut workers);
}
