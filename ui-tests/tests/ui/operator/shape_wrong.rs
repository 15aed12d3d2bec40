#![allow(unused)]
use malstrom::prelude::*;

#[operator(shape = filter_map)]
fn listing(x: u64) -> u64 {
    x
}

fn main() {}
