#![allow(unused)]
use malstrom::prelude::*;

pub struct Clicks { n: u64 }

pipeline! {
    fn p() {
        source(Clicks { n: 1 }) -> map(|x| x) -> sink(stdout());
    }
}

fn main() {}
