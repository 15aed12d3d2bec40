#![allow(unused)]
use malstrom::prelude::*;

pub struct Rules(Vec<u64>);

#[operator]
fn check(x: u64, #[arg] rules: Rules) -> bool {
    rules.0.contains(&x)
}

fn main() {}
