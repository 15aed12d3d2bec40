#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn log(x: u64) {
    println!("{x}");
}

fn main() {}
