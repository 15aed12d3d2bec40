//! A process that is slow slows the others down, and fills nobody's memory.
use crate::job::{Job, SECOND};
use std::thread::sleep;

#[test]
fn a_slow_consumer_does_not_fill_memory() {
    // All of them would be some 400 MB on their way, and are read within seconds where nobody is slow.
    let job = Job::of(2, 0).rate(None, 4_000_000);
    let mut coordinator = job.coordinator();
    let mut workers = [job.worker(0), job.worker_with(1, &["--slow=5"])];
    coordinator.until_it_logs("attempt begins");
    let before = workers.each_ref().map(|worker| worker.most_memory());
    sleep(8 * SECOND);
    for (worker, before) in workers.iter().zip(before) {
        let grown = worker.most_memory() - before;
        // Between two processes there are at most 24 MB of a session on each side, and some batches.
        assert!(grown < 64 << 20, "{} has taken {} MB more", worker.name(), grown >> 20);
    }
    workers.iter_mut().for_each(|worker| assert_eq!(worker.code(), None));
    assert_eq!(coordinator.code(), None);
}
