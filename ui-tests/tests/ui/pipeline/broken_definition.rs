#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn first(lines: Vec<String>) {
        source(lines) -> map(|line| line);
    }
    fun second(lines: Vec<String>) {
        source(lines) -> sink(stdout());
    }
}

fn main() {}
