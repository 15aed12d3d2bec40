#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn doubled(x: u64) -> u64 {
    x * 2
}

pipeline! {
    fn p() {
        source(0..9u64) -> key_by(|x| *x) -> combine() -> doubled -> sink(debug());
    }
}

fn main() {}
