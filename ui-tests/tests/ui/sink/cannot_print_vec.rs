#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> map(|x| vec![x]) -> sink(stdout());
    }
}

fn main() {}
