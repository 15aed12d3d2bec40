//! Who may ask a job over HTTP: flags, variables, tokens, and what the process says and does not say.
#![allow(clippy::unwrap_used, clippy::panic, missing_debug_implementations, missing_docs)]
mod support;

use malstrom::connect::for_each;
use malstrom::prelude::*;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::http::{get, request};
use support::program;
use support::staying::{Staying, staying};
use support::within;

const MINUTE: Duration = Duration::from_secs(60);
const SECRET: &str = "correct-horse-battery-staple";

pipeline! {
    fn quiet(numbers: Staying<u64>) {
        source(numbers) -> sink(for_each(|_: u64| ()));
    }
}
#[test]
#[ignore = "is the program that other tests start"]
fn program() {
    program::main(|| quiet(staying(0..10)));
}

/// A running program, where it listens, and what it said until then.
struct Running {
    child: Child,
    at: SocketAddr,
    complaints: BufReader<std::process::ChildStderr>,
    said: String,
}
fn start(arguments: &[&str], with: impl FnOnce(&mut Command)) -> Running {
    let mut command = program::command("", &[&["--workers", "1", "--log", "trace"], arguments].concat());
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    with(&mut command);
    let mut child = command.spawn().unwrap();
    let complaints = BufReader::new(child.stderr.take().unwrap());
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
    let mut running = Running { child, at: nowhere, complaints, said: String::new() };
    while running.at == nowhere {
        let begins = running.said.len();
        assert!(running.complaints.read_line(&mut running.said).unwrap() > 0, "it ended: {}", running.said);
        if let Some(address) = running.said[begins..].strip_prefix("http: listening on http://") {
            running.at.set_port(address.trim().parse::<SocketAddr>().unwrap().port());
        }
    }
    running
}
impl Running {
    /// Stops it, and returns all that it said.
    fn stop(mut self, headers: &[&str]) -> String {
        assert_eq!(request(self.at, "POST", "/v1/stop", headers, "").status, 202);
        self.complaints.read_to_string(&mut self.said).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{}", self.said);
        std::mem::take(&mut self.said)
    }
}
impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const GUARDED: [(&str, &str); 8] = [
    ("GET", "/v1/status"),
    ("GET", "/v1/plan"),
    ("POST", "/v1/savepoint"),
    ("PUT", "/v1/target"),
    ("POST", "/v1/rebalance"),
    ("POST", "/v1/stop"),
    ("GET", "/metrics"),
    ("GET", "/v1/nothing"),
];
fn is_guarded(at: SocketAddr) {
    for (method, path) in GUARDED {
        let wrong = ["Authorization: Bearer wrong", "Authorization: Basic Og==", "X: y"];
        for header in wrong {
            let answer = request(at, method, path, &[header], "");
            assert_eq!(answer.status, 401, "{method} {path} with {header}: {answer:?}");
            assert!(answer.head.contains("www-authenticate: bearer"), "{answer:?}");
            assert!(answer.error().contains("Authorization: Bearer TOKEN"), "{answer:?}");
        }
    }
    assert_eq!((get(at, "/healthz").status, get(at, "/readyz").status), (200, 200));
    let right = format!("Authorization: Bearer {SECRET}");
    for (method, path) in [("GET", "/v1/status"), ("GET", "/metrics")] {
        let answer = request(at, method, path, &[&right], "");
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(!answer.body.contains(SECRET));
    }
}

#[test]
fn a_token_in_a_file_lets_in_who_knows_it() {
    within(MINUTE, || {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("token");
        std::fs::write(&file, format!("{SECRET}\n")).unwrap();
        // With a token it may be reached from elsewhere.
        let job = start(&["--http", "0.0.0.0:0", "--http-token-file", file.to_str().unwrap()], |_| {});
        support::until("it runs", || get(job.at, "/readyz").status == 200);
        is_guarded(job.at);
        let said = job.stop(&[&format!("Authorization: Bearer {SECRET}")]);
        assert!(said.contains("HTTP server listens") && !said.contains(SECRET), "{said}");
    });
}
#[test]
fn a_token_in_the_variable_does_as_well() {
    within(MINUTE, || {
        let job = start(&["--http", "127.0.0.1:0"], |it| _ = it.env("MALSTROM_HTTP_TOKEN", SECRET));
        support::until("it runs", || get(job.at, "/readyz").status == 200);
        is_guarded(job.at);
        let said = job.stop(&[&format!("Authorization: Bearer {SECRET}")]);
        assert!(!said.contains(SECRET), "{said}");
    });
}
#[test]
fn this_machine_needs_no_token() {
    within(MINUTE, || {
        let job = start(&[], |it| _ = it.env("MALSTROM_HTTP", "127.0.0.1:0"));
        assert_eq!(get(job.at, "/v1/status").status, 200);
        job.stop(&[]);
        let job = start(&["--http", "0.0.0.0:0", "--insecure"], |_| {});
        job.stop(&[]);
    });
}
#[test]
fn what_cannot_be_is_refused_before_the_job_begins() {
    within(MINUTE, || {
        let directory = tempfile::tempdir().unwrap();
        let (none, empty) = (directory.path().join("none"), directory.path().join("empty"));
        std::fs::write(&empty, " \n").unwrap();
        let (none, empty) = (none.to_str().unwrap(), empty.to_str().unwrap());
        for (arguments, says) in [
            (&["--http", "0.0.0.0:0"][..], "give it a token by `--http-token-file`"),
            (&["--http", "[::]:0"], "give it a token by `--http-token-file`"),
            (&["--http", "here"], "write one such as `127.0.0.1:8080`"),
            (&["--http", "127.0.0.1:0", "--http-token-file", none], "cannot be read from"),
            (&["--http", "127.0.0.1:0", "--http-token-file", empty], "has no token in it"),
            (&["--http-token-file", empty], "--http <ADDR>"),
        ] {
            let (code, _, complaints) = program::run(arguments);
            assert_eq!(code, Some(2), "{arguments:?}: {complaints}");
            assert!(complaints.contains(says), "{arguments:?}: {complaints}");
        }
    });
}
