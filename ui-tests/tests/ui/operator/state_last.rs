#![allow(unused)]
use malstrom::prelude::*;

#[keyed_state(key = u64)]
#[derive(Default)]
struct Seen { count: u64 }

#[operator]
fn score(x: u64, seen: &mut Seen) -> u64 {
    x
}

fn main() {}
