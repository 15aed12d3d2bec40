//! Processes that join a job while it runs, and that leave it: nothing is restored for that.
use crate::job::{Job, Process};

fn restarts(coordinator: &mut Process) {
    assert_eq!(coordinator.is_right(), 0, "{}", coordinator.log());
}

#[test]
fn a_process_joins_and_another_one_leaves_while_records_flow() {
    let job = Job::of(2, 8);
    let (mut coordinator, mut workers) = job.all();
    job.goes_on();
    workers.push(job.worker(2));
    coordinator.until_it_logs("there are now 3 workers");
    workers[0].signal("TERM");
    workers[0].ends_with(0);
    coordinator.until_it_logs("there are now 2 workers");
    restarts(&mut coordinator);
    workers[1].ends_with(0);
    workers[2].ends_with(0);
}
/// A process that dies while it is about to join, or has just done so, takes nothing with it.
#[test]
fn a_process_that_joins_may_die_at_once() {
    let job = Job::of(2, 10).least(2);
    let (mut coordinator, mut workers) = job.all();
    job.goes_on();
    for _ in 0..3 {
        let mut third = job.worker(2);
        third.until_it_logs("this process has a number");
        third.kill();
    }
    coordinator.is_right();
    workers.iter_mut().for_each(|worker| worker.ends_with(0));
}
/// `PUT /v1/target` starts and ends processes of a cluster on this machine.
#[test]
fn a_local_cluster_has_as_many_processes_as_are_wanted() {
    let job = Job::of(2, 10);
    let port = crate::job::free_port();
    let mut parent = job.start("cluster", &["--processes=2", &format!("--http=127.0.0.1:{port}")]);
    job.goes_on();
    let target = |workers: usize| crate::job::put(port, "/v1/target", &format!(r#"{{"workers": {workers}}}"#));
    assert_eq!(target(4).0, 202);
    parent.until_it_logs("there are now 4 workers");
    assert_eq!(target(1).0, 202);
    parent.until_it_logs("there are now 1 worker:");
    let (code, why) = target(0);
    assert_eq!(code, 400, "{why}");
    restarts(&mut parent);
}
/// The next coordinator knows how many were wanted, though it is started for as many as there were at first.
#[test]
fn as_many_processes_as_are_wanted_take_part_when_the_coordinator_has_died() {
    let job = Job::of(3, 12);
    let port = crate::job::free_port();
    let http = format!("--http=127.0.0.1:{port}");
    let mut coordinator = job.coordinator_with("coordinator", job.port, &[&http]);
    let mut workers: Vec<Process> = (0..3).map(|number| job.worker(number)).collect();
    job.goes_on();
    assert_eq!(crate::job::put(port, "/v1/target", r#"{"workers": 2}"#).0, 202);
    coordinator.until_it_logs("there are now 2 workers");
    let mut gone = workers.remove(2);
    gone.ends_with(0);
    coordinator.kill();
    coordinator = job.coordinator();
    coordinator.until_it_logs_times("a process is there", 2);
    job.goes_on();
    let mut third = job.worker(2);
    third.ends_with(0);
    assert_eq!(third.count("this process has a number"), 1);
    restarts(&mut coordinator);
    assert_eq!(coordinator.count("there are now"), 0, "{}", coordinator.log());
    crate::job::all_end(&mut workers);
}
/// One process has most to do, as each transfer is from the same account, until it gives some key groups away.
#[test]
fn a_process_that_has_more_to_do_than_another_gives_some_of_it_away() {
    let job = Job::of(2, 8).with(&["--hot"]);
    let port = crate::job::free_port();
    let mut coordinator = job.coordinator_with("coordinator", job.port, &[&format!("--http=127.0.0.1:{port}")]);
    let mut workers: Vec<Process> = (0..2).map(|number| job.worker(number)).collect();
    let groups = || {
        let (code, answer) = crate::job::post(port, "/v1/rebalance");
        assert_eq!(code, 200, "{answer}");
        let moved: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(moved["workers"], 2, "{answer}");
        moved["groups"].as_u64().unwrap()
    };
    job.goes_on();
    let first = groups();
    coordinator.until_it_logs("there are now 2 workers");
    // Of 4096 groups each has half, and one has five eighths of the records.
    assert!(first > 100, "{first}");
    let again = groups();
    assert!(again < first / 2, "{again} of {first} more");
    restarts(&mut coordinator);
    crate::job::all_end(&mut workers);
}
