//! Runs a program as a shell would, and keeps what it said. It has no `MALSTROM_*` variables but those it is given.
#![allow(dead_code, clippy::expect_used, clippy::panic)]
use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::Duration;

/// What a program has said and how it ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// The lines of the standard output, sorted: their order across workers is nobody's promise.
    pub fn sorted(&self) -> Vec<&str> {
        let mut lines: Vec<_> = self.stdout.lines().collect();
        lines.sort_unstable();
        lines
    }
    /// The row of the report on this operator: its figures, in words.
    pub fn row(&self, operator: &str) -> Vec<&str> {
        let row = self.stderr.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let mut row = row.filter(|words| words.first() == Some(&operator));
        row.next().unwrap_or_else(|| panic!("no `{operator}` in the report:\n{}", self.stderr))
    }
    pub fn succeeded(self) -> Ended {
        assert_eq!(self.code, Some(0), "{self:#?}");
        self
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Ended {
        let text = |bytes| String::from_utf8(bytes).expect("programs print UTF-8");
        Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

pub fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    let ours = std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("MALSTROM_"));
    for name in ours {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end.
pub fn run(program: &str, arguments: &[&str]) -> Ended {
    finish(command(program, arguments).spawn().expect("the program starts"))
}

/// Waits for its end; a program that hangs fails the test instead of blocking it.
pub fn finish(child: Child) -> Ended {
    const PATIENCE: u32 = 120;
    let id = child.id();
    let waiting = thread::spawn(move || child.wait_with_output().expect("the program can be waited for"));
    for _ in 0..PATIENCE * 100 {
        if waiting.is_finished() {
            return waiting.join().expect("waiting does not panic").into();
        }
        thread::sleep(Duration::from_millis(10));
    }
    signal(id, "KILL");
    panic!("the program does not end: {:#?}", Ended::from(waiting.join().expect("waiting does not panic")));
}

pub fn signal(id: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), id.to_string()]).status().expect("`kill` runs");
    assert!(sent.success());
}

/// Reads lines until one contains `word`.
pub fn wait_for(mut lines: impl Read, word: &str) -> String {
    let mut seen = String::new();
    // Byte by byte: what follows the word is for whoever reads next.
    let mut line = Vec::new();
    while !seen.contains(word) {
        let mut next = [0];
        let read = lines.read(&mut next).expect("the program's output can be read");
        let byte = (read > 0).then_some(next[0]);
        line.extend(byte);
        if byte.is_none_or(|byte| byte == b'\n') {
            seen.push_str(std::str::from_utf8(&line).expect("the program prints UTF-8"));
            line.clear();
        }
        assert!(byte.is_some() || seen.contains(word), "`{word}` was not said:\n{seen}");
    }
    seen
}
