//! A job that goes on where it was: it counts the letters of words, is stopped in the middle, and is run again.
//!
//! Both runs are in one program here. As a program of your own it would be run with `--snapshots file:///some/dir`, killed, and
//! run again.
use malstrom::connect::memory;
use malstrom::prelude::*;
use malstrom::{Report, Runtime};
use std::path::{Path, PathBuf};
use std::time::Duration;

#[keyed_state(key = char)]
#[derive(Default)]
struct Seen {
    words: u64,
}
#[operator]
fn seen(state: &mut Seen, word: String) -> Option<String> {
    state.words += 1;
    // Now and then, so that there is not too much to read.
    state.words.is_multiple_of(10_000).then(|| format!("{}: {} words", word.chars().next().unwrap_or('?'), state.words))
}

pipeline! {
    /// Words by their first letters, forty thousand of each of four.
    #[guarantee(exactly_once)]
    fn initials(output: PathBuf) {
        source(memory::splits(4, |split| {
            let word = ["ebb", "flow", "tide", "wave"][split];
            std::iter::repeat_n(word.to_owned(), 40_000)
        }))
            -> key_by(|word| word.chars().next().unwrap_or('?')) -> seen -> sink(files::jsonl_sink(&output));
    }
}

/// Runs the job; `stop` says when it is stopped before its end.
fn run(directory: &Path, workers: usize, stop: impl Fn(&Report) -> bool) -> malstrom::Result<Report> {
    let snapshots = format!("file://{}", directory.join("snapshots").display());
    let output = directory.join("output");
    let runtime = Runtime::builder().workers(workers).snapshots(snapshots, Duration::from_millis(100)).build()?;
    let job = runtime.start(move || initials(output.clone()))?;
    while !stop(&job.report()) {
        std::thread::sleep(Duration::from_millis(1));
    }
    job.stop()?;
    job.join()
}

fn main() -> malstrom::Result<()> {
    let directory = std::env::temp_dir().join(format!("malstrom-kept-{}", std::process::id()));
    let first = run(&directory, 2, |report| report.records_read() > 0)?;
    let second = run(&directory, 3, |report| first.records_read() + report.records_read() >= 160_000)?;
    println!("both runs together read {} words", first.records_read() + second.records_read());
    println!("the second went on from a snapshot: {}", second.restored_from().is_some());

    let mut lines = Vec::new();
    for part in std::fs::read_dir(directory.join("output"))? {
        let path = part?.path();
        if path.extension().is_some_and(|extension| extension == "jsonl") {
            lines.extend(std::fs::read_to_string(path)?.lines().map(str::to_owned));
        }
    }
    lines.sort();
    println!("{}", lines.join("\n"));
    std::fs::remove_dir_all(directory)?;
    Ok(())
}
