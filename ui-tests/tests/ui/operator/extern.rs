#![allow(unused)]
use malstrom::prelude::*;

#[operator]
extern "C" fn negate(x: i64) -> i64 {
    -x
}

fn main() {}
