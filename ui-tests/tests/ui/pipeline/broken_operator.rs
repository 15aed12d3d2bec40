#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn trim(line: &str) -> String {
    line.trim().to_owned()
}
#[operator]
fn parse<T: std::str::FromStr>(line: &T, #[arg] least: u64) -> Option<T> {
    None
}

pipeline! {
    fn p(lines: Vec<String>) {
        source(lines) -> trim -> parse::<u64>(5) -> sink(stdout());
    }
}

fn main() {}
