#![allow(unused)]
use malstrom::prelude::*;

pub struct Money(u64);

pipeline! {
    fn p() {
        source(0..9u64) -> key_by(|x| *x) -> fold(Money(0), |acc, x| acc) -> map(|(key, _)| key) -> sink(debug());
    }
}

fn main() {}
