#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn first(lines: Vec<String>) {
        source(lines) -> map(|line| line);
    }
    fn second(lines: Vec<String>) {
        source(lines) -> filter(|line| line.is_empty());
    }
}

fn main() {}
