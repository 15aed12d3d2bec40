#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    <u64 by u64, (u64, u64) by u64> fn counted() = combine() -> count();
}

fn main() {}
