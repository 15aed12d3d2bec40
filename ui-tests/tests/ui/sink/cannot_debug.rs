#![allow(unused)]
use malstrom::prelude::*;

pub struct Alert(u64);

pipeline! {
    fn p() {
        source(0..9u64) -> map(Alert) -> sink(debug());
    }
}

fn main() {}
