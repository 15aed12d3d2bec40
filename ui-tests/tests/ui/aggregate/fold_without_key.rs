#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> fold(0, |a, x| a + x) -> sink(debug());
    }
}

fn main() {}
