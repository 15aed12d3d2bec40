#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> key_by(|x| *x) -> map(|x| x) -> combine() -> count() -> sink(debug());
    }
}

fn main() {}
