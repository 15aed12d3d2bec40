#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn check(x: u64, limit: u32) -> bool {
    x < limit.into()
}

fn main() {}
