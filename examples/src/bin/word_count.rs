//! Counts words as they come: a keyed running aggregate behind an exchange.
use malstrom::prelude::*;
use std::path::PathBuf;

#[operator]
fn words(line: String) -> impl Iterator<Item = String> {
    line.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().into_iter()
}

pipeline! {
    /// Counts words.
    fn word_count(input: PathBuf) {
        source(files::lines(input)) -> words -> key_by(|w| w.clone()) -> count()
            -> map(|(word, n)| format!("{n:>6} {word}")) -> sink(stdout());
    }
}

fn main() -> malstrom::Result<()> {
    println!("{}", malstrom::run(|| word_count("Cargo.toml".into()))?);
    Ok(())
}
