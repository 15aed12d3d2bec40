#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> key_by(|x| *x as f64) -> count() -> map(|(_, n)| n) -> sink(stdout());
    }
}

fn main() {}
