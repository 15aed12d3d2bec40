#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn scale(x: f64, #[arg] (a, b): (f64, f64)) -> f64 {
    x
}

fn main() {}
