#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn words(line: &str) -> usize {
    line.len()
}

fn main() {}
