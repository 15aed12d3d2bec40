#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn tag(x: f64, #[arg] prefix: &str) -> String {
    format!("{prefix}{x}")
}

pipeline! {
    fn p(xs: Vec<f64>) {
        source(xs) -> tag(7) -> sink(stdout());
    }
}

fn main() {}
