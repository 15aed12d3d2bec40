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

pipeline! {
    fn p(lines: Vec<String>) {
        txs -> sink(stdout());
        let txs = source(lines) -> trim;
    }
}

fn main() {}
