#![allow(unused)]
use malstrom::prelude::*;

struct Hidden(u64);

#[operator]
pub fn wrap(x: u64) -> Hidden {
    Hidden(x)
}

fn main() {}
