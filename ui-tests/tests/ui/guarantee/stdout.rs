#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    #[guarantee(exactly_once)]
    fn p(lines: Vec<String>) {
        source(lines) -> sink(stdout());
    }
}

fn main() {}
