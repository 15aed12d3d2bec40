#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> reduce(|a, b| a + b) -> sink(debug());
    }
}

fn main() {}
