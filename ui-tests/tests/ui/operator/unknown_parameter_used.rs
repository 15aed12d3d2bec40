#![allow(unused)]
use malstrom::prelude::*;

#[operator]
fn check(x: u64, limit: u32) -> bool {
    x < limit.into()
}

pipeline! {
    fn p() {
        source(0..9u64) -> check -> sink(stdout());
    }
}

fn main() {}
