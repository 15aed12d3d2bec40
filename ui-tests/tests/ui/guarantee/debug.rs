#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    #[guarantee(exactly_once)]
    fn p() {
        source(0..9u64) -> sink(debug());
    }
}

fn main() {}
