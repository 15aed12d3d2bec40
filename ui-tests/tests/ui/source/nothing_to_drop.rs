#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) else drop -> sink(stdout());
    }
}

fn main() {}
