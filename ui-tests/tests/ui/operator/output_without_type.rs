#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn tag(x: u64, odd: Output) -> u64 {
    x
}

fn main() {}
