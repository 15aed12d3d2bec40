#![allow(unused)]
use malstrom::prelude::*;

#[operator(shape = flat_map)]
fn listing(x: u64) -> u64 {
    x
}

fn main() {}
