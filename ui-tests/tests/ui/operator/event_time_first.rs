#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn stamp(at: EventTime, x: u64) -> u64 {
    x
}

fn main() {}
