#![allow(unused)]
use malstrom::prelude::*;

pub struct Nothing;

pipeline! {
    fn p() {
        source(0..9u64) -> sink(Nothing);
    }
}

fn main() {}
