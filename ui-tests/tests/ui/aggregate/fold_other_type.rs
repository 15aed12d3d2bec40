#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> key_by(|x| *x) -> fold(0u64, |acc, x| x.to_string()) -> map(|(key, _)| key) -> sink(debug());
    }
}

fn main() {}
