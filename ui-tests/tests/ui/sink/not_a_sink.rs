#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> sink(Vec::<u64>::new());
    }
}

fn main() {}
