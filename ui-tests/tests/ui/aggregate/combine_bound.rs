#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        let many = source(0..9u64) -> key_by(|x| *x) -> combine();
        many -> count() -> sink(debug());
    }
}

fn main() {}
