//! Processes that do not belong together, or are told what cannot be.
use crate::job::{Job, free_port};
use std::fs;
use std::io::Write;

#[test]
fn what_does_not_belong_to_the_job_is_refused_with_the_reason() {
    let mut job = Job::of(2, 3);
    let mut coordinator = job.coordinator();
    coordinator.until_it_logs("coordinator is there");

    let elsewhere = format!("--snapshots=file://{}/elsewhere", job.dir().display());
    job.worker_with(0, &[&elsewhere]).is_refused("give all processes the same `--snapshots`");

    // Another build is one with another byte, which nobody reads.
    let copy = job.dir().join("another-build");
    fs::copy(&job.program, &copy).unwrap();
    fs::OpenOptions::new().append(true).open(&copy).unwrap().write_all(b"!").unwrap();
    let program = std::mem::replace(&mut job.program, copy.display().to_string());
    job.worker(0).is_refused("the other process runs another build of the program");
    job.program = program;

    let join = format!("--join={}", job.address());
    let arguments: Vec<String> = ["--role=worker".to_owned(), join].into_iter().collect();
    let mut other = crate::job::Process::start(env!("CARGO_BIN_EXE_payments"), "payments", &arguments, job.dir());
    other.is_refused("needs a place for snapshots");

    let snapshots = format!("--snapshots=file://{}/snapshots", job.dir().display());
    let arguments = [arguments, vec![snapshots]].concat();
    let mut other = crate::job::Process::start(env!("CARGO_BIN_EXE_payments"), "payments", &arguments, job.dir());
    other.is_refused("the other process belongs to another job");

    // None of this was noticed by the job.
    let mut workers = [job.worker(0), job.worker(1)];
    assert_eq!(coordinator.is_right(), 0);
    crate::job::all_end(&mut workers);
}

#[test]
fn flags_that_make_no_sense_are_refused_with_the_reason() {
    let job = Job::of(2, 3);
    let refused = |arguments: &[&str], why: &str| job.start("refused", arguments).is_refused(why);
    refused(&["--role=worker"], "say where the coordinator is: `--join HOST:PORT`");
    refused(&["--role=coordinator"], "`--processes N`");
    refused(&["--listen=127.0.0.1:0", "--processes=2"], "so start two processes");
    refused(&["--standby", "--processes=2"], "`--standby` is for a process with `--role coordinator`");
    refused(&["--role=coordinator", "--processes=2", "--takeover=2s"], "at least three times `--heartbeat`");
    refused(&["--join=127.0.0.1:1"], "`--join` is for a process with `--role worker`");
    refused(&["--role=coordinator", "--processes=2", "--listen=0.0.0.0:0"], "give `--tls-cert`");
    refused(&["--role=worker", "--join=127.0.0.1:1", "--listen=0.0.0.0:0"], "give `--tls-cert`");
    refused(&["--role=worker", "--join=192.0.2.1:7070"], "give `--tls-cert`");
    let unreachable = ["--role=worker", "--join=127.0.0.1:1", "--listen=0.0.0.0:0", "--insecure"];
    refused(&unreachable, "`--advertise HOST:PORT`");
    refused(&["--processes=2", "--min-processes=3"], "`--min-processes` is between 1 and `--processes`");
}

#[test]
fn a_worker_waits_for_a_coordinator_that_is_not_there_yet() {
    let job = Job::of(1, 2);
    assert_ne!(job.port, free_port());
    let mut worker = job.worker(0);
    worker.until_it_logs("the coordinator is out of reach");
    let mut coordinator = job.coordinator();
    assert_eq!(coordinator.is_right(), 0);
    worker.ends_with(0);

    let mut alone = job.worker(0);
    alone.until_it_logs("the coordinator is out of reach");
    alone.signal("TERM");
    alone.ends_with(0);
}
