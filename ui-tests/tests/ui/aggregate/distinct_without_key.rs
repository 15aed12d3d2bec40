#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> distinct() -> sink(debug());
    }
}

fn main() {}
