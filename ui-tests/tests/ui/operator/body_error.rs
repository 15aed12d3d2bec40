#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn trim(line: String) -> String {
    line.trimm().to_owned()
}

fn main() {}
