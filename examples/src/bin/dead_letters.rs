//! An operator that can fail says so by its type, and each pipeline says what then happens: `?` ends the job, `else
//! name` makes a stream of the failures, `else drop` discards and counts them.
use malstrom::prelude::*;
use std::num::ParseIntError;

#[operator]
fn parse(line: String) -> Result<i64, ParseIntError> {
    line.parse()
}

pipeline! {
    fn lenient(lines: Vec<String>) {
        source(lines) -> parse else drop -> map(|n| format!("number {n}")) -> sink(stdout());
    }
    fn careful(lines: Vec<String>) {
        let numbers = source(lines) -> parse else malformed;
        numbers -> map(|n| format!("number {n}")) -> sink(stdout());
        malformed -> map(|f| format!("{} refused one: {}", f.operator, f.error)) -> sink(stdout()) as dead_letters;
    }
    fn strict(lines: Vec<String>) {
        source(lines) -> parse? -> map(|n| format!("number {n}")) -> sink(stdout());
    }
}

fn main() -> malstrom::Result<()> {
    let lines = || ["1", "two", "3"].map(String::from).to_vec();
    let runtime = malstrom::Runtime::builder().workers(1).build()?;

    let report = runtime.run(move || lenient(lines()))?;
    println!("lenient dropped {}", report.dropped());
    runtime.run(move || careful(lines()))?;
    match runtime.run(move || strict(lines())) {
        Ok(report) => println!("{report}"),
        Err(error) => println!("strict: {error}"),
    }
    Ok(())
}
