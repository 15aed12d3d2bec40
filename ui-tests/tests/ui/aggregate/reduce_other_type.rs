#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        source(0..9u64) -> key_by(|x| *x) -> reduce(|a, b| a.to_string()) -> map(|(key, _)| key) -> sink(debug());
    }
}

fn main() {}
