//! The README's program, output and picture are those of `payments`, and so is the program in the crate's documentation.
#![allow(clippy::expect_used, clippy::panic)]
mod command_line;
use command_line::run;
use std::fs;
use std::path::Path;

const PAYMENTS: &str = env!("CARGO_BIN_EXE_payments");

fn ours(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).expect("it is in the repository")
}

/// The first block of this language in the README.
fn block(language: &str) -> String {
    let readme = ours("README.md");
    let (_, rest) = readme.split_once(&format!("```{language}\n")).expect("it has such a block");
    rest.split_once("```").expect("it has an end").0.to_owned()
}

#[test]
fn the_program_is_the_one_that_is_run() {
    let program = ours("examples/src/bin/payments.rs");
    let (_, program) = program.split_once('\n').expect("its first line is about the README");
    assert_eq!(block("rust"), program);
    let documentation: String =
        program.lines().map(|line| format!("//! {line}").trim_end().to_owned() + "\n").collect();
    assert!(ours("malstrom/src/lib.rs").contains(&documentation));
}

#[test]
fn the_picture_is_its_plan() {
    assert_eq!(block("mermaid"), run(PAYMENTS, &["--plan"]).succeeded().stdout);
}

#[test]
fn the_output_is_its_output() {
    let ended = run(PAYMENTS, &["--workers", "2"]).succeeded();
    let block = block("text");
    let (results, report): (Vec<_>, Vec<_>) = block.lines().partition(|line| !line.starts_with(' '));
    assert_eq!(ended.sorted(), {
        let mut results = results;
        results.sort_unstable();
        results
    });
    // All but the time it took.
    let figures = report.len() - 1;
    assert_eq!(ended.stderr.lines().take(figures).collect::<Vec<_>>(), report[..figures]);
}
