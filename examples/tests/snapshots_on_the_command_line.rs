//! `snapshot` and `savepoint`: what a program says of its snapshots, and asks of the job that is running.
#![allow(clippy::expect_used)]
mod command_line;
use command_line::{Ended, command, finish, run, signal, wait_for};
use std::path::Path;

const PAYMENTS: &str = env!("CARGO_BIN_EXE_payments");
const TICKS: &str = env!("CARGO_BIN_EXE_own_source_and_sink");

fn url(at: &Path) -> String {
    format!("file://{}", at.display())
}
/// A directory in which `payments` has left its last snapshot.
fn paid() -> (tempfile::TempDir, String) {
    let at = tempfile::tempdir().expect("a directory");
    let url = url(at.path());
    run(PAYMENTS, &["--snapshots", &url]).succeeded();
    (at, url)
}
fn payments(url: &str, arguments: &[&str]) -> Ended {
    run(PAYMENTS, &[&["--snapshots", url], arguments].concat())
}
#[track_caller]
fn says(ended: &Ended, code: i32, stderr: &str) {
    assert_eq!(ended.code, Some(code), "{ended:#?}");
    assert!(ended.stderr.contains(stderr), "{}", ended.stderr);
}
/// The names of all files.
fn files(at: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(at).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path.display().to_string()) }
    }
    found.sort();
    found
}

#[test]
fn help_shows_the_commands() {
    for program in [PAYMENTS, TICKS] {
        let help = run(program, &["--help"]).succeeded().stdout;
        assert!(help.contains("snapshot") && help.contains("savepoint"), "{help}");
        let show = run(program, &["snapshot", "show", "--help"]).succeeded().stdout;
        assert!(
            show.contains("<WHICH> <OPERATOR>") && show.contains("--key <KEY>") && show.contains("--limit <N>"),
            "{show}"
        );
        assert!(run(program, &["savepoint", "--help"]).succeeded().stdout.contains("--timeout <TIME>"));
    }
}

#[test]
fn what_there_is_is_listed_shown_and_checked_and_nothing_changes() {
    let (at, url) = paid();
    let before = files(at.path());
    let list = payments(&url, &["snapshot", "list"]).succeeded();
    let lines: Vec<Vec<&str>> = list.stdout.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines[0],
        ["kind", "number", "name", "operators", "key", "groups", "segments", "bytes", "restore", "by"]
    );
    assert_eq!(lines[1][..5], ["snapshot", "1", "1", "4096", "1"], "{list:#?}");
    assert_eq!(lines[1][6..], ["--restore", "1"]);
    assert_eq!((lines.len(), list.stderr.as_str()), (2, ""));

    let ann = "{\"key\":\"ann\",\"value\":{\"payments\":3,\"total\":117.0}}";
    let bob = "{\"key\":\"bob\",\"value\":{\"payments\":3,\"total\":90.0}}";
    for which in ["1", "latest"] {
        assert_eq!(payments(&url, &["snapshot", "show", which, "payments/unusual"]).succeeded().sorted(), [ann, bob]);
    }
    let show =
        |more: &[&str]| payments(&url, &[&["snapshot", "show", "1", "unusual"], more].concat()).succeeded().stdout;
    assert_eq!(show(&["--key", "ann"]), format!("{ann}\n"));
    assert_eq!(show(&["--key", "\"bob\""]), format!("{bob}\n"));
    assert_eq!(show(&["--key", "an"]), "");
    assert_eq!(show(&["--limit", "1"]).lines().count(), 1);
    assert_eq!(show(&["--limit", "0"]), "");

    let verify = payments(&url, &["snapshot", "verify"]).succeeded();
    assert!(verify.stdout.contains(" objects with ") && verify.stderr.is_empty(), "{verify:#?}");
    // The flag may stand behind the command, and the variable in its place.
    assert_eq!(run(PAYMENTS, &["snapshot", "list", "--snapshots", &url]).succeeded().stdout, list.stdout);
    let mut by_variable = command(PAYMENTS, &["snapshot", "list"]);
    let by_variable = finish(by_variable.env("MALSTROM_SNAPSHOTS", &url).spawn().expect("it starts"));
    assert_eq!(by_variable.succeeded().stdout, list.stdout);
    // The job did not run, and nobody has claimed the location.
    assert_eq!(files(at.path()), before);
}

#[test]
fn what_cannot_be_had_is_said_on_standard_error() {
    let (at, url) = paid();
    let show = |arguments: &[&str]| payments(&url, &[&["snapshot", "show"], arguments].concat());
    says(&show(&["7", "payments/unusual"]), 2, "there is no snapshot `7`");
    says(
        &show(&["1", "payments/usual"]),
        2,
        "`payments/usual` is no operator of this pipeline: try `payments/unusual`",
    );
    says(&show(&["1", "payments/parse"]), 2, "`payments/parse` keeps nothing per key: try `payments/unusual`");
    says(&show(&["1"]), 2, "<OPERATOR>");
    says(&run(PAYMENTS, &["snapshot", "list"]), 2, "say where the snapshots lie");
    says(&run(PAYMENTS, &["--snapshots", "/tmp", "snapshot", "list"]), 2, "write `file:///tmp`");
    says(&payments(&url, &["snapshot"]), 2, "Usage:");
    says(&payments(&url, &["savepoint", "latest"]), 2, "it means something else in `--restore`");
    // Another program's snapshots.
    let other = run(TICKS, &["--snapshots", &url, "snapshot", "show", "1", "ticking/source"]);
    says(&other, 2, "`ticking/source` keeps nothing per key");
    let nothing = at.path().join("nothing");
    let list = payments(&format!("file://{}", nothing.display()), &["snapshot", "list"]).succeeded();
    assert!(list.stdout.starts_with("there are no snapshots at `file://"), "{}", list.stdout);
}

#[test]
fn a_restore_that_cannot_be_meant_is_a_wrong_command_line() {
    let (at, url) = paid();
    let before = files(at.path()).len();
    let mut refused = 0;
    let mut refuses = |program, arguments: &[&str], why: &str| {
        let ended = run(program, &[&["--snapshots", &url], arguments].concat());
        says(&ended, 2, why);
        let (stdout, stderr) = (ended.stdout.as_str(), ended.stderr.as_str());
        assert!(stdout.is_empty() && stderr.starts_with("error: ") && stderr.lines().count() == 1, "{ended:#?}");
        refused += 1;
    };
    refuses(PAYMENTS, &["--restore", "7"], "there is no snapshot `7` at `file://");
    refuses(PAYMENTS, &["--restore", "before-the-upgrade"], "there is no snapshot `before-the-upgrade`");
    refuses(TICKS, &[], "has the snapshots of the job `payments`, and this job is `ticking`");
    // No record was read, and all that each attempt has left is its claim in the log, if it came so far.
    assert!(files(at.path()).len() - before <= refused, "{:#?}", files(at.path()));
    assert!(payments(&url, &["snapshot", "list"]).succeeded().stdout.lines().count() == 2);
}

#[test]
fn damage_and_a_store_that_fails_are_failures() {
    let (at, url) = paid();
    let manifest = files(at.path()).into_iter().find(|file| file.contains("/manifests/")).expect("a manifest");
    std::fs::write(&manifest, "something else").expect("it can be written");
    says(&payments(&url, &[]), 1, "is damaged");
    // And so is a store that fails.
    let log = at.path().join("log");
    std::fs::remove_dir_all(&log).expect("it can be removed");
    std::fs::write(&log, "no directory").expect("it can be written");
    says(&payments(&url, &[]), 1, "cannot ");
}

#[test]
fn damage_is_told_object_by_object() {
    let (at, url) = paid();
    let segment = files(at.path()).into_iter().find(|file| file.contains("/segments/")).expect("a segment");
    let mut bytes = std::fs::read(&segment).expect("it can be read");
    bytes[10] ^= 1;
    std::fs::write(&segment, bytes).expect("it can be written");
    let verify = payments(&url, &["snapshot", "verify"]);
    says(&verify, 1, "Error: an object is damaged");
    let name = Path::new(&segment).file_name().and_then(|name| name.to_str()).expect("a name");
    let lines: Vec<&str> = verify.stderr.lines().filter(|line| line.starts_with('`')).collect();
    assert!(matches!(lines[..], [line] if line.contains(name) && line.contains("is damaged: ")), "{}", verify.stderr);
    assert!(verify.stdout.contains("bytes were read"), "{}", verify.stdout);
}

#[test]
fn a_running_job_is_asked_for_a_savepoint() {
    let at = tempfile::tempdir().expect("a directory");
    let url = url(at.path());
    let ask =
        |name: &str, more: &[&str]| run(TICKS, &[&["--snapshots", url.as_str(), "savepoint", name], more].concat());
    says(&ask("early", &["--timeout", "300ms"]), 1, "no job has seen the request: is one running");
    assert_eq!(files(at.path()), [""; 0], "the request is withdrawn");

    let mut job = command(TICKS, &["--endless", "--snapshots", &url, "--every", "1h", "--log", "debug"]);
    let mut job = job.spawn().expect("it starts");
    wait_for(job.stderr.as_mut().expect("it is piped"), "SIGINT and SIGTERM end the sources");
    let taken = ask("before-the-upgrade", &[]).succeeded();
    assert_eq!(taken.stdout, "savepoint `before-the-upgrade` (1) is there: `--restore before-the-upgrade`\n");
    says(&ask("before-the-upgrade", &[]), 1, "there is a savepoint `before-the-upgrade` already");
    signal(job.id(), "TERM");
    finish(job).succeeded();
    assert!(!files(at.path()).iter().any(|file| file.contains("/requests/")), "nothing is left of it");

    let list = run(TICKS, &["--snapshots", &url, "snapshot", "list"]).succeeded().stdout;
    assert!(list.contains("--restore before-the-upgrade") && list.contains("--restore 2"), "{list}");
    let again = ["--endless", "--snapshots", &url, "--restore", "before-the-upgrade", "--log", "debug"];
    let mut again = command(TICKS, &again).spawn().expect("it starts");
    wait_for(again.stderr.as_mut().expect("it is piped"), "SIGINT and SIGTERM end the sources");
    signal(again.id(), "TERM");
    let again = finish(again).succeeded();
    assert!(again.stderr.contains("restored from snapshot 1"), "{}", again.stderr);
}
