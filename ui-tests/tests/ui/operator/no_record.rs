#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn tick() -> u64 {
    1
}

fn main() {}
