#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn trim(line: String) -> String {
    line
}
#[operator]
fn length(line: String) -> u64 {
    0
}
#[operator]
fn halve(x: u64, odd: Output<'_, String>) -> Option<u64> {
    Some(x)
}

#[operator]
fn two(x: u64, odd: Output<'_, String>, even: Output<'_, String>) -> u64 {
    x
}

pipeline! {
    fn p(lines: Vec<String>) {
        let (a, b) = source(lines) -> length -> two;
        a -> sink(stdout());
        b -> sink(stdout());
    }
}

fn main() {}
