#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(7u64)? -> sink(stdout());
    }
}

fn main() {}
