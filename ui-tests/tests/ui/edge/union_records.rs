#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn length(line: String) -> u64 {
    0
}

pipeline! {
    fn p(lines: Vec<String>) {
        let a = source(lines.clone());
        let b = source(lines) -> length;
        union(a, b) -> sink(stdout());
    }
}

fn main() {}
