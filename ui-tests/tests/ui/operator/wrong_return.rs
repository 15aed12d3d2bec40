#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn length(line: String) -> u64 {
    line.len()
}

fn main() {}
