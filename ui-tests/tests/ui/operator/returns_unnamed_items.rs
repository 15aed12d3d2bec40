#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn show(x: u64) -> impl Iterator<Item = impl std::fmt::Display> {
    [x].into_iter()
}

fn main() {}
