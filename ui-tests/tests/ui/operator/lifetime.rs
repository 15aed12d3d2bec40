#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn first<'a>(line: String, key: Key<'a, u64>) -> String {
    line
}

fn main() {}
