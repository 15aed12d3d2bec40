#![allow(unused)]
use malstrom::prelude::*;

#[operator(on_rigth = person)]
fn listing(x: u64) -> u64 {
    x
}

fn main() {}
