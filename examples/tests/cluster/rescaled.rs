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
