//! A cluster on this machine, which one process looks after.
use crate::job::{Job, Process, SECOND, eventually};
use std::fs;

/// The processes with this text among their arguments.
fn running(text: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap();
    let ids = entries.filter_map(|entry| entry.unwrap().file_name().to_string_lossy().parse::<u32>().ok());
    // One that has just ended cannot be read, and one that is only to be waited for has no arguments.
    ids.filter(|id| fs::read_to_string(format!("/proc/{id}/cmdline")).is_ok_and(|line| line.contains(text))).collect()
}
fn start(job: &Job) -> (Process, String) {
    let parent = job.start("cluster", &["--processes=3"]);
    (parent, format!("--output={}", job.dir().display()))
}
/// Who is left when a test fails goes as well.
struct Left(String);
impl Drop for Left {
    fn drop(&mut self) {
        for id in running(&self.0) {
            let _ = std::process::Command::new("kill").args(["-KILL", &id.to_string()]).status();
        }
    }
}

#[test]
fn a_local_cluster_survives_its_workers_and_leaves_nobody_behind() {
    let job = Job::of(3, 6);
    let (mut parent, text) = start(&job);
    let _left = Left(text.clone());
    job.goes_on();
    let all = running(&text);
    assert_eq!(all.len(), 5, "{all:?}");
    let part = |id: &u32| fs::read(format!("/proc/{id}/environ")).unwrap();
    let has = |id: &u32, word: &str| String::from_utf8_lossy(&part(id)).contains(&format!("MALSTROM_PART={word}"));
    let worker = *all.iter().find(|id| has(id, "worker 1")).unwrap();
    let coordinator = *all.iter().find(|id| has(id, "coordinator")).unwrap();
    crate::command_line::signal(worker, "KILL");
    parent.until_it_logs("worker 1 has ended");
    crate::command_line::signal(coordinator, "KILL");
    parent.until_it_logs("coordinator has ended");
    parent.is_right();
    assert_eq!(running(&text), Vec::<u32>::new());
}

#[test]
fn a_local_cluster_ends_with_its_parent() {
    let job = Job::of(3, 60);
    let (mut parent, text) = start(&job);
    let _left = Left(text.clone());
    job.goes_on();
    assert_eq!(running(&text).len(), 5);
    parent.kill();
    eventually("all have ended", 10 * SECOND, || running(&text).is_empty());
}
