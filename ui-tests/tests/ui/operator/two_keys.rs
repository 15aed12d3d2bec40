#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn tag(x: u64, a: Key<'_, u64>, b: Key<'_, String>) -> u64 {
    x
}

fn main() {}
