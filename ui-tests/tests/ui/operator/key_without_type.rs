#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn tag(x: u64, key: Key) -> u64 {
    x
}

fn main() {}
