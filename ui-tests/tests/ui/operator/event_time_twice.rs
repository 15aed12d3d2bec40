#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn stamp(x: u64, at: EventTime, ticks: EventTime<u64>) -> u64 {
    x
}

fn main() {}
