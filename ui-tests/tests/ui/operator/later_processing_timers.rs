#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn tag(x: u64, extra: ProcessingTimers<'_, u64>) -> u64 {
    x
}

fn main() {}
