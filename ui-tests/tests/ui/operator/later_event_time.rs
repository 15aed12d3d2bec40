#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn tag(x: u64, extra: EventTime) -> u64 {
    x
}

fn main() {}
