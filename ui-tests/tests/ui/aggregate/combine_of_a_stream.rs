#![allow(unused)]
use malstrom::prelude::*;

pipeline! {
    fn p() {
        let keyed = source(0..9u64) -> key_by(|x| *x);
        keyed -> combine() -> count() -> sink(debug());
    }
}

fn main() {}
