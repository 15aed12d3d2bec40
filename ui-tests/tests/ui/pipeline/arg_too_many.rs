#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn scale(x: f64, #[arg] factor: f64) -> f64 {
    x * factor
}

pipeline! {
    fn p(xs: Vec<f64>) {
        source(xs) -> scale(2.0, 3.0) -> sink(stdout());
    }
}

fn main() {}
