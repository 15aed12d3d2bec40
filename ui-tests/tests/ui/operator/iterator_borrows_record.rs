#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn words(line: String) -> impl Iterator<Item = String> {
    line.split(' ').map(str::to_owned)
}

fn main() {}
