#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn scale(#[arg] factor: f64) -> f64 {
    factor
}

fn main() {}
