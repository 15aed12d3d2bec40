#![allow(unused)]
use malstrom::prelude::*;

#[operator]
const fn negate(x: i64) -> i64 {
    -x
}

fn main() {}
