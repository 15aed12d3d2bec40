#![allow(unused)]
use malstrom::prelude::*;

#[keyed_state(key = u64)]
#[derive(Default)]
struct Seen { count: u64 }

#[operator]
fn score(a: &mut Seen, b: &mut Seen, x: u64) -> u64 {
    x
}

fn main() {}
