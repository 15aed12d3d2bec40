#![allow(unused)]
use malstrom::prelude::*;

#[operator(shape = map, shape = map)]
fn listing(x: u64) -> u64 {
    x
}

fn main() {}
