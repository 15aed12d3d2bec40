//! State that a snapshot has and the program does not want makes for a wrong command line: exit code 2, and what to write.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::for_each;
use malstrom::prelude::*;
use support::program;
use support::staying::url;

#[keyed_state(key = u64)]
#[derive(Default)]
struct Seen {
    times: u64,
}
#[operator]
fn count_up(state: &mut Seen, x: u64) -> u64 {
    state.times += x;
    state.times
}

mod keeping {
    use super::*;
    pipeline! {
        pub fn p() {
            source(1..=10u64) as numbers -> key_by(|x| x % 2) -> count_up as seen -> sink(for_each(|_: u64| ()));
        }
    }
}
/// The operator is gone.
mod without {
    use super::*;
    pipeline! {
        pub fn p() {
            source(1..=10u64) as numbers -> sink(for_each(|_: u64| ()));
        }
    }
}
/// The operator is there and keeps nothing any more, which only shows when nobody has asked for what it kept.
mod forgetful {
    use super::*;
    pipeline! {
        pub fn p() {
            source(1..=10u64) as numbers -> key_by(|x| x % 2) -> map(|x| x) as seen -> sink(for_each(|_: u64| ()));
        }
    }
}

/// The program in three versions, one of which is in its arguments.
fn run(which: &str, snapshots: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let all = [&["--snapshots", snapshots, "--workers", "2"], arguments].concat();
    let (code, _, complaints) = program::run_as(which, &all);
    (code, complaints)
}

#[test]
#[ignore = "it is run by the other tests, as a program of its own"]
fn program() {
    match program::role().as_deref() {
        Some("without") => program::main(without::p),
        Some("forgetful") => program::main(forgetful::p),
        _ => program::main(keeping::p),
    }
}

#[test]
fn state_that_the_program_does_not_want_is_a_wrong_command_line() {
    for (which, says) in [
        ("without", "snapshot 1 has state of `p/seen`, which the pipeline has no more"),
        (
            "forgetful",
            "the snapshot has state of `p/seen`, which this program does not have or which keeps no such state any more",
        ),
    ] {
        let at = tempfile::tempdir().unwrap();
        let snapshots = url(at.path());
        assert_eq!(run("keeping", &snapshots, &[]), (Some(0), String::new()));
        let (code, complaints) = run(which, &snapshots, &[]);
        assert_eq!(code, Some(2), "{which}: {complaints}");
        assert!(complaints.starts_with(&format!("error: {says}")), "{which}: {complaints}");
        assert!(complaints.contains("--drop-state") && complaints.lines().count() == 1, "{which}: {complaints}");
        // It was not lost, and is let go of if that is meant.
        assert_eq!(run("keeping", &snapshots, &[]).0, Some(0), "{which}");
        let (code, complaints) = run(which, &snapshots, &["--drop-state", "p/seen"]);
        assert_eq!(code, Some(0), "{which}: {complaints}");
    }
}
