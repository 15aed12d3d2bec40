//! Counts words: a running aggregate per key. Each line printed is a count so far, so a word's last line is its total.
//!
//! `cargo run --bin word_count` reads some of Shakespeare's sonnets; `-- --input DIR` reads your own files.
use clap::Parser;
use malstrom::prelude::*;
use std::path::PathBuf;

#[operator]
fn words(line: String) -> impl Iterator<Item = String> {
    let bare = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    line.split_whitespace().map(bare).filter(|word| !word.is_empty()).collect::<Vec<_>>().into_iter()
}

pipeline! {
    /// Counts words.
    fn word_count(input: PathBuf) {
        source(files::lines(input)) -> words -> key_by(|w| w.clone()) -> count()
            -> map(|(word, n)| format!("{n:>6} {word}")) -> sink(stdout());
    }
}

/// Counts words.
#[derive(Parser)]
struct Args {
    /// A text file, a directory of them, or a pattern such as `logs/*.txt`
    #[arg(long, value_name = "PATH", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/data/sonnets.txt"))]
    input: PathBuf,
    #[command(flatten)]
    runtime: malstrom::RuntimeArgs,
}

fn main() -> malstrom::Result<()> {
    let Args { input, runtime } = Args::parse();
    eprintln!("{}", runtime.run(move || word_count(input.clone()))?);
    Ok(())
}
