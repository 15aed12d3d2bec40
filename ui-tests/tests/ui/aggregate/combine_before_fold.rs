#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> key_by(|x| *x) -> combine() -> fold(0, |sum, x| sum + x) -> sink(debug());
    }
}

fn main() {}
