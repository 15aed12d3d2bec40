#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> key_by(|x| *x) -> combine() -> top(3, |x| *x) -> sink(debug());
    }
}

fn main() {}
