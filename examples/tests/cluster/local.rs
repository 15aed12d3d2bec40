//! A cluster on this machine, which one process looks after.
use crate::command_line::{command, finish};
use crate::job::{Job, Process, SECOND, eventually};
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Instant;

const WORD_COUNT: &str = env!("CARGO_BIN_EXE_word_count");

/// The processes with this text among their arguments.
pub(super) fn running(text: &str) -> Vec<u32> {
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

/// A cluster whose standard output goes somewhere else.
fn start_with(job: &Job, stdout: impl Into<Stdio>) -> (Child, String) {
    let arguments = [job.arguments(), vec!["--processes=2".into()]].concat();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let child = command(crate::DEMO, &arguments).stdout(stdout).spawn().unwrap();
    (child, format!("--output={}", job.dir().display()))
}
/// `job | head`, where `head` has seen enough before anything is printed.
#[test]
fn a_local_cluster_ends_quietly_when_nobody_reads_what_it_prints() {
    let job = Job::of(2, 1);
    let (mut parent, text) = start_with(&job, Stdio::piped());
    let _left = Left(text.clone());
    drop(parent.stdout.take());
    let ended = finish(parent).succeeded();
    for word in ["panicked", "started again", "error: "] {
        assert!(!ended.stderr.contains(word), "{}", ended.stderr);
    }
    assert_eq!(running(&text), Vec::<u32>::new());
}
/// The same with records, in the middle of a job that would go on for long.
#[test]
fn a_local_cluster_whose_records_nobody_reads_any_more_ends_quietly() {
    let directory = tempfile::tempdir().unwrap();
    let input = directory.path().join("long.txt");
    fs::write(&input, "some words\n".repeat(6_000_000)).unwrap();
    let (input, snapshots) = (input.display().to_string(), format!("file://{}/snapshots", directory.path().display()));
    let _left = Left(input.clone());
    let arguments = ["--input", &input, "--processes", "2", "--workers", "1", "--snapshots", &snapshots];
    let mut parent = command(WORD_COUNT, &arguments).spawn().unwrap();
    let (mut lines, mut first) = (BufReader::new(parent.stdout.take().unwrap()), String::new());
    lines.read_line(&mut first).unwrap();
    drop(lines);
    let closed = Instant::now();
    let ended = finish(parent).succeeded();
    assert!(closed.elapsed() < 10 * SECOND, "it goes on for {:?}", closed.elapsed());
    assert!(first.ends_with('\n'), "{first}");
    // Who starts before the coordinator listens says so.
    let said: Vec<&str> = ended.stderr.lines().filter(|line| !line.contains("cannot connect to")).collect();
    assert_eq!(said.len(), 1, "only the line on how it has started: {said:#?}");
    assert_eq!(running(&input), Vec::<u32>::new());
}
#[test]
fn a_local_cluster_whose_output_fills_the_disk_ends_with_an_error() {
    let Ok(full) = fs::File::options().write(true).open("/dev/full") else { return };
    let job = Job::of(2, 1);
    let (parent, text) = start_with(&job, full);
    let _left = Left(text.clone());
    let ended = finish(parent);
    assert_eq!(ended.code, Some(1), "{ended:#?}");
    assert!(ended.stderr.contains("cannot write to `standard output`"), "{}", ended.stderr);
    assert_eq!(running(&text), Vec::<u32>::new());
}
