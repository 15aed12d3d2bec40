#![allow(unused)]
use malstrom::prelude::*;

pub struct Plain;

#[operator]
fn score(state: &mut Plain, x: u64) -> u64 {
    x
}

pipeline! {
    fn p() {
        source(0..9u64) -> key_by(|x| *x) -> score -> sink(stdout());
    }
}

fn main() {}
