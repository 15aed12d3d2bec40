#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> max(|x| *x) -> sink(debug());
    }
}

fn main() {}
