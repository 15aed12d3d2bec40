#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    <u64, u64 by u64> fn gathered() = key_by(|x| *x) -> combine();
}

fn main() {}
