#![allow(unused)]
use malstrom::prelude::*;

pub struct Plain;

#[operator]
fn score(state: &mut Option<Plain>, x: u64) -> u64 {
    x
}

fn main() {}
