#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) else bad -> sink(stdout());
        bad -> map(|failure| failure.operator) -> sink(stdout());
    }
}

fn main() {}
