#![allow(unused)]
use malstrom::prelude::*;

#[operator(shape = fold)]
fn listing(x: u64) -> u64 {
    x
}

fn main() {}
