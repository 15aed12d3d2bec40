#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    #[guarantee(exactly_once)]
    <u64, u64> fn doubled() = map(|n| n * 2);

    fn p() {
        source(0..9u64) -> doubled -> sink(stdout());
    }
}

fn main() {}
