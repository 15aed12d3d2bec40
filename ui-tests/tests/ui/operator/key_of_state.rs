#![allow(unused)]
use malstrom::prelude::*;

#[keyed_state(key = u64)]
#[derive(Default)]
pub struct Seen { count: u64 }

#[operator]
fn score(seen: &mut Seen, x: u64, key: Key<'_, String>) -> u64 {
    x
}

fn main() {}
