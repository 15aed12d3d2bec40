#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p(lines: Vec<String>) -> u64 {
        source(lines) -> sink(stdout());
    }
}

fn main() {}
