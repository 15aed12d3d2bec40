#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p(lines: Vec<String>) {
        let a = source(lines.clone()) -> key_by(|line| line.clone());
        let b = source(lines) -> key_by(|line| line.len() as u64);
        union(a, b) -> count() -> map(|(_, n)| n) -> sink(stdout());
    }
}

fn main() {}
