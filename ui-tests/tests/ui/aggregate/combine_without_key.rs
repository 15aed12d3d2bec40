#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> combine() -> count() -> sink(debug());
    }
}

fn main() {}
