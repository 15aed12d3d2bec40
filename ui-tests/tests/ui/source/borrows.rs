#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p(lines: Vec<String>) {
        source(lines.iter()) -> map(|line| line.len()) -> sink(stdout());
    }
}

fn main() {}
