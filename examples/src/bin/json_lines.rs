//! Files in, files out. Each file of a directory is a split, which one worker reads; each worker writes parts of its
//! own, which take their names when they are whole.
use clap::Parser;
use malstrom::prelude::*;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

#[derive(Record, Clone, Debug, Deserialize)]
struct Click {
    page: String,
    millis: u64,
}

#[derive(Debug, Serialize)]
struct Slow {
    page: String,
    clicks: usize,
    slowest: u64,
}

#[derive(Debug, Serialize)]
struct DeadLetter {
    at: String,
    message: String,
}

pipeline! {
    fn slow_pages(input: PathBuf, output: PathBuf) {
        let clicks = source(files::jsonl::<Click>(input)) else malformed;
        clicks -> key_by(|c| c.page.clone()) -> fold((0, 0), |(n, most), c| (n + 1, c.millis.max(most)))
            -> map(|(page, (clicks, slowest))| Slow { page, clicks, slowest })
            -> sink(files::jsonl_sink(output.join("slow")));
        malformed -> map(|f| DeadLetter { at: format!("{}:{}", f.error.path, f.error.line), message: f.error.message })
            -> sink(files::csv_sink(output.join("dead-letters"))) as dead_letters;
    }
}

/// Finds the slowest click on each page so far.
#[derive(Parser)]
struct Args {
    /// A file of JSON lines, a directory of them, or a pattern
    #[arg(long, value_name = "PATH", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/data/clicks.jsonl"))]
    input: PathBuf,
    /// The directory to write to [default: `malstrom-slow-pages` in the directory for temporary files]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    runtime: malstrom::RuntimeArgs,
}

fn main() -> malstrom::Result<()> {
    let Args { input, output, runtime } = Args::parse();
    let output = output.unwrap_or_else(|| std::env::temp_dir().join("malstrom-slow-pages"));
    println!("writing to {}", output.display());
    eprintln!("{}", runtime.run(move || slow_pages(input.clone(), output.clone()))?);
    Ok(())
}
