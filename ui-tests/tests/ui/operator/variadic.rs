#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn print(x: i64, ...) -> i64 {
    x
}

fn main() {}
