#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn show(x: impl std::fmt::Display) -> String {
    x.to_string()
}

fn main() {}
