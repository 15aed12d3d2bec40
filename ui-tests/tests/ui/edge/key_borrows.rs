#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p(lines: Vec<String>) {
        source(lines) -> key_by(|line| line.as_str()) -> count() -> map(|(_, n)| n) -> sink(stdout());
    }
}

fn main() {}
