#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> count() -> sink(debug());
    }
}

fn main() {}
