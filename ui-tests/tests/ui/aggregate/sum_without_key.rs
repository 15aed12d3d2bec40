#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> sum(|x| *x) -> sink(debug());
    }
}

fn main() {}
