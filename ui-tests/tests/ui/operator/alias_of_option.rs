#![allow(unused)]
use malstrom::prelude::*;

type Maybe<T> = Option<T>;

#[operator]
fn parse(line: String) -> Maybe<u64> {
    line.parse().ok()
}
#[operator]
fn double(x: u64) -> u64 {
    2 * x
}

pipeline! {
    fn p(lines: Vec<String>) {
        source(lines) -> parse -> double -> sink(stdout());
    }
}

fn main() {}
