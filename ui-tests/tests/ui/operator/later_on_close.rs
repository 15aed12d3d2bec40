#![allow(unused)]
use malstrom::prelude::*;

#[operator(on_close = forget)]
fn tag(x: u64) -> u64 {
    x
}

fn main() {}
