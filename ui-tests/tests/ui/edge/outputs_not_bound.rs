#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn halve(x: u64, odd: Output<'_, String>) -> Option<u64> {
    Some(x)
}

pipeline! {
    fn p() {
        source(0..9u64) -> halve -> sink(stdout());
    }
}

fn main() {}
