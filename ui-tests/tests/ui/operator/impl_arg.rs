#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn show(x: u64, #[arg] prefix: impl Into<String>) -> String {
    x.to_string()
}

fn main() {}
