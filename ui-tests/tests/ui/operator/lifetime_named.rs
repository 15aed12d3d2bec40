#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn tag(line: String, key: Key<'a, u64>) -> String {
    line
}

fn main() {}
