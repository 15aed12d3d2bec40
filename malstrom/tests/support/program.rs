//! The test binary as a program with a command line: a test that is ignored stands for its `main`.
use malstrom::{Pipeline, RuntimeArgs, SnapshotCommand};
use std::process::{Command, Stdio};

const ARGUMENTS: &str = "PROGRAM_ARGUMENTS";
const ROLE: &str = "PROGRAM_ROLE";

#[derive(clap::Parser)]
struct Arguments {
    #[command(flatten)]
    runtime: RuntimeArgs,
    #[command(subcommand)]
    command: Option<SnapshotCommand>,
}
/// What the ignored test `program` does.
pub fn main(pipeline: fn() -> Pipeline) {
    let Ok(arguments) = std::env::var(ARGUMENTS) else { return };
    let arguments: Vec<String> = serde_json::from_str(&arguments).unwrap();
    let Arguments { runtime, command } = clap::Parser::parse_from(arguments);
    // The harness has said something on this line.
    println!();
    let outcome = match command {
        Some(command) => command.run(runtime, pipeline),
        None => runtime.run(pipeline).map(|_| ()),
    };
    if let Err(error) = outcome {
        eprintln!("Error: {error:?}");
        std::process::exit(1);
    }
    std::process::exit(0);
}
/// Which one of several programs this is.
pub fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}
/// Runs the program: its exit code, its lines of JSON, sorted, and what it complained of.
pub fn run(arguments: &[&str]) -> (Option<i32>, Vec<String>, String) {
    run_as("", arguments)
}
/// The same of a program that is one of several, see [`role`].
pub fn run_as(role: &str, arguments: &[&str]) -> (Option<i32>, Vec<String>, String) {
    let output = command(role, arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<String> = text.lines().filter(|line| line.starts_with('{')).map(str::to_owned).collect();
    lines.sort();
    (output.status.code(), lines, String::from_utf8(output.stderr).unwrap())
}
/// The program, not yet started.
pub fn command(role: &str, arguments: &[&str]) -> Command {
    let all: Vec<&str> = [&["program"], arguments].concat();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "program", "--ignored", "--nocapture"]);
    command.env(ROLE, role);
    command.env(ARGUMENTS, serde_json::to_string(&all).unwrap()).stdin(Stdio::null());
    command
}
/// What a snapshot has of an operator.
#[track_caller]
pub fn show(snapshots: &str, arguments: &[&str]) -> Vec<String> {
    let (code, lines, complaints) = run(&[&["--snapshots", snapshots, "snapshot", "show"], arguments].concat());
    assert_eq!(code, Some(0), "{complaints}");
    lines
}
